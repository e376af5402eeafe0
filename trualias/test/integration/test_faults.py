"""Short versions of the cases of ``python -m faults``."""

import errno
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks import policies
from benchmarks.load import connect
from faults import (
    crash,
    crowd,
    edits,
    fuzz,
    hindered_stores,
    losses,
    lost_files,
    lost_stores,
    memory,
    shortages,
    soak,
    stalling_clients,
    stalling_files,
    stalls,
)
from faults.case import Fault, beside
from faults.clients import Replies, SampleRequests, combined, send
from faults.disturbances import Stalls
from faults.live import check_log, serving
from faults.lookups import CONFIGURATION, Latencies, asking
from faults.numbered import KEY, Numbers
from faults.paired import WaitCounter, send_in_turns, separate_processors
from faults.promises import Broken, promise
from faults.served import served
from faults.table import Table
from faults.targets import TARGETS
from trualias.testing.live import wait_until
from trualias.testing.requirements import require_program, source_tree


class FuzzTests(SynchronousTestCase):
    """The fuzz targets."""

    def test_seeds(self) -> None:
        """Every seed keeps its target's promises, without a fuzzer."""
        for name, target in TARGETS.items():
            seeds = sorted((source_tree() / "faults" / "seeds" / name).iterdir())
            self.assertGreater(len(seeds), 4)
            for seed in seeds:
                target(seed.read_bytes())
            target(b"")

    def test_targets(self) -> None:
        """All targets are fuzzed, and a broken promise raises."""
        self.assertEqual(sorted(TARGETS), sorted(fuzz.TARGETS))
        self.assertRaises(Broken, promise, False, "it does not hold")

    def test_fuzzers(self) -> None:
        """Each fuzzer finds nothing in some seconds."""
        if importlib.util.find_spec("atheris") is None:
            if os.environ.get("CI") == "true":
                self.fail("atheris is not installed; in CI nothing may be missing")
            raise SkipTest("atheris is not installed")
        folder = Path(self.mktemp()).absolute()
        for fuzzed in fuzz.fuzz(folder, 3):
            self.assertGreater(fuzzed.executions, 50)
            self.assertGreater(fuzzed.edges, 100)


class NumbersTests(SynchronousTestCase):
    """The check of replies from numbered configurations."""

    def test_check(self) -> None:
        """A reply from an older configuration than an earlier reply, from an unwritten one, or from none is a fault."""
        numbers = Numbers(written=3)
        for reply in (b"200 number0\n", b"200 number2\n", b"200 number2\n", b"200 number3\n"):
            numbers.check(KEY, numbers.seen, reply)
        self.assertEqual((3, 2), (numbers.seen, numbers.in_force))
        for reply in (b"200 number2\n", b"200 number4\n", b"500 not found\n", b"200 number3", b""):
            self.assertRaises(Fault, numbers.check, KEY, numbers.seen, reply)
        numbers.check(KEY, 2, b"200 number2\n")


def _accepted(listener: socket.socket, *, reset: bool) -> socket.socket:
    """Accept a client; closing the connection resets it, or ends it in order."""
    connection, _ = listener.accept()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
    return connection


