"""Tests of ``trualias.monitoring.statistics``."""

import json
import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from trualias.monitoring.statistics import Collector, NullStatistics, ReplyKind, Statistics

_E = "emin=0.0000 emax=0.0000 e1=0.0000 e10=0.0000 e60=0.0000"
_D = "dmin=0 dmax=0 d1=0.0000 d10=0.0000 d60=0.0000"
_N = "nmin=0 nmax=0 n1=0.0000 n10=0.0000 n60=0.0000"
_IDLE = [
    f"bad: {_E} {_N}",
    f"connections: {_E} {_D} {_N}",
    f"not_found: {_E} {_N}",
    f"reads: {_E} {_D} {_N}",
    f"stats: {_E} {_N}",
    f"success: {_E} {_N}",
    f"writes: {_E} {_D} {_N}",
]


def figures(statistics: Statistics, name: str, quantity: str) -> list[float]:
    """Return the minimum, maximum, newest second, and means of 10 and 60 seconds from the JSON."""
    [collector] = [collector for collector in json.loads(statistics.json()) if collector["name"] == name]
    return list(collector[quantity].values())


def answer(statistics: Statistics, outcome: Collector, read: float, took: float, written: float) -> None:
    """Count a request that came after ``read`` seconds and was answered in ``took``, the reply taken in ``written``."""
    statistics.reads.end(read)
    outcome.end(took)
    statistics.writes.begin()
    statistics.writes.end(written)
    statistics.reads.begin()


def second_1_to_18(statistics: Statistics) -> None:
    """Count a lookup in second 1, and a telnet session with three requests from second 6."""
    statistics.connections.begin()
    statistics.reads.begin()
    answer(statistics, statistics.outcomes[ReplyKind.SUCCESS], 0.0003, 0.0006763935089111328, 9.5367431640625e-05)
    statistics.reads.abandon()
    statistics.connections.end(0.06274080276489258)
    statistics.tick(5)
    statistics.connections.begin()
    statistics.reads.begin()
    statistics.tick(2)
    answer(statistics, statistics.outcomes[ReplyKind.BAD], 2.2528, 3.910064697265625e-05, 9.059906005859375e-05)
    statistics.tick(4)
    answer(statistics, statistics.outcomes[ReplyKind.NOT_FOUND], 3.3421, 0.00010251998901367188, 8.821487426757812e-05)
    statistics.tick(5)
    answer(
        statistics, statistics.outcomes[ReplyKind.SUCCESS], 5.409029722213745, 0.0007426738739013672, 9.918212890625e-05
    )
    statistics.tick(2)


def second_19_to_55(statistics: Statistics) -> None:
    """Count a request for the statistics in the same session."""
    answer(
        statistics,
        statistics.outcomes[ReplyKind.STATS],
        2.002826394844055,
        0.0016276836395263672,
        8.702278137207031e-05,
    )
    statistics.tick(37)


