"""The time of ``trualias check`` and ``strength`` for large configurations: whole commands.

Processor time where one process does all, since a busy machine must not decide. The statements with codes of their own
are measured by as many processes as processors: there it is the time that the command takes. What is printed goes to a
file.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import policies
from benchmarks.report import Row, at_most
from benchmarks.servers import ROOT

_COMMAND = "import sys; from trualias.main import main; sys.exit(main())"

_BY_SEVERAL = "strength of 1000 statements, each with a code of its own"


def seconds_of(command: str, path: Path) -> tuple[float, float]:
    """Return the time of a command about a configuration without errors, and its processor time."""
    started = time.monotonic()
    before = os.times()
    with path.with_suffix(".out").open("wb") as output:
        subprocess.run([sys.executable, "-c", _COMMAND, command, "-c", str(path)], cwd=ROOT, stdout=output, check=True)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - started, processor


def run(folder: Path) -> list[Row]:
    """Return the rows of the table."""
    cases = (
        ("check of 30000 statements of three shapes", policies.many_statements(30_000), 10.0),
        ("strength of 1000 statements of three shapes", policies.many_statements(1_000), 6.0),
        (_BY_SEVERAL, policies.many_codes(1_000), 6.0),
        ("check of 1000 statements, each with a code of its own", policies.many_codes(1_000), 5.0),
        ("check of 10000 statements, each with a code of its own", policies.many_codes(10_000), 60.0),
        ("check of 1000 statements of 1000 shapes", policies.many_shapes(1_000), 5.0),
        ("check of 16384 statements with the same addresses", policies.many_classes(7), 40.0),
    )
    rows = []
    for name, text, bound in cases:
        path = folder / "checked.conf"
        path.write_text(text + "END\n", encoding="utf-8")
        elapsed, processor = seconds_of(name.split()[0], path)
        if name == _BY_SEVERAL:
            rows.append(at_most(name, elapsed, bound, " s", f"{processor:.1f} s of processors"))
        else:
            rows.append(at_most(f"{name}, processor", processor, bound, " s"))
    return rows


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as temporary:
        print(*run(Path(temporary)), sep="\n")
