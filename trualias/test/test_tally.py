"""Tests of trualias.tally."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.tally import BOUNDS, MOST_ACCOUNTS, Loads, Result, Tallies, Told, WrongCodes


class ToldTests(SynchronousTestCase):
    """Replies that count as something else than they say."""

    def test_same_bytes(self) -> None:
        """To the client there is no difference."""
        told = Told.of(b"500 not found\n", Result.WRONG_CODE, ("foo",))
        self.assertEqual((told, told.result, told.near), (b"500 not found\n", Result.WRONG_CODE, ("foo",)))
        self.assertEqual(bytes(memoryview(told)[4:]), b"not found\n")


class WrongCodesTests(SynchronousTestCase):
    """Wrong codes, by account."""

    def test_each_account(self) -> None:
        """An address counts for each account whose shape it has."""
        codes = WrongCodes()
        codes.add(("foo", "bar"))
        codes.add(("foo",))
        self.assertEqual((codes.counts, codes.others), ({"foo": 2, "bar": 1}, 0))

    def test_bound(self) -> None:
        """However many accounts there are, only so many are told apart; none is lost."""
        codes = WrongCodes()
        for _ in range(2):
            codes.add(f"account{number}" for number in range(MOST_ACCOUNTS + 7))
        self.assertEqual(codes.counts, {f"account{number}": 2 for number in range(MOST_ACCOUNTS)})
        self.assertEqual(codes.others, 14)

    def test_other_configuration(self) -> None:
        """Accounts that are no more make room; what was counted of them stays in the sum."""
        codes = WrongCodes()
        codes.add(("foo", "foo", "bar"))
        codes.keep(frozenset({"bar", "new"}))
        self.assertEqual((codes.counts, codes.others), ({"bar": 1, "new": 0}, 2))

    def test_many_accounts(self) -> None:
        """Where there are more accounts than are told apart, only those with a wrong code take a place."""
        codes = WrongCodes()
        codes.add(("account5", "gone"))
        codes.keep(frozenset(f"account{number}" for number in range(MOST_ACCOUNTS + 1)))
        self.assertEqual((codes.counts, codes.others), ({"account5": 1}, 1))


class TallyTests(SynchronousTestCase):
    """Requests by result and duration."""

    def test_told(self) -> None:
        """A reply is counted as what it tells, by duration, and its wrong codes by account."""
        tallies = Tallies()
        tally = tallies.of("tcp_table", "table")
        counts = tally.told(Told.of(b"", Result.WRONG_CODE, ("foo", "bar")))
        self.assertIs(counts, tally.buckets["wrong_code"])
        self.assertIs(tally.told(Told.of(b"", Result.AMBIGUOUS)), tally.buckets["ambiguous"])
        self.assertEqual(counts, [0] * (len(BOUNDS) + 1))
        self.assertEqual(tallies.wrong_codes.counts, {"foo": 1, "bar": 1})

    def test_same_tally(self) -> None:
        """All who speak the same to the same server share a tally, and all tallies the wrong codes."""
        tallies = Tallies()
        table, virtual = tallies.of("tcp_table", "table"), tallies.of("tcp_table", "virtual")
        self.assertIs(tallies.of("tcp_table", "table"), table)
        self.assertEqual(tallies.all(), {("tcp_table", "table"): table, ("tcp_table", "virtual"): virtual})
        for tally in (table, virtual):
            tally.told(Told.of(b"", Result.WRONG_CODE, ("foo",)))
        self.assertEqual(tallies.wrong_codes.counts, {"foo": 2})


class LoadsTests(SynchronousTestCase):
    """What became of loads."""

    def test_loads(self) -> None:
        """A failure leaves the time of the last good load, and lasts until one goes well."""
        loads = Loads(10.0)
        loads.fail()
        self.assertEqual(loads, Loads(10.0, tried=1, failed=1, current=False))
        loads.succeed(20.0)
        self.assertEqual(loads, Loads(20.0, tried=2, failed=1, current=True))