class SessionTests(SynchronousTestCase):
    """The telnet session of the documentation."""

    def test_lines(self) -> None:
        """The lines of text have these names, this order and these formats."""
        statistics = Statistics()
        second_1_to_18(statistics)
        self.assertEqual(
            statistics.lines(),
            [
                "bad: emin=0.0000 emax=0.0000 e1=0.0000 e10=0.0000 e60=0.0000 "
                "nmin=0 nmax=1 n1=0.0000 n10=0.0000 n60=0.0167",
                "connections: emin=0.0000 emax=0.0627 e1=0.0000 e10=0.0000 e60=0.0010 "
                "dmin=0 dmax=1 d1=1.0000 d10=1.0000 d60=0.2167 nmin=0 nmax=1 n1=0.0000 n10=0.0000 n60=0.0333",
                "not_found: emin=0.0000 emax=0.0001 e1=0.0000 e10=0.0000 e60=0.0000 "
                "nmin=0 nmax=1 n1=0.0000 n10=0.1000 n60=0.0167",
                "reads: emin=0.0000 emax=5.4090 e1=0.0000 e10=0.8751 e60=0.1834 "
                "dmin=0 dmax=1 d1=1.0000 d10=1.0000 d60=0.2167 nmin=0 nmax=2 n1=0.0000 n10=0.2000 n60=0.1000",
                f"stats: {_E} {_N}",
                "success: emin=0.0000 emax=0.0007 e1=0.0000 e10=0.0001 e60=0.0000 "
                "nmin=0 nmax=1 n1=0.0000 n10=0.1000 n60=0.0333",
                "writes: emin=0.0000 emax=0.0001 e1=0.0000 e10=0.0000 e60=0.0000 "
                "dmin=0 dmax=0 d1=0.0000 d10=0.0000 d60=0.0000 nmin=0 nmax=1 n1=0.0000 n10=0.2000 n60=0.0667",
            ],
        )

    def test_json(self) -> None:
        """The JSON has these names, this order, these formats and every digit of the numbers."""
        statistics = Statistics()
        second_1_to_18(statistics)
        second_19_to_55(statistics)
        self.assertEqual(
            statistics.json(),
            '[{"name": "connections", "elapsed": {"minimum": 0.0, "maximum": 0.06274080276489258, "one": 0.0, '
            '"ten": 0.0, "sixty": 0.0010456800460815429}, "depth": {"minimum": 0, "maximum": 1, "one": 1, '
            '"ten": 1.0, "sixty": 0.8333333333333334}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, '
            '"ten": 0.0, "sixty": 0.03333333333333333}}, '
            '{"name": "reads", "elapsed": {"minimum": 0.0, "maximum": 5.409029722213745, "one": 0.0, "ten": 0.0, '
            '"sixty": 0.21678426861763}, "depth": {"minimum": 0, "maximum": 1, "one": 1, "ten": 1.0, '
            '"sixty": 0.8333333333333334}, "n_per_sec": {"minimum": 0, "maximum": 2, "one": 0, "ten": 0.0, '
            '"sixty": 0.11666666666666667}}, '
            '{"name": "writes", "elapsed": {"minimum": 0.0, "maximum": 9.918212890625e-05, "one": 0.0, "ten": 0.0, '
            '"sixty": 7.673104604085286e-06}, "depth": {"minimum": 0, "maximum": 0, "one": 0, "ten": 0.0, '
            '"sixty": 0.0}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, "ten": 0.0, '
            '"sixty": 0.08333333333333333}}, '
            '{"name": "success", "elapsed": {"minimum": 0.0, "maximum": 0.0007426738739013672, "one": 0.0, '
            '"ten": 0.0, "sixty": 2.3651123046875e-05}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, '
            '"ten": 0.0, "sixty": 0.03333333333333333}}, '
            '{"name": "not_found", "elapsed": {"minimum": 0.0, "maximum": 0.00010251998901367188, "one": 0.0, '
            '"ten": 0.0, "sixty": 1.708666483561198e-06}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, '
            '"ten": 0.0, "sixty": 0.016666666666666666}}, '
            '{"name": "bad", "elapsed": {"minimum": 0.0, "maximum": 3.910064697265625e-05, "one": 0.0, "ten": 0.0, '
            '"sixty": 6.516774495442708e-07}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, "ten": 0.0, '
            '"sixty": 0.016666666666666666}}, '
            '{"name": "stats", "elapsed": {"minimum": 0.0, "maximum": 0.0016276836395263672, "one": 0.0, '
            '"ten": 0.0, "sixty": 2.7128060658772786e-05}, "n_per_sec": {"minimum": 0, "maximum": 1, "one": 0, '
            '"ten": 0.0, "sixty": 0.016666666666666666}}]',
        )