class RefusedTests(SynchronousTestCase):
    """A server refuses a client by ending the connection in order, or by a reset."""

    def test_send(self) -> None:
        """Both are faults for clients that must be answered."""
        for reset in (False, True):
            with socket.create_server(("127.0.0.1", 0)) as listener:

                def refuse(passed: float, listener: socket.socket = listener, reset: bool = reset) -> None:
                    _accepted(listener, reset=reset).close()

                error = self.assertRaises(Fault, send, listener.getsockname()[1], 1, 1, SampleRequests(), None, refuse)
            self.assertEqual(
                r"sent b'get samissexy.34\n', and the server closed the connection",
                str(error),
            )

    def test_answered(self) -> None:
        """Both are no answer; silence is neither a refusal nor an answer."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for reset in (False, True):
                with connect(listener.getsockname()[1]) as client:
                    _accepted(listener, reset=reset).close()
                    self.assertFalse(shortages.answered(client))
            with connect(listener.getsockname()[1]) as client, _accepted(listener, reset=True):
                client.settimeout(0.001)
                error = self.assertRaises(Fault, shortages.answered, client)
        self.assertEqual(r"sent b'get samissexy.34\n', and was neither answered nor refused", str(error))


class BesideTests(SynchronousTestCase):
    """`beside` runs work in other threads."""

    def test_until_the_end(self) -> None:
        """The threads run until the end of the context."""
        ended = []
        with beside(lambda end: ended.append(end.wait(60)), threads=2):
            self.assertEqual([], ended)
        self.assertEqual([True, True], ended)

    def test_raises(self) -> None:
        """An exception in a thread is in the list at once, and raised at the end in place of any other."""
        started = Event()

        def fail(end: Event) -> None:
            started.wait(60)
            raise Fault("a thread failed")

        def work() -> None:
            with beside(fail) as raised:
                started.set()
                wait_until(lambda: len(raised) == 1, "the thread's exception")
                raise ValueError("and so did this one")

        self.assertEqual("a thread failed", str(self.assertRaises(Fault, work)))


def _within(*milliseconds: float) -> Replies:
    return Replies(count=len(milliseconds), seconds=1, latencies=[each / 1000 for each in milliseconds])


class TimesTests(SynchronousTestCase):
    """The bound on latencies beside slow, idle and greedy clients."""

    def assert_times(self, fault: str | None, *rounds: crowd.Round) -> None:
        """Assert that the rounds are this fault, or none."""
        try:
            crowd.check_times(rounds, lambda line: None)
        except Fault as error:
            self.assertEqual(fault, str(error))
        else:
            self.assertIsNone(fault)

    def test_median(self) -> None:
        """Fewer than half of the rounds may be disturbed by something else."""
        good = crowd.Round(_within(1), _within(2), _within(2))
        bad = crowd.Round(_within(1), _within(100), _within(2.5))
        self.assert_times(None, good, good, bad)
        self.assert_times("replies take 2.50 times as long, more than 2", good, bad, bad)

    def test_arriving(self) -> None:
        """While the crowd arrives latencies may exceed the bound, but not those of the whole round."""
        few = crowd.Round(_within(1), _within(8), _within(*[1] * 200))
        many = crowd.Round(_within(1), _within(*[8] * 5), _within(*[1] * 200))
        self.assert_times(None, few, few, many)
        self.assert_times("replies take 8.00 times as long, more than 2", few, many, many)

    def test_figures(self) -> None:
        """The figures are of 99 % of all replies, with the extremes of the rounds."""
        lines: list[str] = []
        crowd.check_times(
            [
                crowd.Round(combined([_within(1), _within(2)]), _within(9), _within(2)),
                crowd.Round(_within(1), _within(*[1] * 50, 8), _within(*[1] * 50)),
                crowd.Round(_within(1), _within(*[1] * 50, 7), _within(*[1.5] * 500)),
            ],
            lines.append,
        )
        self.assertEqual(
            "  beside the crowd 1.00 (1.00 to 1.50), while it arrives 7.00 (4.50 to 8.00), both 1.50 (1.00 to 4.50)",
            lines[1],
        )


class PairedTests(SynchronousTestCase):
    """Latencies of two servers at the same time."""

    def test_waits(self) -> None:
        """A process that shares its processor with a busy one is seen to wait for it."""
        processor = {min(os.sched_getaffinity(0))}
        command = [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {processor})\nwhile True: pass"]
        busy = [subprocess.Popen(command) for _ in range(2)]
        try:
            counter = WaitCounter(busy[0].pid)
            counter.seconds()
            wait_until(lambda: counter.seconds() > 0.0001, "a wait for the processor")
        finally:
            for process in busy:
                process.kill()
                process.wait()

    def test_idle(self) -> None:
        """A process that sleeps does not wait for a processor."""
        with subprocess.Popen(["sleep", "60"]) as sleeper:
            counter = WaitCounter(sleeper.pid)
            wait_until(lambda: counter.seconds() == 0, "a process that sleeps")
            self.assertEqual(0, counter.seconds())
            sleeper.kill()

    def test_in_turns(self) -> None:
        """Requests go to both servers, each reply counts or is left out, and each request has one disturbance."""
        folder = Path(self.mktemp()).absolute()
        other = folder / "other"
        other.mkdir(parents=True)
        disturbances: list[None] = []
        with serving(folder) as (crowded, _), serving(other) as (calm, _):
            paired = send_in_turns(
                (crowded.port, crowded.pid),
                (calm.port, calm.pid),
                2,
                1000,
                lambda: disturbances.append(None),
                lambda paired: min(paired.crowded.count, paired.calm.count) >= 20,
            )
        self.assertEqual(len(disturbances), paired.count)
        self.assertEqual(paired.count, paired.crowded.count + paired.calm.count + paired.left_out)
        for replies in (paired.crowded, paired.calm):
            self.assertEqual(replies.count, len(replies.latencies))
            self.assertGreater(min(replies.latencies), 0)

    def test_processors(self) -> None:
        """This process and the servers run on different processors, and this one on all again afterwards."""
        allowed = os.sched_getaffinity(0)
        with subprocess.Popen(["sleep", "60"]) as server:
            with separate_processors([server.pid]):
                if len(allowed) > 1:
                    self.assertEqual(set(), os.sched_getaffinity(0) & os.sched_getaffinity(server.pid))
            server.kill()
        self.assertEqual(allowed, os.sched_getaffinity(0))


class PaceTests(SynchronousTestCase):
    """The rates that a soak must reach."""

    def test_enough(self) -> None:
        """A twentieth of the requests and a tenth of the changes may be missing."""
        soak.check_pace(0.95, Numbers(written=100, in_force=90))

    def test_slow(self) -> None:
        """A server that is slower than that is a fault."""
        error = self.assertRaises(Fault, soak.check_pace, 0.949, Numbers(written=100, in_force=100))
        self.assertEqual("94.9% of the intended rate, less than 95%", str(error))

    def test_overtaken(self) -> None:
        """A server that loads fewer changes is a fault."""
        error = self.assertRaises(Fault, soak.check_pace, 1.0, Numbers(written=100, in_force=89))
        self.assertEqual("of 100 changes 89 in force, less than 90%", str(error))


class FaultTests(SynchronousTestCase):
    """Each case in a short version; a fault raises."""

    def setUp(self) -> None:
        """Make a folder, and a list for the figures."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.figures: list[str] = []

    def assert_figures(self, *beginnings: str) -> None:
        """Assert that there are as many lines of figures as beginnings, and that each begins so."""
        self.assertEqual(
            list(beginnings),
            [figure[: len(beginning)] for figure, beginning in zip(self.figures, beginnings, strict=True)],
        )

    def test_no_descriptors(self) -> None:
        """Without descriptors connected clients are answered, and new ones as soon as there are descriptors again."""
        shortages.no_descriptors(self.folder, self.figures.append, free=5)
        self.assert_figures("limit of ")

    def test_full_log(self) -> None:
        """A log that cannot be written does not keep the server from replying."""
        shortages.full_log(self.folder, self.figures.append)
        self.assert_figures("log on a full device")

    def test_clock_set_back(self) -> None:
        """After the clock is set back, the server still notices changes."""
        shortages.clock_set_back(self.folder, self.figures.append)
        self.assert_figures("clock set back by 3600 s")

    def test_connections(self) -> None:
        """Connections beyond the limit are closed, and those within it are answered."""
        shortages.connections(self.folder, self.figures.append, beyond=5)
        self.assert_figures("1000 connections answered, 5 beyond refused at once")

    def test_crowd(self) -> None:
        """Beside slow, idle and greedy clients all ordinary ones are answered, and no client is disconnected."""
        with serving(self.folder) as (server, _):
            with crowd.crowd(server.port, idle=20) as others:
                replies = send(server.port, 5, 1.5, SampleRequests(), 500, others.disturb)
                self.assertEqual(20 + crowd.GREEDY + crowd.SLOW, others.still_connected())
            self.assertGreater(replies.count, 100)
            self.assertGreater(others.flooded, 100_000)
            self.assertGreater(others.resets, 5)
            self.assertGreater(others.letters, 1)
            self.assertNotIn("refused", server.log)
            check_log(server.log)

    def test_absences(self) -> None:
        """Whatever replaces the configuration file, the old configuration is in force until there is a valid one."""
        edits.absences(self.folder, self.figures.append, signalled=True)
        self.assert_figures("deleted, a folder, unreadable, not UTF-8, full of zeros: a good file after each ")

    def test_partial_writes(self) -> None:
        """While the configuration is written piece by piece, no reply is a wrong "not found"."""
        edits.partial_writes(self.folder, self.figures.append, 120)
        self.assert_figures("120 beginnings of 3 files left on disk ")

    def test_frequent_changes(self) -> None:
        """While the configuration is changed a thousand times a minute, no reply is a wrong "not found"."""
        edits.frequent_changes(self.folder, self.figures.append, seconds=3)
        self.assert_figures("60 changes in ")

    def test_beginnings(self) -> None:
        """Every beginning of a sample configuration is refused, or read as the beginning of the whole."""
        edits.beginnings(self.folder, self.figures.append, virtual=False, every=30)
        edits.beginnings(self.folder, self.figures.append, virtual=True, every=30)
        lengths = [len(policies.sample(virtual=virtual).encode()) for virtual in (False, True)]
        self.assert_figures(*[f"{-(-length // 30)} beginnings of a sample: " for length in lengths])

    def test_soak(self) -> None:
        """During reloads, and while the log stalls, no reply is from an older configuration than an earlier reply."""
        stalls = Stalls(5, 4)
        soak.run(
            self.folder, self.figures.append, 7.5, 200, in_force=0.5, stalls=stalls, failures=500, calm=1, within=50
        )
        self.assertEqual(9, len(self.figures))

    def test_crash(self) -> None:
        """Mail sent while the server is killed is delivered once, and none is refused or bounced."""
        crash.run(self.folder, self.figures.append, kills=1)
        self.assert_figures("1 times killed: ")


