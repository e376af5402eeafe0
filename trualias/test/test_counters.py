"""Tests of ``trualias.monitoring.counters``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.monitoring.counters import BOUNDS, DETAILED_OUTCOMES, MOST_ACCOUNTS, Counters, LoadCounters, WrongCodes


def add(codes: WrongCodes, *accounts: str) -> None:
    """Count a wrong code of each account."""
    for account in accounts:
        codes.counter(account)[0] += 1


class WrongCodesTests(SynchronousTestCase):
    """Wrong codes, by account."""

    def test_each_account(self) -> None:
        """Each account has a counter of its own."""
        codes = WrongCodes()
        add(codes, "foo", "bar", "foo")
        self.assertEqual((codes.counts, codes.others), ({"foo": 2, "bar": 1}, [0]))

    def test_bound(self) -> None:
        """The number of counters is bounded, and no wrong code is lost."""
        codes = WrongCodes()
        for _ in range(2):
            add(codes, *(f"account{number}" for number in range(MOST_ACCOUNTS + 7)))
        self.assertEqual(codes.counts, {f"account{number}": 2 for number in range(MOST_ACCOUNTS)})
        self.assertEqual(codes.others, [14])

    def test_other_configuration(self) -> None:
        """Removed accounts make room, and their counts are not added to the others."""
        codes = WrongCodes()
        add(codes, "foo", "foo", "bar")
        codes.keep(frozenset({"bar", "new"}))
        self.assertEqual((codes.counts, codes.others), ({"bar": 1, "new": 0}, [0]))

    def test_many_accounts(self) -> None:
        """With more accounts than counters, only accounts with a wrong code get one."""
        codes = WrongCodes()
        add(codes, "account5", "gone")
        codes.keep(frozenset(f"account{number}" for number in range(MOST_ACCOUNTS + 1)))
        self.assertEqual((codes.counts, codes.others), ({"account5": 1}, [0]))


class CountersTests(SynchronousTestCase):
    """Requests, by protocol and server."""

    def test_shared(self) -> None:
        """Each protocol and server has one set of counters; all share the wrong codes."""
        counters = Counters()
        table, virtual = counters.of("tcp_table", "table"), counters.of("tcp_table", "virtual")
        self.assertIs(counters.of("tcp_table", "table"), table)
        self.assertEqual(counters.all(), {("tcp_table", "table"): table, ("tcp_table", "virtual"): virtual})
        self.assertIs(table.wrong_codes, virtual.wrong_codes)
        self.assertEqual(table.buckets, {outcome: [0] * (len(BOUNDS) + 1) for outcome in DETAILED_OUTCOMES})


class LoadCountersTests(SynchronousTestCase):
    """Loads of the configuration."""

    def test_loads(self) -> None:
        """A failed load keeps the time of the last good one, and is current until a load succeeds."""
        loads = LoadCounters(10.0)
        loads.fail()
        self.assertEqual(loads, LoadCounters(10.0, tried=1, failed=1, current=False))
        loads.succeed(20.0)
        self.assertEqual(loads, LoadCounters(20.0, tried=2, failed=1, current=True))
