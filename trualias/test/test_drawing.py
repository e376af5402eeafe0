"""Tests of the drawings of the documentation, and of ``docs/drawing.py``."""

import re
import runpy
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.requirements import source_tree

SVG = "{http://www.w3.org/2000/svg}"
EXAMPLE = """\
sender
-> smtpd: RCPT TO:<foo-macys-m5@example.com>
   ? trualias-virtual: foo-macys-m5@example.com
     200: 250, accepted
     400, down: 451, the sender tries again
-> mailbox of foo
   on this <machine>
"""


class DrawingTests(SynchronousTestCase):
    """The language of the drawings, and the pictures."""

    def setUp(self) -> None:
        """Load the module, which is beside the documents and in no package."""
        self.module = runpy.run_path(str(source_tree() / "docs" / "drawing.py"))

    def drawn(self, text: str) -> ElementTree.Element:
        """Return the picture of a text, titled *a way*."""
        return ElementTree.fromstring(self.module["draw"](text, "a way", "drawing-1"))

    def test_text(self) -> None:
        """Every word of the text is in the picture, and all of it is the description for screen readers."""
        svg = self.drawn(EXAMPLE)
        self.assertEqual("a way", svg.findtext(f"{SVG}title"))
        self.assertEqual(EXAMPLE, svg.findtext(f"{SVG}desc"))
        self.assertEqual(("img", "drawing-1-title drawing-1-text"), (svg.get("role"), svg.get("aria-labelledby")))
        lines = [("".join(text.itertext()), text.get("class")) for text in svg.iter(f"{SVG}text")]
        self.assertEqual(
            [
                ("sender", "name"),
                ("RCPT TO:<foo-macys-m5@example.com>", "key"),
                ("smtpd", "name"),
                ("trualias-virtual", "name"),
                ("foo-macys-m5@", "key"),
                ("example.com", "key"),
                ("200: 250, accepted", "reply"),
                ("400, down: 451, the", "reply"),
                ("sender tries again", "reply"),
                ("mailbox of foo", "name"),
                ("on this <machine>", "reply"),
            ],
            lines,
        )

    def test_shapes(self) -> None:
        """A box is a station, an end or a lookup, an arrow leads to each but the first, and none overlaps another."""
        svg = self.drawn(EXAMPLE)
        boxes = list(svg.iter(f"{SVG}rect"))
        self.assertEqual(["end", "station", "lookup", "end"], [box.get("class") for box in boxes])
        self.assertEqual(3, sum(path.get("class") == "arrow" for path in svg.iter(f"{SVG}path")))
        width, height = map(int, svg.attrib["viewBox"].split()[2:])
        edges = [[int(box.attrib[name]) for name in ("x", "y", "width", "height")] for box in boxes]
        for x, y, wide, high in edges:
            self.assertTrue(min(x, y) > 0 and x + wide < width and y + high < height)
        column = [(y, y + high) for x, y, _, high in edges if x == edges[0][0]]
        for (_, bottom), (top, _) in pairwise(column):
            self.assertLess(bottom, top)

    def test_errors(self) -> None:
        """A text that is no drawing is refused, with the line."""
        first = "the first station has no arrow, and each other one has '-> '"
        cases = (
            ("", "no station"),
            ("-> sender", f"line 1: {first}"),
            ("sender\nsmtpd", f"line 2: {first}"),
            ("sender\n\n-> smtpd", "line 2: empty"),
            ("  sender", "line 1: a station is not indented"),
            ("sender\n  -> smtpd", "line 2: a station is not indented"),
            ("sender\n  ? one\n  ? two", "line 3: a station has one lookup, before all else"),
            ("sender\n  a remark\n  ? one", "line 3: a station has one lookup, before all else"),
        )
        for text, message in cases:
            error = self.assertRaises(ValueError, self.module["parse"], text)
            self.assertEqual(message, str(error), text)

    def test_documents(self) -> None:
        """Each lookup in a drawing of the documents names what follows each reply, and what without a server."""
        found = 0
        for path in sorted(Path(source_tree() / "docs").glob("*.rst")):
            for block in re.findall(r"^\.\. drawing:: .+\n\n((?:   .*\n)+)", path.read_text("utf-8"), re.MULTILINE):
                stations = self.module["parse"](re.sub("^   ", "", block, flags=re.MULTILINE))
                found += 1
                for station in stations:
                    if station.lookup:
                        self.assertTrue(all(reply.consequence for reply in station.replies), station)
                        self.assertIn("down", station.replies[-1].text, station)
        self.assertEqual(9, found)