class TableTests(SynchronousTestCase):
    """Tables of bounds."""

    def test_kept(self) -> None:
        """Bounds that were kept are printed; a figure that is equal to its bound keeps it."""
        lines: list[str] = []
        table = Table(lines.append)
        table.at_most("a case", "longest wait", 2, 2, "ms")
        table.require("another", "answered", True)
        table.omit("a third", "needs root")
        table.finish()
        self.assertEqual(
            [
                ["a case", "longest wait: 2 ms", "at most 2 ms", "kept"],
                ["another", "answered", "must hold", "kept"],
                ["a third", "left out: needs root"],
            ],
            [[cell.strip() for cell in line.split("  ") if cell] for line in lines],
        )

    def test_broken(self) -> None:
        """One bound that was broken is a fault, which names it."""
        for holds in (True, False):
            table = Table(lambda line: None)
            table.at_most("a case", "longest wait", 2.01, 2, "ms")
            table.require("another", "answered", holds)
            more = "" if holds else "; another: not: answered, must hold"
            fault = self.assertRaises(Fault, table.finish)
            self.assertEqual(f"a case: longest wait: 2.01 ms, at most 2 ms{more}", str(fault))


class LookupsTests(SynchronousTestCase):
    """Ordinary lookups in another process."""

    def setUp(self) -> None:
        """Make a folder."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def test_figures(self) -> None:
        """The figures compare the disturbed server with the other one."""
        few = Latencies([(0.25, 0.0), (1.0, 0.75), (0.75, 0.0)], [(0.25, 0.0)] * 3)
        self.assertEqual((0.75, 3, 4), (few.longest, few.ratio(0.5), few.ratio(0.99)))
        many = Latencies([*[(0.5, 0.0)] * 100, *[(2.0, 1.0)] * 200], [(0.25, 0.0)] * 100)
        self.assertEqual((1, 2, 2), (many.longest, many.ratio(0.5), many.ratio(0.99)))

    def test_stall(self) -> None:
        """A server that is stopped for a while is seen to make a lookup wait."""
        with served(self.folder / "server") as running, asking(running.server) as asker:
            asker.latencies()
            os.kill(running.server.pid, signal.SIGSTOP)
            time.sleep(0.3)
            os.kill(running.server.pid, signal.SIGCONT)
            self.assertGreater(asker.latencies().longest, 0.2)

    def test_ended(self) -> None:
        """A process of lookups that ended before it is asked is a fault, and no other error."""

        def lose() -> None:
            with served(self.folder / "server") as running, asking(running.server) as asker:
                asker._process.kill()
                asker._process.wait()
                asker.latencies()

        self.assertEqual("lookups failed: their process ended", str(self.assertRaises(Fault, lose)))

    def test_wrong_reply(self) -> None:
        """A wrong reply is a fault."""

        def lose() -> None:
            with served(self.folder / "server") as running, asking(running.server) as asker:
                running.replace(CONFIGURATION.replace("foo", "new"))
                wait_until(lambda: asker.latencies() is None, "a fault")

        self.assertIn("expected b'200 foo\\n', got b'500 not found\\n'", str(self.assertRaises(Fault, lose)))


class CaseTests(SynchronousTestCase):
    """A folder and a table for a case."""

    def setUp(self) -> None:
        """Make the folder and the table."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.table = Table(lambda line: None)

    def assert_kept(self, bounds: int) -> None:
        """Assert that a case has so many bounds, and that all of them were kept."""
        self.table.finish()
        self.assertEqual(bounds, len(self.table.rows), self.table.rows)