class FiguresTests(SynchronousTestCase):
    """Minima, maxima, the newest second, and the means."""

    def test_running_second_is_not_shown(self) -> None:
        """A server that has just started shows an idle minute until its first second is over."""
        statistics = Statistics()
        before = statistics.json()
        statistics.connections.begin()
        answer(statistics, statistics.outcomes[ReplyKind.SUCCESS], 0.5, 0.25, 0.125)
        self.assertEqual(statistics.lines(), _IDLE)
        self.assertEqual(statistics.json(), before)
        statistics.tick()
        self.assertEqual(figures(statistics, "connections", "depth"), [0, 1, 1, 1 / 10, 1 / 60])
        self.assertEqual(figures(statistics, "success", "elapsed"), [0, 0.25, 0.25, 0.25 / 10, 0.25 / 60])

    def test_mean_of_a_second(self) -> None:
        """A second's elapsed time is the mean of the events that ended in it, not their sum."""
        statistics = Statistics()
        for elapsed in (1.0, 2.0, 6.0):
            statistics.outcomes[ReplyKind.BAD].end(elapsed)
        statistics.tick()
        self.assertEqual(figures(statistics, "bad", "elapsed"), [0, 3, 3, 3 / 10, 3 / 60])
        self.assertEqual(figures(statistics, "bad", "n_per_sec"), [0, 3, 3, 3 / 10, 3 / 60])

    def test_full_minute(self) -> None:
        """With sixty busy seconds the minimum is above zero, and the means are over the newest ten and all sixty."""
        statistics = Statistics()
        for second in range(1, 61):
            for _ in range(second):
                statistics.outcomes[ReplyKind.NOT_FOUND].end(second / 4)
            statistics.tick()
        self.assertEqual(figures(statistics, "not_found", "elapsed"), [0.25, 15, 15, 13.875, 7.625])
        self.assertEqual(figures(statistics, "not_found", "n_per_sec"), [1, 60, 60, 55.5, 30.5])

    def test_event_grows_old(self) -> None:
        """An event is in the mean of ten seconds for ten seconds, and in the other figures for sixty."""
        statistics = Statistics()
        statistics.outcomes[ReplyKind.SUCCESS].end(6.0)
        for age in range(1, 63):
            statistics.tick()
            newest, ten, minute = age == 1, age <= 10, age <= 60
            self.assertEqual(
                figures(statistics, "success", "elapsed"), [0, 6 * minute, 6 * newest, 0.6 * ten, 0.1 * minute], age
            )
            self.assertEqual(
                figures(statistics, "success", "n_per_sec"), [0, minute, newest, 0.1 * ten, minute / 60], age
            )
        self.assertEqual(statistics.lines(), _IDLE)

    def test_begins_and_ends_count_in_their_own_seconds(self) -> None:
        """With both begin and end, the number counts begins, and the elapsed time is of ends."""
        statistics = Statistics()
        for _ in range(3):
            statistics.writes.begin()
        statistics.tick()
        statistics.writes.end(1.0)
        statistics.writes.end(2.0)
        statistics.tick()
        self.assertEqual(figures(statistics, "writes", "elapsed"), [0, 1.5, 1.5, 0.15, 1.5 / 60])
        self.assertEqual(figures(statistics, "writes", "depth"), [0, 3, 1, 0.4, 4 / 60])
        self.assertEqual(figures(statistics, "writes", "n_per_sec"), [0, 3, 0, 0.3, 3 / 60])

    def test_added_without_a_call(self) -> None:
        """Incrementing the public attributes is the same as calling the methods."""
        called, added = Statistics(), Statistics()
        called.reads.begin()
        called.reads.begin()
        called.reads.end(0.25)
        called.reads.abandon()
        called.outcomes[ReplyKind.SUCCESS].end(0.5)
        called.tick()
        added.reads.begun += 2
        added.reads.ended += 1
        added.reads.elapsed += 0.25
        added.reads.abandoned += 1
        added.outcomes[ReplyKind.SUCCESS].ended += 1
        added.outcomes[ReplyKind.SUCCESS].elapsed += 0.5
        added.tick()
        self.assertNotEqual(called.lines(), _IDLE)
        self.assertEqual(added.json(), called.json())

    def test_types_in_json(self) -> None:
        """Minimum, maximum and newest of counts are integers, all other figures floats."""
        statistics = Statistics()
        statistics.connections.begin()
        statistics.connections.end(1)
        answer(statistics, statistics.outcomes[ReplyKind.BAD], 1, 1, 1)
        for _ in range(3):
            for collector in json.loads(statistics.json()):
                del collector["name"]
                for quantity, group in collector.items():
                    count = float if quantity == "elapsed" else int
                    self.assertEqual([type(figure) for figure in group.values()], [count] * 3 + [float] * 2)
            statistics.tick(60)


