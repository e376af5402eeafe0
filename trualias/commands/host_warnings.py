"""Warnings about a configuration on the machine on which it is checked: its permissions, and folders of sockets."""

from __future__ import annotations

import os
from collections.abc import Iterator

from trualias.analysis.lint_warning import LintWarning
from trualias.configuration import Configuration
from trualias.configuration.permissions import permission_problem, root_only


def host_warnings(configuration: Configuration, installed: str = "/etc") -> Iterator[LintWarning]:
    """Yield the warnings about a configuration file that has no errors.

    Permissions are checked only of a file below the folder ``installed``: any other may be a draft, or a copy.
    """
    yield from _socket_folders(configuration)
    for path, offset in configuration.starts:
        if os.path.commonpath([os.path.abspath(path), installed]) == installed:
            yield from _permissions(os.path.abspath(path), offset)


def _socket_folders(configuration: Configuration) -> Iterator[LintWarning]:
    listeners = configuration.settings.listen
    if not listeners:
        return
    # Only this needs Twisted, which takes longer to import than everything else.
    from trualias.configuration.endpoints import socket_folder_problem

    for occurrence, listener in enumerate(listeners):
        problem = socket_folder_problem(listener.endpoint)
        if problem is not None:
            yield LintWarning(
                "no-socket-folder",
                configuration.setting_error("LISTEN", "", occurrence).offset,
                f"LISTEN: {problem}",
                "a server cannot start to listen there",
                "make the folder before the server starts, as RuntimeDirectory of systemd does, or use another path",
            )


def _permissions(path: str, offset: int) -> Iterator[LintWarning]:
    try:
        readers, writers = root_only(path), permission_problem(path)
    except OSError:  # it is being replaced
        return
    if readers is not None:
        yield LintWarning(
            "readable-by-root",
            offset,
            readers,
            "a server that runs as another user cannot load the file, or cannot load it again when it has changed",
            "let the server's user or group read it, such as chmod 644 of the file and chmod 755 of its folder",
        )
    if writers is not None:
        yield LintWarning(
            "writable-by-others",
            offset,
            f"others could change the file: {writers}",
            "who can change the file decides which addresses are accepted, and who gets their mail",
            "take the permission away",
        )
