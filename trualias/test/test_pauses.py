"""Tests of ``trualias.language.pauses``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.pauses import with_pauses


class PausesTests(SynchronousTestCase):
    """When a pass over many items pauses."""

    def setUp(self) -> None:
        """Record the items that were yielded before each pause."""
        self.yielded: list[int] = []
        self.pauses: list[int] = []

    def pause(self) -> None:
        """Record the number of items."""
        self.pauses.append(len(self.yielded))

    def test_items(self) -> None:
        """All items are yielded in their order, with a pause before each 256."""
        for number, pauses in {0: [], 1: [0], 256: [0], 257: [0, 256], 600: [0, 256, 512]}.items():
            self.yielded.clear()
            self.pauses.clear()
            for item in with_pauses(iter(range(number)), self.pause):
                self.yielded.append(item)
            self.assertEqual((list(range(number)), pauses), (self.yielded, self.pauses))

    def test_abandoned(self) -> None:
        """An exception in ``pause`` ends the pass."""

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, list, with_pauses([1], abandon))
