"""The benchmark's short mode: speed as ratios within one run, with half of each bound, so that any machine will do."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.requirements import source_tree


class BenchmarkTests(SynchronousTestCase):
    """``python -m benchmarks --short``, as a developer types it."""

    def test_ratios_hold(self) -> None:
        """All answers are right, and every ratio reaches half of its bound."""
        root = source_tree()
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--short"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        self.assertEqual(run.returncode, 0, run.stdout)
        for case in (
            "sample, 10 keys in turn ",
            "sample, distinct keys ",
            "one statement with 100000 accounts, distinct keys ",
            "30000 statements, distinct keys ",
            "virtual server, sample, 10 keys in turn ",
            "sample, 10 keys in turn, to twisted.protocols.postfix ",
        ):
            self.assertIn(f"\n{case}", run.stdout)
