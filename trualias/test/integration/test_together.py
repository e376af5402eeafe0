"""Tests of ``.ci/together``, which runs checks at the same time."""

import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.live import PATIENCE
from trualias.testing.requirements import source_tree


class TogetherTests(SynchronousTestCase):
    """Commands that succeed or fail."""

    def together(self, *commands: str) -> tuple[int, str]:
        """Run commands; return the exit status, and the output without the seconds."""
        program = source_tree() / ".ci" / "together"
        done = subprocess.run(
            [program, *commands],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
        self.assertEqual("", done.stderr)
        return done.returncode, "".join(line for line in done.stdout.splitlines(True) if not line.endswith(" s\n"))

    def test_status(self) -> None:
        """It fails if any command fails, and names it; the outputs, of both streams, are in their order."""
        missing = "ls /nowhere"
        error = "ls: cannot access '/nowhere': No such file or directory\n"
        failed = f"\n== {missing}\n{error}== failed: {missing}\n"
        for commands, status, output in (
            (("echo a", "echo b"), 0, "\n== echo a\na\n\n== echo b\nb\n"),
            ((missing, "echo b"), 1, f"{failed}\n== echo b\nb\n"),
            (("echo a", missing), 1, f"\n== echo a\na\n{failed}"),
        ):
            self.assertEqual((status, output), self.together(*commands), commands)

    def test_at_the_same_time(self) -> None:
        """A command that waits for a later one does not wait for ever."""
        pipe = Path(self.mktemp()).absolute()
        os.mkfifo(pipe)
        text = pipe.with_name("text")
        text.write_text("x\n")
        self.assertEqual(
            (0, f"\n== cat {pipe}\nx\n\n== cp {text} {pipe}\n"), self.together(f"cat {pipe}", f"cp {text} {pipe}")
        )
