"""Tests of ``.ci/page-links``, the check of the links of the documentation."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.requirements import source_tree


class PageLinksTests(SynchronousTestCase):
    """Folders of pages."""

    def test_pages(self) -> None:
        """It passes for pages whose links lead somewhere, and for no others, nor for a folder without pages."""
        program = source_tree() / ".ci" / "page-links"
        for pages, status, output in (
            ({"a.html": '<article><a href="b.html">b</a></article>', "b.html": ""}, 0, "2 pages, 0 problems"),
            (
                {"a.html": '<article><a href="b.html">b</a></article>'},
                1,
                "a.html: no such file: b.html\n1 pages, 1 prob",
            ),
            ({}, 1, "0 pages, 0 problems"),
            (None, 1, "0 pages, 0 problems"),
        ):
            folder = Path(self.mktemp())
            if pages is not None:
                folder.mkdir()
                for name, text in pages.items():
                    (folder / name).write_text(text)
            done = subprocess.run([sys.executable, program, folder], capture_output=True, text=True, check=False)
            self.assertEqual((status, output), (done.returncode, done.stdout[: len(output)]), pages)
