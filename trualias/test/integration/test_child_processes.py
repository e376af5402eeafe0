"""Work that several processes share."""

import os
import signal
import subprocess
import sys
from functools import partial
from multiprocessing import active_children
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.policies import many_codes
from trualias.commands.child_processes import EndedProcess, computed_by_several
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, wait_until


def _square(number: int) -> tuple[int, int]:
    """Return the square of a number, and the process that computed it; 3 ends the process."""
    if number == 3:
        sys.exit(number)
    return number * number, os.getpid()


class ComputedBySeveralTests(SynchronousTestCase):
    """The function, in this process and its children."""

    def test_results(self) -> None:
        """The results come in the order of their tasks, each from one of the processes."""
        for tasks, processes, children in (((5, 4, 7, 6, 9), 2, 2), ((1, 2), 8, 2)):
            with computed_by_several(_square, tasks, processes) as results:
                assert results is not None
                squares, by = zip(*results, strict=True)
            self.assertEqual([task * task for task in tasks], list(squares))
            self.assertEqual(children, len(set(by) - {os.getpid()}))
            self.assertEqual([], active_children())

    def test_single(self) -> None:
        """One process is none: of a single task, or where there may be only one."""
        for tasks, processes in (([5], 2), ([5, 6], 1), ([], 2)):
            with computed_by_several(_square, tasks, processes) as results:
                self.assertEqual((None, []), (results, active_children()))

    def test_ended(self) -> None:
        """The end of a process is an error when its result is due; results before it are not lost."""
        with computed_by_several(_square, [1, 2, 3, 4], 2) as results:
            assert results is not None
            self.assertEqual([1, 4], [next(results)[0], next(results)[0]])
            error = self.assertRaises(EndedProcess, next, results)
        self.assertEqual("ended with exit status 3", str(error))


class EndTests(SynchronousTestCase):
    """The end of the process that asks for results."""

    def test_killed(self) -> None:
        """The processes that compute results end with it, whatever they do."""
        program = (
            "import signal\n"
            "from trualias.commands.child_processes import computed_by_several\n"
            "with computed_by_several(lambda task: signal.pause(), [1, 2], 2) as results:\n"
            "    next(results)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", program], env=ENVIRONMENT)
        try:
            started = children_of(process.pid)
        finally:
            process.kill()
            process.wait(PATIENCE)
        wait_until(lambda: not any(child.exists() for child in started), "their end")


def children_of(number: int) -> list[Path]:
    """Wait until a process has two others, and return their directories in /proc."""
    children = Path(f"/proc/{number}/task/{number}/children")
    wait_until(lambda: len(children.read_text("ascii").split()) > 1, "processes that compute results")
    return [Path("/proc") / child for child in children.read_text("ascii").split()]


class StrengthTests(SynchronousTestCase):
    """``trualias strength`` of many statements."""

    def setUp(self) -> None:
        """Name a configuration."""
        self.path = Path(self.mktemp()).absolute()
        self.command = (*PROGRAM, "strength", "--json", "-c", str(self.path))
        self.processors = sorted(os.sched_getaffinity(0))

    def test_same_output(self) -> None:
        """The output is the same on one processor and on several."""
        like = "ACCOUNT a MATCHES %account%+%ident%.%code% WITH CHARS();\n"
        self.path.write_text(f"{like * 2}{many_codes(50)}{like}", "utf-8")
        alone, several = (
            subprocess.run(
                self.command,
                env=ENVIRONMENT,
                capture_output=True,
                preexec_fn=partial(os.sched_setaffinity, 0, processors),
                check=True,
            )
            for processors in (self.processors[:1], self.processors)
        )
        self.assertEqual((alone.stdout, b"", b""), (several.stdout, alone.stderr, several.stderr))
        self.assertEqual(2, alone.stdout.count(b'"like"'))

    def test_killed(self) -> None:
        """The death of a process is an error, and nothing is printed; no other process remains."""
        if len(self.processors) < 2:
            return
        self.path.write_text(many_codes(5_000), "utf-8")
        process = subprocess.Popen(
            self.command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started = children_of(process.pid)
        os.kill(int(started[0].name), signal.SIGKILL)
        output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(("", "not measured: a process that measures was ended by SIGKILL\n"), (output, errors))
        self.assertEqual(2, process.returncode)
        wait_until(lambda: not any(child.exists() for child in started), "the end of the others")
