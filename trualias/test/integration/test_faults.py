"""Short versions of what ``python -m faults`` does to the servers."""

import importlib.util
import os
import socket
import struct
from pathlib import Path
from threading import Event

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks import policies
from benchmarks.load import connect
from faults import crash, crowd, edits, fuzz, shortages, soak
from faults.asking import Asked, SampleQuestions, ask, together
from faults.case import Fault, beside
from faults.live import check_log, serving
from faults.numbered import KEY, Numbers
from faults.targets import TARGETS, Broken, promise
from trualias.testing.live import wait_until
from trualias.testing.requirements import source_tree


class FuzzTests(SynchronousTestCase):
    """The targets of the fuzzers."""

    def test_seeds(self) -> None:
        """Every seed of every target keeps the target's promises, without a fuzzer."""
        for name, target in TARGETS.items():
            seeds = sorted((source_tree() / "faults" / "seeds" / name).iterdir())
            self.assertGreater(len(seeds), 4)
            for seed in seeds:
                target(seed.read_bytes())
            target(b"")

    def test_targets(self) -> None:
        """What the programme fuzzes are all the targets that there are, and a promise that is broken is told."""
        self.assertEqual(sorted(TARGETS), sorted(fuzz.TARGETS))
        self.assertRaises(Broken, promise, False, "it does not hold")

    def test_fuzzers(self) -> None:
        """Some seconds of each fuzzer find nothing."""
        if importlib.util.find_spec("atheris") is None:
            if os.environ.get("CI") == "true":
                self.fail("atheris is not installed; in CI nothing may be missing")
            raise SkipTest("atheris is not installed")
        folder = Path(self.mktemp()).absolute()
        for fuzzed in fuzz.fuzz(folder, 3):
            self.assertGreater(fuzzed.executions, 50)
            self.assertGreater(fuzzed.edges, 100)


class NumbersTests(SynchronousTestCase):
    """Which replies the programme takes for right."""

    def test_check(self) -> None:
        """A reply by an older configuration than was heard, by one that was never written, or by none is a fault."""
        numbers = Numbers(written=3)
        for reply in (b"200 number0\n", b"200 number2\n", b"200 number2\n", b"200 number3\n"):
            numbers.check(KEY, numbers.heard, reply)
        self.assertEqual((3, 2), (numbers.heard, numbers.in_force))
        for reply in (b"200 number2\n", b"200 number4\n", b"500 not found\n", b"200 number3", b""):
            self.assertRaises(Fault, numbers.check, KEY, numbers.heard, reply)
        numbers.check(KEY, 2, b"200 number2\n")


def _accepted(listener: socket.socket, *, reset: bool) -> socket.socket:
    """Take a client; closing the connection resets it, or ends it in order."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
    return connection


class RefusedTests(SynchronousTestCase):
    """A server that refuses a client ends the connection in order, or by a reset."""

    def test_ask(self) -> None:
        """Either is a fault to clients that are to be answered."""
        for reset in (False, True):
            with socket.create_server(("127.0.0.1", 0)) as listener:

                def refuse(passed: float, listener: socket.socket = listener, reset: bool = reset) -> None:
                    _accepted(listener, reset=reset).close()

                error = self.assertRaises(Fault, ask, listener.getsockname()[1], 1, 1, SampleQuestions(), None, refuse)
            self.assertEqual(
                r"asked b'get samissexy.34\n', and the server closed the connection",
                str(error),
            )

    def test_answered(self) -> None:
        """Either is no answer; silence is neither a refusal nor an answer."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for reset in (False, True):
                with connect(listener.getsockname()[1]) as client:
                    _accepted(listener, reset=reset).close()
                    self.assertFalse(shortages.answered(client))
            with connect(listener.getsockname()[1]) as client, _accepted(listener, reset=True):
                client.settimeout(0.001)
                error = self.assertRaises(Fault, shortages.answered, client)
        self.assertEqual(r"asked b'get samissexy.34\n', and was neither answered nor refused", str(error))


class BesideTests(SynchronousTestCase):
    """Work in other threads."""

    def test_until_the_end(self) -> None:
        """The threads work until this one is done."""
        ended = []
        with beside(lambda end: ended.append(end.wait(60)), threads=2):
            self.assertEqual([], ended)
        self.assertEqual([True, True], ended)

    def test_raises(self) -> None:
        """What a thread raises is raised here, whatever came of it here, and is known before."""
        told = Event()

        def fail(end: Event) -> None:
            told.wait(60)
            raise Fault("a thread failed")

        def work() -> None:
            with beside(fail) as raised:
                told.set()
                wait_until(lambda: len(raised) == 1, "what the thread raised")
                raise ValueError("and so did this one")

        self.assertEqual("a thread failed", str(self.assertRaises(Fault, work)))


def _within(*milliseconds: float) -> Asked:
    return Asked(replies=len(milliseconds), seconds=1, latencies=[each / 1000 for each in milliseconds])