class StallTests(CaseTests):
    """Short versions of the cases of ``stalls``.

    ``test_hanging_file`` and ``test_stop_signals`` have others; ``half_open`` takes two minutes.
    """

    def test_metrics(self) -> None:
        """Clients of the metrics do not make lookups wait, nor the end of the server."""
        stalls.metrics(self.folder, self.table, 0.5)
        self.assert_kept(3)

    def test_bodies(self) -> None:
        """Large and endless bodies, and slow clients, are refused without a wait of lookups."""
        stalls.bodies(self.folder, self.table, 1)
        self.assert_kept(7)

    def test_log(self) -> None:
        """A log that stands still does not make lookups wait, and what is missing of it is counted."""
        stalls.log(self.folder, self.table, 1500)
        self.assert_kept(3)

    def test_large_files(self) -> None:
        """Log text in place of a configuration, and one mistake in each line, do not make lookups wait."""
        stalling_files.large_files(self.folder, self.table)
        self.assert_kept(8)

    def test_no_file(self) -> None:
        """A FIFO, a device and a folder in the file's place are logged, and the next good file comes into force."""
        stalling_files.no_file(self.folder, self.table)
        self.assert_kept(9)

    def test_hanging_reload(self) -> None:
        """A hook that hangs in a reload is given up after the limit, and the next good file comes into force."""
        stalling_files.hanging_reload(self.folder, self.table, 3)
        self.assert_kept(4)

    def test_early_sighup(self) -> None:
        """SIGHUP while a server starts causes a reload."""
        stalling_files.early_sighup(self.folder, self.table, 2)
        self.assert_kept(2)

    def test_large_keys(self) -> None:
        """Beside five clients that send keys of 64 KiB, half of the lookups take at most 5 ms."""
        stalling_clients.large_keys(self.folder, self.table, 1, 6, compare=False)
        self.assert_kept(1)

    def test_wrong_framing(self) -> None:
        """A netstring at a line port is answered at once."""
        stalling_clients.wrong_framing(self.folder, self.table)
        self.assert_kept(2)

    def test_crowd_at_the_door(self) -> None:
        """Of 500 clients that connect at once none waits."""
        stalling_clients.crowd_at_the_door(self.folder, self.table)
        self.assert_kept(1)


