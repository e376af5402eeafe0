"""Libraries for LD_PRELOAD that let system calls hang or fail."""

import os
import shutil
import subprocess
from pathlib import Path

import trualias.testing
from faults.case import Fault
from faults.table import Table
from trualias.testing.live import PATIENCE


def built(name: str, folder: Path, table: Table, case: str) -> Path | None:
    """Compile one of ``trualias/testing/*.c``; without gcc omit the case and return None, in CI raise `Fault`."""
    gcc = shutil.which("gcc")
    if gcc is None:
        if os.environ.get("CI") == "true":
            raise Fault("gcc is not installed; in CI nothing may be missing")
        table.omit(case, "gcc is not installed")
        return None
    source = Path(trualias.testing.__file__).with_name(f"{name}.c")
    library = folder / f"{name}.so"
    subprocess.run((gcc, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)), check=True, timeout=PATIENCE)
    return library
