"""Tests of trualias.messages."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.messages import number_of


class NumberTests(SynchronousTestCase):
    """How many of something."""

    def test_number_of(self) -> None:
        """One is one, all others are several."""
        self.assertEqual(
            ["0 words", "1 word", "2 words", "11 words"], [number_of(count, "word") for count in (0, 1, 2, 11)]
        )

    def test_several(self) -> None:
        """A plural that takes more than an s is given, and so is another word for zero."""
        self.assertEqual(
            ["no addresses", "1 address", "3 addresses"],
            [number_of(count, "address", "addresses", zero="no") for count in (0, 1, 3)],
        )
