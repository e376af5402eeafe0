"""Where the configuration is looked for when nobody names a file."""

import os.path
from collections.abc import Callable
from enum import Enum

_SHARED_NAME = "trualias.conf"
_FOLDERS = (".", "conf", "/etc/trualias")


class Kind(Enum):
    """The two servers; the value is the name of the configuration file that is a server's own."""

    TABLE = "tcp_table_server.conf"
    VIRTUAL = "tcp_virtual_server.conf"


class NoConfiguration(Exception):
    """There is no configuration in any of the places; `str()` lists them and says what to do."""


def places(kind: Kind) -> tuple[str, ...]:
    """List the paths that may hold a configuration, the first choice first; relative ones to the working directory."""
    return tuple(os.path.join(folder, name) for folder in _FOLDERS for name in (kind.value, _SHARED_NAME))


def find_configuration(kind: Kind, exists: Callable[[str], bool] = os.path.exists) -> str:
    """Return the first of the places where there is a file, or raise `NoConfiguration`."""
    for path in places(kind):
        if exists(path):
            return path
    looked = "".join(f"    {path}\n" for path in places(kind))
    raise NoConfiguration(
        f"There is no configuration. These places were looked at:\n{looked}"
        f"Copy conf/{kind.value}.sample to one of them, or name a file with --config FILE."
    )
