"""Optional requirements of tests: programs, the source tree, and root's privileges.

If one is missing, the test is skipped with the reason. In CI (``CI=true`` in the environment) the test fails
instead, because everything must be installed there, and a skipped test would look like a passed one.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import trualias

# Daemons are in sbin, which is not on every user's search path.
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        raise SynchronousTestCase.failureException(f"{reason}; in CI nothing may be missing")
    raise SkipTest(reason)


def find_program(name: str, folders: tuple[Path, ...] = ()) -> str | None:
    """Return the path of the program *name* on the search path, in sbin or in *folders*; None if it is missing."""
    return shutil.which(name, path=os.pathsep.join((_SEARCH_PATH, *map(str, folders))))


def require_program(name: str, *, folders: tuple[Path, ...] = ()) -> str:
    """Return the path of the program *name* as ``find_program`` does; skip or fail the test if it is missing."""
    path = find_program(name, folders)
    if path is None:
        _missing(f"the program {name} is not installed")
    return path


def require_file(path: Path) -> None:
    """Skip or fail the test if a file is missing."""
    if not path.is_file():
        _missing(f"there is no {path}")


def require_root() -> None:
    """Skip or fail the test unless it runs as root, which Postfix requires."""
    if os.geteuid() != 0:
        _missing("only root can start a Postfix")


def source_tree() -> Path:
    """Return the root of the source tree of the tests; skip or fail the test if they run from an installed package."""
    root = Path(trualias.__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        _missing("these tests run from an installed package, not from a source tree")
    return root
