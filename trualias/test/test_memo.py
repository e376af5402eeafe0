"""The memory for what repeats between statements."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.memo import MOST, BoundedMemo


class BoundedTests(SynchronousTestCase):
    """It never holds more than `MOST`."""

    def test_remembers(self) -> None:
        """What was entered is there."""
        known: BoundedMemo[str, int] = BoundedMemo()
        known["a"] = 1
        known["a"] = 2
        self.assertEqual({"a": 2}, known)

    def test_full(self) -> None:
        """When it is full it starts anew."""
        known: BoundedMemo[int, int] = BoundedMemo()
        for number in range(MOST):
            known[number] = number
        self.assertEqual(MOST, len(known))
        known[MOST] = 0
        self.assertEqual({MOST: 0}, known)
