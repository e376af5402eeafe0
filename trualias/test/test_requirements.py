"""Tests of what is missing on a machine: skipped at home, failed in CI."""

import os
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from trualias.testing.requirements import require_program, source_tree


class RequirementTests(SynchronousTestCase):
    """One promise each."""

    def test_found(self) -> None:
        """A program that is there is told with its path, also one that only the test's own folder has."""
        self.assertTrue(os.access(require_program("sh"), os.X_OK))
        folder = Path(self.mktemp())
        folder.mkdir()
        program = folder / "only-this-test-has-it"
        program.touch(0o755)
        self.assertEqual(str(program), require_program(program.name, folders=(folder,)))

    def test_missing_at_home(self) -> None:
        """Elsewhere than in CI a missing program skips the test and says which."""
        self.patch(os, "environ", {**os.environ, "CI": ""})
        refusal = self.assertRaises(SkipTest, require_program, "no-such-program")
        self.assertEqual("the program no-such-program is not installed", str(refusal))

    def test_missing_in_ci(self) -> None:
        """In CI the same fails the test."""
        self.patch(os, "environ", {**os.environ, "CI": "true"})
        refusal = self.assertRaises(self.failureException, require_program, "no-such-program")
        self.assertEqual("the program no-such-program is not installed; in CI nothing may be missing", str(refusal))

    def test_source_tree(self) -> None:
        """The source tree is the folder with the project's metadata and this very file in it."""
        self.assertTrue((source_tree() / "trualias" / "test" / "test_requirements.py").samefile(__file__))
