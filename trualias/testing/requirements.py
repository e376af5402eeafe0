"""What a test needs of the machine around it: programs, the source tree, root.

On a machine without it the test is skipped and says why. In CI, told by ``CI=true`` in the environment, it fails: there
everything has to be installed, and a skipped test would only look like a passed one.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import trualias

# Daemons lie in sbin, which is not on everybody's search path.
_SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        raise SynchronousTestCase.failureException(f"{reason}; in CI nothing may be missing")
    raise SkipTest(reason)


def require_program(name: str, *, folders: tuple[Path, ...] = ()) -> str:
    """The path of the program *name*, looked for on the search path, in sbin and in *folders*; else skip or fail."""
    path = shutil.which(name, path=os.pathsep.join((_SEARCH_PATH, *map(str, folders))))
    if path is None:
        _missing(f"the program {name} is not installed")
    return path


def require_root() -> None:
    """Skip or fail unless the tests run as root, without whom Postfix does not start."""
    if os.geteuid() != 0:
        _missing("only root can start a Postfix")


def source_tree() -> Path:
    """The root of the source tree that these tests stand in; skip or fail where they run from an installed package."""
    root = Path(trualias.__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        _missing("these tests run from an installed package, not from a source tree")
    return root
