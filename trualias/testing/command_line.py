"""The command line in a process."""

import resource
import subprocess
import sys

from trualias.testing.live import ENVIRONMENT

PROGRAM = (sys.executable, "-c", "import sys; from trualias.main import main; sys.exit(main())")


def seconds_of(*arguments: str, status: int) -> float:
    """Run the command line in a process of its own, assert its exit status, and return its processor time in seconds.

    The elapsed time would depend on the load of the machine, and this process may be measured for coverage.
    """
    command = (*PROGRAM, *arguments)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == status, done.stderr.decode()
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def run_to_full_device(*arguments: str, typed: bytes = b"", buffered: bool = True) -> tuple[int, str]:
    """Run the command line with standard output on a device that is always full; return its exit status and errors."""
    environment = {**ENVIRONMENT, "PYTHONUNBUFFERED": "" if buffered else "1"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            (*PROGRAM, *arguments), input=typed, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    return done.returncode, done.stderr.decode()
