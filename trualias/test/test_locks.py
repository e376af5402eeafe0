"""Locks."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import PLAIN, AliasRecord, AliasState, AliasStates, combined
from trualias.lookup.locks import Lock
from trualias.store.records import Position
from trualias.store.states_copy import StatesCopy, decode, encode

LOCK = Lock(("shop.example", "ann@mail.example"))


class LockTests(SynchronousTestCase):
    """The senders that an alias takes mail from."""

    def test_admits(self) -> None:
        """A domain counts with its subdomains, an address alone; the null sender always gets in."""
        for admitted, sender in (
            (True, ""),
            (True, "news@shop.example"),
            (True, "News@SHOP.example"),
            (True, "x@mail.shop.example"),
            (True, "Ann@Mail.example"),
            (False, "bob@mail.example"),
            (False, "x@myshop.example"),
            (False, "x@shop.example.org"),
            (False, "(malformed)"),
        ):
            self.assertEqual(admitted, LOCK.admits(sender), sender)

    def test_first(self) -> None:
        """A lock to the first sender takes any until there was one."""
        self.assertTrue(Lock(first=True).admits("x@shop.example"))
        self.assertFalse(Lock(("other.example",), first=True).admits("x@shop.example"))
        self.assertFalse(Lock().admits("x@shop.example"))


class RecordTests(SynchronousTestCase):
    """Records of one alias in its domain, and in all domains."""

    def test_together(self) -> None:
        """Both locks hold, the stricter state does, and the account of the domain comes first."""
        other = Lock(("b.example",))
        states = AliasStates(
            {
                "a@": AliasRecord(AliasState.DEFER, "foo", (LOCK,)),
                "a@x.example": AliasRecord(AliasState.QUIET, "bar", (other,)),
                "b@": AliasRecord(kept_for="foo"),
                "b@x.example": AliasRecord(AliasState.QUIET),
            }
        )
        self.assertEqual(AliasState.DEFER, combined(states.entries("a"), "x.example").state)
        self.assertEqual("bar", combined(states.entries("a"), "x.example").kept_for)
        self.assertEqual({LOCK, other}, set(combined(states.entries("A"), "x.example").locks))
        self.assertEqual(AliasRecord(AliasState.DEFER, "foo", (LOCK,)), combined(states.entries("a"), "y.example"))
        self.assertEqual(AliasRecord(AliasState.QUIET, "foo"), combined(states.entries("b"), "x.example"))
        self.assertEqual(PLAIN, combined(states.entries("c"), "x.example"))

    def test_copy(self) -> None:
        """The copy of the states has the locks and the accounts."""
        records = {"a@x.example": AliasRecord(AliasState.QUIET, "foo", (LOCK,)), "b@": AliasRecord(kept_for="é")}
        copy = StatesCopy("/x", Position("f" * 32, 7), AliasStates(records))
        self.assertEqual(records, dict(decode(encode(copy)).states.items()))