class LossTests(CaseTests):
    """Short versions of the cases of ``losses`` and ``lost_files``."""

    def test_lost_content(self) -> None:
        """A file that lost its statements or its end is rejected."""
        lost_files.lost_content(self.folder, self.table, signalled=True)
        self.assert_kept(4)

    def test_dropped_accounts(self) -> None:
        """A file that lost most of its accounts causes a warning."""
        lost_files.dropped_accounts(self.folder, self.table)
        self.assert_kept(1)

    def test_start_during_write(self) -> None:
        """A server that starts while its file is being written has the whole file."""
        lost_files.start_during_write(self.folder, self.table)
        self.assert_kept(1)

    def test_restarts(self) -> None:
        """A server whose file is gone or empty starts from the kept copy, and says so."""
        lost_files.restarts(self.folder, self.table, ("gone", "empty"))
        self.assert_kept(5)

    def test_reads_that_fail(self) -> None:
        """A file that cannot be opened for a while is loaded afterwards."""
        require_program("gcc")
        lost_files.reads_that_fail(self.folder, self.table, (errno.ETIMEDOUT,))
        self.assert_kept(1)

    def test_log_injection(self) -> None:
        """A key cannot forge a line of the log."""
        losses.log_injection(self.folder, self.table)
        self.assert_kept(2)

    def test_replay(self) -> None:
        """Logs without recipients are an error of ``trualias replay``."""
        losses.replay(self.folder, self.table)
        self.assert_kept(2)

    def test_removed_socket(self) -> None:
        """A unix socket that was removed is made anew; one of another program in its place is left alone."""
        losses.removed_socket(self.folder, self.table)
        self.assert_kept(5)