class MissedTicksTests(SynchronousTestCase):
    """Late calls of ``tick``, on a busy or suspended machine."""

    def test_same_as_idle_ticks(self) -> None:
        """A tick of several seconds is a tick of one, and then idle ones at the same depth."""
        for seconds in (1, 2, 10, 59, 60, 61, 62, 200):
            late, punctual = Statistics(), Statistics()
            for statistics in (late, punctual):
                second_1_to_18(statistics)
                statistics.connections.begin()
                statistics.writes.begin()
                answer(statistics, statistics.outcomes[ReplyKind.SUCCESS], 0.25, 0.5, 0.75)
            late.tick(seconds)
            for _ in range(seconds):
                punctual.tick()
            self.assertEqual(late.json(), punctual.json(), seconds)

    def test_years(self) -> None:
        """A leap of the clock replaces the whole minute at most, and keeps the depth."""
        statistics = Statistics()
        statistics.connections.begin()
        statistics.outcomes[ReplyKind.SUCCESS].end(1.0)
        statistics.tick(10**15)
        self.assertEqual(figures(statistics, "connections", "depth"), [1, 1, 1, 1, 1])
        self.assertEqual(figures(statistics, "connections", "n_per_sec"), [0, 0, 0, 0, 0])
        self.assertEqual(figures(statistics, "success", "elapsed"), [0, 0, 0, 0, 0])

    def test_no_time(self) -> None:
        """A tick of less than a second raises, and loses nothing."""
        statistics = Statistics()
        statistics.outcomes[ReplyKind.SUCCESS].end(1.0)
        for seconds in (0, -1):
            error = self.assertRaises(ValueError, statistics.tick, seconds)
            self.assertEqual(str(error), f"seconds must be 1 or more, not {seconds}")
        statistics.tick()
        self.assertEqual(figures(statistics, "success", "n_per_sec"), [0, 1, 1, 1 / 10, 1 / 60])

    def test_memory(self) -> None:
        """Memory does not grow with time."""
        statistics = Statistics()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        kept = []
        for _ in range(2):
            for second in range(1000):
                answer(statistics, statistics.outcomes[ReplyKind.SUCCESS], second / 7, second / 3, second / 9)
                statistics.tick(1 + second % 3)
            kept.append(tracemalloc.get_traced_memory()[0])
        self.assertLess(kept[1] - kept[0], 4096)


class DepthTests(SynchronousTestCase):
    """The depth of broken connections."""

    def test_abandoned(self) -> None:
        """An abandoned read lowers the depth, and is not in the means."""
        statistics = Statistics()
        statistics.reads.begin()
        statistics.tick()
        statistics.reads.abandon()
        statistics.tick()
        self.assertEqual(figures(statistics, "reads", "elapsed"), [0, 0, 0, 0, 0])
        self.assertEqual(figures(statistics, "reads", "depth"), [0, 1, 0, 1 / 10, 1 / 60])
        self.assertEqual(figures(statistics, "reads", "n_per_sec"), [0, 1, 0, 1 / 10, 1 / 60])

    def test_ended_twice(self) -> None:
        """An end without an event in progress counts nothing, and does not change the depth of later events."""
        for seconds_between in (0, 1):
            statistics = Statistics()
            for collector in (statistics.connections, statistics.reads, statistics.writes):
                collector.begin()
                collector.tick(0)
                collector.end(0.5)
                for _ in range(seconds_between):
                    collector.tick(0)
                collector.end(9.0)
                collector.abandon()
                collector.begin()
                collector.abandon()
                collector.end(9.0)
                collector.begin()
            statistics.tick()
            for name in ("connections", "reads", "writes"):
                self.assertEqual(
                    figures(statistics, name, "elapsed")[1:], [0.5, 0.5 * (not seconds_between), 0.05, 0.5 / 60]
                )
                self.assertEqual(figures(statistics, name, "depth"), [0, 1, 1, 2 / 10, 2 / 60])
                self.assertEqual(figures(statistics, name, "n_per_sec"), [0, 2, 2, 3 / 10, 3 / 60])

    def test_added_ends(self) -> None:
        """Ends that are incremented without a call do not make the depth negative."""
        statistics = Statistics()
        statistics.writes.begun += 1
        statistics.writes.ended += 3
        statistics.tick()
        self.assertEqual(figures(statistics, "writes", "depth"), [0, 0, 0, 0, 0])
        statistics.writes.begin()
        statistics.tick()
        self.assertEqual(figures(statistics, "writes", "depth"), [0, 1, 1, 1 / 10, 1 / 60])


class NullStatisticsTests(SynchronousTestCase):
    """Statistics that are switched off."""

    def test_counts_nothing(self) -> None:
        """Every collector exists under its name, accepts every call, and stays at zero."""
        off = NullStatistics()
        self.assertEqual((off.enabled, Statistics().enabled), (False, True))
        levels = (off.connections, off.reads, off.writes)
        outcomes = off.outcomes
        self.assertEqual([level.name for level in levels], ["connections", "reads", "writes"])
        self.assertEqual([outcome.name for outcome in outcomes], [outcome.name.lower() for outcome in ReplyKind])
        for level in levels:
            for _ in range(3):
                level.begin()
            level.end(1.0)
            level.abandon()
            self.assertEqual((level.begun, level.ended, level.abandoned, level.elapsed), (0, 0, 0, 0))
        for outcome in outcomes:
            outcome.end(1.0)
            self.assertEqual((outcome.ended, outcome.elapsed), (0, 0))
