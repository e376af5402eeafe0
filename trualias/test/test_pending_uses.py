"""Tests of ``trualias.server.pending_uses``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.server.pending_uses import PendingUses
from trualias.store.records import Use


def use(key: str, sender: str | None = "news.test", at: float = 1, accepted: int = 1, refused: int = 0) -> Use:
    """Return a use of an alias of foo."""
    return Use(key, key, "foo" if accepted or not refused else "", sender, at, at, accepted, refused)


class PendingUsesTests(SynchronousTestCase):
    """Sums in bounded memory."""

    def setUp(self) -> None:
        """Make room for three pairs."""
        self.pending = PendingUses(3)

    def add(self, *uses: Use) -> None:
        """Add uses."""
        for each in uses:
            self.pending.add(each)

    def test_sums(self) -> None:
        """Uses of one alias and sender are one; the first and the last time are kept, and the account that is known."""
        self.add(use("a", at=5, accepted=0, refused=1), use("a", at=3), use("a", at=4), use("a", "shop.test", at=6))
        taken = [Use("a", "a", "foo", "shop.test", 6, 6, 1), Use("a", "a", "foo", "news.test", 3, 5, 2, 1)]
        self.assertEqual(taken, self.pending.take(9))
        self.assertEqual([], self.pending.take(9))

    def test_known(self) -> None:
        """A use without a mail stays apart from refused mail, which makes no alias known."""
        self.add(use("a", None, accepted=0, refused=1), use("a", None, accepted=0), use("a", None, accepted=0))
        self.assertEqual([use("a", None, accepted=0), use("a", None, accepted=0, refused=1)], self.pending.take(9))

    def test_take_some(self) -> None:
        """The aliases that were not counted yet come first, each in its order."""
        self.pending.mark_counted([use("a")])
        self.add(use("a"), use("b"), use("c"))
        self.assertEqual([use("b")], self.pending.take(1))
        self.assertEqual([use("c"), use("a")], self.pending.take(9))

    def test_full(self) -> None:
        """Without room, uses of pairs that wait already are still summed, and all others are dropped."""
        self.add(use("a"), use("b"), use("c"), use("d", accepted=4), use("a"), use("e", accepted=0, refused=1))
        self.assertEqual((3, 5), (len(self.pending), self.pending.dropped))
        self.assertEqual([2, 1, 1], [taken.accepted for taken in self.pending.take(9)])

    def test_first_ones_are_dropped_last(self) -> None:
        """The first use of an alias takes the place of one of a counted alias, or of a refusal."""
        self.pending.mark_counted([use("a")])
        self.add(use("a", accepted=2), use("x", accepted=0, refused=1), use("a", "shop.test"), use("b"), use("c"))
        self.assertEqual((3, 2), (len(self.pending), self.pending.dropped))
        self.add(use("d"), use("e"), use("a"))
        self.assertEqual(6, self.pending.dropped)
        self.assertEqual(["b", "c", "d"], [taken.key for taken in self.pending.take(9)])

    def test_clear(self) -> None:
        """All that waits is dropped, and counted as dropped."""
        self.add(use("a", accepted=2), use("b", accepted=0, refused=3), use("c", accepted=0))
        self.assertEqual(5, self.pending.clear())
        self.assertEqual((0, 5), (len(self.pending), self.pending.dropped))

    def test_refused_alone_is_not_counted(self) -> None:
        """An alias whose mail was only refused may still be unknown to the store."""
        self.pending.mark_counted([use("a", accepted=0, refused=1), use("b")])
        self.assertEqual((False, True), (self.pending.is_counted("a"), self.pending.is_counted("b")))