class TimesTests(SynchronousTestCase):
    """How long replies may take beside slow, dead and greedy clients."""

    def assert_times(self, fault: str | None, *rounds: crowd.Round) -> None:
        """Assert that the rounds are a fault, or none."""
        try:
            crowd.check_times(rounds, lambda line: None)
        except Fault as error:
            self.assertEqual(fault, str(error))
        else:
            self.assertIsNone(fault)

    def test_median(self) -> None:
        """Half of the rounds may be disturbed by something else."""
        good = crowd.Round(_within(1), _within(2), _within(2))
        bad = crowd.Round(_within(1), _within(100), _within(2.5))
        self.assert_times(None, good, good, bad)
        self.assert_times("replies take 2.50 times as long, more than 2", good, bad, bad)

    def test_coming(self) -> None:
        """While the others come it may take longer than twice the time, unless the whole round shows it."""
        few = crowd.Round(_within(1), _within(8), _within(*[1] * 200))
        many = crowd.Round(_within(1), _within(*[8] * 5), _within(*[1] * 200))
        self.assert_times(None, few, few, many)
        self.assert_times("replies take 8.00 times as long, more than 2", few, many, many)

    def test_figures(self) -> None:
        """The figures are of 99 % of all that was asked, and have the extremes of the rounds."""
        lines: list[str] = []
        crowd.check_times(
            [
                crowd.Round(together([_within(1), _within(2)]), _within(9), _within(2)),
                crowd.Round(_within(1), _within(*[1] * 50, 8), _within(*[1] * 50)),
                crowd.Round(_within(1), _within(*[1] * 50, 7), _within(*[1.5] * 500)),
            ],
            lines.append,
        )
        self.assertEqual(
            "  beside them 1.00 (1.00 to 1.50), while they come 7.00 (4.50 to 8.00), in both 1.50 (1.00 to 4.50)",
            lines[1],
        )


class PaceTests(SynchronousTestCase):
    """What a soak has to reach."""

    def test_enough(self) -> None:
        """A twentieth of the requests and a tenth of the changes may be missing."""
        soak.check_pace(0.95, Numbers(written=100, in_force=90))

    def test_slow(self) -> None:
        """A server that cannot answer as much as is aimed at is told."""
        error = self.assertRaises(Fault, soak.check_pace, 0.949, Numbers(written=100, in_force=100))
        self.assertEqual("94.9% of the rate that was aimed at, less than 95%", str(error))

    def test_overtaken(self) -> None:
        """So is one that does not get round to loading changes."""
        error = self.assertRaises(Fault, soak.check_pace, 1.0, Numbers(written=100, in_force=89))
        self.assertEqual("of 100 changes 89 in force, less than 90%", str(error))


class FaultTests(SynchronousTestCase):
    """What goes wrong around a server, each as the programme does it; a fault raises."""

    def setUp(self) -> None:
        """Make a folder, and take down the figures."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.figures: list[str] = []

    def assert_figures(self, *beginnings: str) -> None:
        """Assert that there is one line of figures for each, which begins so."""
        self.assertEqual(
            list(beginnings),
            [figure[: len(beginning)] for figure, beginning in zip(self.figures, beginnings, strict=True)],
        )

    def test_no_descriptors(self) -> None:
        """Without descriptors those who are connected are answered, and new clients once there are some again."""
        shortages.no_descriptors(self.folder, self.figures.append, free=5)
        self.assert_figures("limit of ")

    def test_full_log(self) -> None:
        """A log that cannot be written costs no reply."""
        shortages.full_log(self.folder, self.figures.append)
        self.assert_figures("log on a full device")

    def test_clock_set_back(self) -> None:
        """A clock that is set back does not keep the server from seeing changes."""
        shortages.clock_set_back(self.folder, self.figures.append)
        self.assert_figures("clock set back by 3600 s")

    def test_connections(self) -> None:
        """Connections beyond the limit are closed, and those within it are answered."""
        shortages.connections(self.folder, self.figures.append, beyond=5)
        self.assert_figures("1000 connections answered, 5 beyond refused at once")

    def test_crowd(self) -> None:
        """Beside slow, dead and greedy clients all ordinary ones are answered, and nobody is turned away."""
        with serving(self.folder) as (server, _):
            with crowd.crowd(server.port, idle=20) as others:
                asked = ask(server.port, 5, 1.5, SampleQuestions(), 500, others.disturb)
                self.assertEqual(20 + crowd.GREEDY + crowd.SLOW, others.still_connected())
            self.assertGreater(asked.replies, 100)
            self.assertGreater(others.flooded, 100_000)
            self.assertGreater(others.resets, 5)
            self.assertGreater(others.letters, 1)
            self.assertNotIn("refused", server.log)
            check_log(server)

    def test_absences(self) -> None:
        """Whatever stands in the place of the configuration, the old one is in use until there is a good one."""
        edits.absences(self.folder, self.figures.append, tell=True)
        self.assert_figures("deleted, a folder, unreadable, not UTF-8, full of zeros: a good file after each ")

    def test_partial_writes(self) -> None:
        """While the configuration is written piece by piece, nobody hears a wrong "not found"."""
        edits.partial_writes(self.folder, self.figures.append, 120)
        self.assert_figures("120 beginnings of 3 files left on disk ")

    def test_restless(self) -> None:
        """Nor while it is changed a thousand times a minute."""
        edits.restless(self.folder, self.figures.append, seconds=3)
        self.assert_figures("60 changes in ")

    def test_beginnings(self) -> None:
        """No beginning of a sample configuration is understood as anything else."""
        edits.beginnings(self.folder, self.figures.append, virtual=False, every=30)
        edits.beginnings(self.folder, self.figures.append, virtual=True, every=30)
        lengths = [len(policies.sample(virtual=virtual).encode()) for virtual in (False, True)]
        self.assert_figures(*[f"{-(-length // 30)} beginnings of a sample: " for length in lengths])

    def test_soak(self) -> None:
        """Requests beside reloads are answered by no older configuration than somebody has already heard of."""
        soak.run(self.folder, self.figures.append, 3.5, 200, in_force=0.5)
        self.assertEqual(6, len(self.figures))

    def test_crash(self) -> None:
        """Mail that flows while the server is killed arrives once, and none is refused or bounced."""
        crash.run(self.folder, self.figures.append, kills=1)
        self.assert_figures("1 times killed: ")
