"""``trualias check``: the errors and warnings of configurations."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.options import add_config, add_json
from trualias.commands.output import Output, write_json
from trualias.commands.overview import add_command
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal
from trualias.configuration import ConfigurationErrors
from trualias.configuration.locations import NoConfiguration, find_configuration
from trualias.configuration.tables import SERVER_TABLES
from trualias.lookup.loading import load_snapshot

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.commands.check_text import CheckedFile

_SILENT_SECONDS = 1.0
"""Seconds after which a check shows a progress bar."""

_NO_ERRORS = 0
_WARNINGS = 1
_ERRORS = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "check",
        description="Load each configuration as a server would, with its hooks and expectations, and print all errors. "
        "If there are none, print warnings: what is valid but unwise, why, and how to fix it; and recommendations, as "
        "notes.",
        exit_status="0 without errors, 2 with errors; with --strict, 1 if there are only warnings",
    )
    add_config(command)
    add_json(command)
    command.add_argument("--strict", action="store_true", help="exit with status 1 if there are warnings")
    command.add_argument(
        "--virtual", action="store_true", help="check for the virtual server; needed only if the name is not its own"
    )
    command.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="further configurations; by default those that the two servers would find",
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Check the files and return the exit status.

    Raises:
        NoConfiguration: no file is given or found.
    """
    from trualias.commands.check_text import for_programs, print_file

    given = [path for path in (arguments.config, *arguments.files) if path is not None]
    files = [_check(path, arguments.virtual, terminal) for path in given or _find()]
    if arguments.json:
        write_json(terminal.output, {"files": [for_programs(file) for file in files]})
    else:
        out = Output(terminal.output)
        for file in files:
            print_file(file, out)
    if any(file.errors for file in files):
        return _ERRORS
    return _WARNINGS if arguments.strict and any(file.warnings for file in files) else _NO_ERRORS


def _find() -> list[str]:
    """Find the configurations of both servers, each once."""
    paths = []
    missing = None
    for table in SERVER_TABLES:
        try:
            paths.append(find_configuration(table))
        except NoConfiguration as error:
            missing = missing or error
    if missing and not paths:
        raise missing
    return list(dict.fromkeys(paths))


def _check(path: str, is_virtual: bool, terminal: Terminal) -> CheckedFile:
    from trualias.analysis.address_warnings import address_warnings
    from trualias.analysis.lint import lint, work_of
    from trualias.commands.check_text import CheckedFile
    from trualias.commands.host_warnings import host_warnings
    from trualias.commands.retired_aliases import retired_notes

    try:
        with progress(terminal.errors, f"loading {path}", None, after=_SILENT_SECONDS) as advance:
            configuration = load_snapshot(path, lambda: advance(0)).configuration
        if configuration.settings.listen:
            # Only this needs Twisted, which takes longer to import than everything else.
            from trualias.configuration.endpoints import check_listeners

            check_listeners(configuration, skip_systemd=True)
    except ConfigurationErrors as errors:
        return CheckedFile(path, errors)
    with progress(terminal.errors, f"checking {path}", work_of(configuration), after=_SILENT_SECONDS) as advance:
        findings = lint(configuration, is_virtual, advance)
    further = [*address_warnings(configuration), *host_warnings(configuration)]
    if configuration.store_path is not None:
        # Without a store, nothing of it is imported.
        from trualias.commands.store_warnings import store_warnings

        further += store_warnings(configuration, configuration.store_path)
    warnings = tuple(sorted([*findings.warnings, *further], key=lambda warning: warning.offset))
    notes = retired_notes(configuration)
    return CheckedFile(path, None, configuration, warnings, findings.search, notes, findings.unexamined)
