"""Tests of the bounded cache."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.memo import MOST, BoundedMemo


class BoundedMemoTests(SynchronousTestCase):
    """The cache never holds more than ``MOST`` entries."""

    def test_entries(self) -> None:
        """An entry can be read and replaced."""
        known: BoundedMemo[str, int] = BoundedMemo()
        known["a"] = 1
        known["a"] = 2
        self.assertEqual({"a": 2}, known)

    def test_full(self) -> None:
        """A full cache is emptied for the next entry."""
        known: BoundedMemo[int, int] = BoundedMemo()
        for number in range(MOST):
            known[number] = number
        self.assertEqual(MOST, len(known))
        known[MOST] = 0
        self.assertEqual({MOST: 0}, known)