class MemoryTests(CaseTests):
    """Short versions of the cases of ``memory``."""

    def test_lost_stores(self) -> None:
        """A store that vanished or was restored is not used, and what was revoked or kept stays so."""
        lost_stores.lost_stores(self.folder, self.table, ("renamed", "restored from a backup"))
        self.assert_kept(32)

    def test_adopted_store(self) -> None:
        """A store that is adopted gets what was revoked and kept meanwhile."""
        lost_stores.adopted_store(self.folder, self.table)
        self.assert_kept(4)

    def test_nothing_left(self) -> None:
        """With neither store nor copy, nothing is not found that may be kept."""
        lost_stores.nothing_left(self.folder, self.table)
        self.assert_kept(8)

    def test_counting_on_full_disk(self) -> None:
        """Counts for which there is no room wait."""
        if os.geteuid() != 0:
            raise SkipTest("needs root, which can mount a small file system")
        hindered_stores.counting_on_full_disk(self.folder, self.table)
        self.assert_kept(8)

    def test_full_disk(self) -> None:
        """A change for which there is no room is refused as a whole."""
        if os.geteuid() != 0:
            raise SkipTest("needs root, which can mount a small file system")
        hindered_stores.full_disk(self.folder, self.table)
        self.assert_kept(5)

    def test_read_only(self) -> None:
        """A store that cannot be written is read."""
        if os.geteuid() != 0:
            raise SkipTest("needs root")
        hindered_stores.read_only(self.folder, self.table)
        self.assert_kept(7)

    def test_locked(self) -> None:
        """Lookups go on while another process has the store locked, and a command gives up."""
        hindered_stores.locked(self.folder, self.table, 6)
        self.assert_kept(6)

    def test_killed_writers(self) -> None:
        """Nothing that a killed process acknowledged is lost."""
        memory.killed_writers(self.folder, self.table, 5)
        self.assert_kept(2)

    def test_clock_set_back(self) -> None:
        """What has ended stays ended."""
        require_program("gcc")
        memory.clock_set_back(self.folder, self.table)
        self.assert_kept(3)
