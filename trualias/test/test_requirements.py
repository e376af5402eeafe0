"""Tests of ``trualias.testing.requirements``."""

import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from trualias.testing.requirements import require_program, source_tree


class RequirementTests(SynchronousTestCase):
    """Requirements that are met and missing, in CI and elsewhere."""

    def test_found(self) -> None:
        """The path of a program is returned, also for one in a folder given by the test."""
        self.assertTrue(os.access(require_program("sh"), os.X_OK))
        folder = Path(self.mktemp())
        folder.mkdir()
        program = folder / "only-this-test-has-it"
        program.touch(0o755)
        self.assertEqual(str(program), require_program(program.name, folders=(folder,)))

    def test_missing_at_home(self) -> None:
        """Outside CI, a missing program skips the test, and the reason names the program."""
        self.patch(os, "environ", {**os.environ, "CI": ""})
        refusal = self.assertRaises(SkipTest, require_program, "no-such-program")
        self.assertEqual("the program no-such-program is not installed", str(refusal))

    def test_missing_in_ci(self) -> None:
        """In CI, a missing program fails the test."""
        self.patch(os, "environ", {**os.environ, "CI": "true"})
        refusal = self.assertRaises(self.failureException, require_program, "no-such-program")
        self.assertEqual("the program no-such-program is not installed; in CI nothing may be missing", str(refusal))

    def test_source_tree(self) -> None:
        """The source tree contains the project's metadata and this file."""
        self.assertTrue((source_tree() / "trualias" / "test" / "test_requirements.py").samefile(__file__))
