"""Default locations of the configuration file."""

import os.path
from collections.abc import Callable

from trualias.configuration.tables import Table
from trualias.errors import NoUsableConfiguration

_SHARED_NAME = "trualias.conf"
_FOLDERS = (".", "conf", "/etc/trualias")


class NoConfiguration(NoUsableConfiguration):
    """No configuration exists at any default path; ``str()`` lists the paths and what to do."""


def default_paths(table: Table) -> tuple[str, ...]:
    """Return the paths to try, in order of preference; relative ones are relative to the working directory."""
    return tuple(os.path.join(folder, name) for folder in _FOLDERS for name in (table.file_name, _SHARED_NAME))


def find_configuration(table: Table, exists: Callable[[str], bool] = os.path.exists) -> str:
    """Return the first default path that exists; raise ``NoConfiguration`` if none does."""
    for path in default_paths(table):
        if exists(path):
            return path
    listed = "".join(f"    {path}\n" for path in default_paths(table))
    raise NoConfiguration(
        f"There is no configuration. These places were looked at:\n{listed}"
        "Write one with 'trualias init', or name a file with --config FILE. 'trualias samples' prints where the "
        f"commented sample, conf/{table.file_name}.sample, is."
    )
