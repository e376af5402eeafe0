"""Where the configuration is looked for when nobody names a file."""

import os.path
from collections.abc import Callable

from trualias.configuration.tables import Table

_SHARED_NAME = "trualias.conf"
_FOLDERS = (".", "conf", "/etc/trualias")


class NoConfiguration(Exception):
    """There is no configuration in any of the places; `str()` lists them and says what to do."""


def configuration_paths(table: Table) -> tuple[str, ...]:
    """List the paths that may hold a configuration, the first choice first; relative ones to the working directory."""
    return tuple(os.path.join(folder, name) for folder in _FOLDERS for name in (table.file_name, _SHARED_NAME))


def find_configuration(table: Table, exists: Callable[[str], bool] = os.path.exists) -> str:
    """Return the first of the places where there is a file, or raise `NoConfiguration`."""
    for path in configuration_paths(table):
        if exists(path):
            return path
    looked = "".join(f"    {path}\n" for path in configuration_paths(table))
    raise NoConfiguration(
        f"There is no configuration. These places were looked at:\n{looked}"
        f"Copy conf/{table.file_name}.sample to one of them, or name a file with --config FILE."
    )
