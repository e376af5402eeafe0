"""Tests of ``trualias samples``."""

import sys
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.samples import sample_folders
from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.testing.requirements import source_tree


class SamplesTests(SynchronousTestCase):
    """The folder of the samples."""

    def test_source_tree(self) -> None:
        """In a source tree the samples are those of the tree."""
        output, errors = StringIO(), StringIO()
        self.assertEqual(0, run(["samples"], Terminal(BytesIO(), output, errors)))
        self.assertEqual((f"{source_tree()}\n", ""), (output.getvalue(), errors.getvalue()))

    def test_folders(self) -> None:
        """After the tree, an environment and the Debian package are searched."""
        expected = [source_tree(), Path(sys.prefix, "share/trualias"), Path("/usr/share/doc/trualias/examples")]
        self.assertEqual(expected, list(sample_folders()))
