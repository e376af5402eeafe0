"""Tests of ``trualias.server.reload``."""

import errno
import gc
import os
import resource
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.fingerprint import Fingerprint, MissingFile, fingerprint
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Found
from trualias.lookup.hooks import Hooks
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.counters import LoadCounters
from trualias.server.daemon_thread import Worker
from trualias.server.reload import MOST_CANCELLED, ReloadService
from trualias.server.reload_listener import ReloadListener
from trualias.testing.workers import ImmediateWorker, QueueingWorker

Result = TypeVar("Result")

# Each finds only the addresses of its own account.
ONE = "ACCOUNT one MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
TWO = "# two\n\nACCOUNT two MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
BAD = "ACCOUNT two MATCHES %account%-%alpa%-%code% WITH CHARS();\nPROT: 3\n"

HOOKS = """
ACCOUNTS = ALIASES = None
def preprocess(alias, domain): return alias, domain
def postprocess(account, domain): return "hooked-" + account, domain
def reload(): pass
"""


class RecordingListener(ReloadListener):
    """Records the events of reloads, and the configurations that came into use."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.applied_configurations: list[Configuration] = []

    def begun(self) -> None:
        """Record the event."""
        self.events.append("begun")

    def applied(self, configuration: Configuration) -> None:
        """Record the event and the configuration."""
        self.events.append("applied")
        self.applied_configurations.append(configuration)

    def failed(self) -> None:
        """Record the event."""
        self.events.append("failed")


class FailingWorker(ImmediateWorker):
    """A worker that can run nothing."""

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def run(self, function: Callable[[], Result], /) -> Deferred[Result]:
        """Fail."""
        return fail(self._reason)


class ReloadServiceTests(SynchronousTestCase):
    """Reloads of the configuration, with real files."""

    def setUp(self) -> None:
        """Start a service on a configuration with the account one."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.path = folder / "trualias.conf"
        self.path.write_text(ONE, "utf-8")
        self.current = CurrentSnapshot(load_snapshot(str(self.path)))
        self.clock = Clock()
        self.day = 0.0  # the time of day at which the clock starts
        self.threads = QueueingWorker()
        self.listener = RecordingListener()
        self.service = self.make_service(str(self.path))
        self.service.startService()

    def make_service(self, path: str) -> ReloadService:
        """Make a service on a path."""
        return ReloadService(
            path,
            fingerprint(path),
            self.current,
            [self.listener],
            self.clock,
            ImmediateWorker(),
            self.threads,
            time_of_day=lambda: self.day + self.clock.seconds(),
        )

    def start(
        self,
        path: str,
        wait_until_stable: Callable[[str, Callable[[], None]], Fingerprint] = lambda path, pause: fingerprint(path),
        pause: Callable[[], None] = lambda: None,
        examiner: Worker | None = None,
    ) -> None:
        """Replace the service by one for another path, or with other functions or another worker."""
        self.service.stopService()
        self.service = ReloadService(
            path,
            fingerprint(path),
            self.current,
            [],
            self.clock,
            examiner or ImmediateWorker(),
            self.threads,
            wait_until_stable=wait_until_stable,
            pause=pause,
        )
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def replace(self, text: str) -> None:
        """Replace the configuration as editors do: by renaming a new file."""
        new = self.path.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self.path)

    def watch(self) -> list[str]:
        """Advance two seconds, run the loads that begin then, and return the logged messages, each after its level."""
        with capturedLogs() as events:
            self.clock.advance(2)
            self.threads.run_all()
        return [
            f"{event['log_level'].name}: {event['log_format'].format(**event)}".replace(str(self.path), "FILE")
            for event in events
        ]

    def ask(self, key: str) -> str | None:
        """Look a key up; return its value, or None."""
        answer = self.current.snapshot.tables[Table.LOCAL_PART](key)
        return answer.value if isinstance(answer, Found) else None

    def assert_answers(self, account: str) -> None:
        """Assert that only addresses of this account are found."""
        for each in ("one", "two"):
            self.assertEqual(self.ask(f"{each}-shop-4"), account if each == account else None)

    def test_unchanged(self) -> None:
        """An unchanged file is not loaded again."""
        self.clock.advance(100)
        self.assertEqual(self.threads.waiting, [])

    def test_good(self) -> None:
        """A change is loaded after two seconds; until then lookups use the previous configuration."""
        self.replace(TWO)
        self.clock.advance(1.9)
        self.assertEqual(self.threads.waiting, [])
        self.clock.advance(0.1)
        self.assert_answers("one")
        self.threads.run_all()
        self.assert_answers("two")
        self.assertEqual(
            [configuration.name for configuration in self.listener.applied_configurations], [str(self.path)]
        )

    def test_included_files(self) -> None:
        """A change of an included file, or a new one, loads the whole configuration; the first load finds the files."""
        folder = self.path.parent / "conf.d"
        folder.mkdir()
        (folder / "a.conf").write_text(TWO, "utf-8")
        self.replace("INCLUDE: conf.d/*.conf\n")
        self.assertEqual([], [line for line in self.watch() if "error" in line])
        self.assert_answers("two")
        (folder / "a.conf").write_text(ONE + "\n", "utf-8")
        self.watch()
        self.assert_answers("one")
        (folder / "b.conf").write_text(BAD, "utf-8")
        self.assertEqual(1, len(self.watch()))
        self.assertEqual([], self.watch())
        self.assert_answers("one")
        (folder / "b.conf").write_text(TWO, "utf-8")
        self.watch()
        self.assertEqual(["one", "two"], [self.ask("one-shop-4"), self.ask("two-shop-4")])

    def test_events(self) -> None:
        """A listener receives the events of each load; a missing file fails without a load."""
        self.replace(TWO)
        self.clock.advance(2)
        self.assertEqual(["begun"], self.listener.events)
        self.threads.run_all()
        self.replace(BAD)
        self.watch()
        self.path.unlink()
        self.watch()
        self.assertEqual(["begun", "applied", "begun", "failed", "failed"], self.listener.events)

    def test_check(self) -> None:
        """A configuration that a listener rejects does not come into use."""

        class Rejecting(RecordingListener):
            def check(self, configuration: Configuration) -> None:
                raise ConfigurationErrors([configuration.error(2, "not this one")])

        self.service.stopService()
        listener, path = Rejecting(), str(self.path)
        service = ReloadService(
            path, fingerprint(path), self.current, [listener], self.clock, ImmediateWorker(), self.threads
        )
        service.load()
        with capturedLogs() as events:
            self.threads.run_all()
        self.assertEqual([f"{path}:1:3: not this one\n{ONE}  ^"], [str(event["errors"]) for event in events])
        self.assertEqual(["begun", "failed"], listener.events)

    def test_pause(self) -> None:
        """A load calls the injected pause, in the thread of the load."""
        pauses: list[None] = []
        path = str(self.path)
        service = ReloadService(
            path,
            fingerprint(path),
            self.current,
            [],
            self.clock,
            ImmediateWorker(),
            self.threads,
            pause=lambda: pauses.append(None),
        )
        service.load()
        self.assertEqual([], pauses)
        self.threads.run_all()
        self.assertNotEqual([], pauses)

    def test_log_of_a_good_one(self) -> None:
        """A load is logged at level info."""
        self.replace(TWO)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_bad(self) -> None:
        """A configuration with errors changes nothing; all its errors are logged once for the change."""
        self.replace(BAD)
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(BAD, "FILE")
        self.assertEqual(len(raised.exception.errors), 2)
        self.assertEqual(
            self.watch(),
            [f"error: FILE has errors; the previous configuration stays in use\n{raised.exception}"],
        )
        self.assertEqual(self.watch(), [])
        self.assert_answers("one")
        self.assertEqual(self.listener.applied_configurations, [])

    def test_counted(self) -> None:
        """Loads and failed loads are counted; the time is the time of day of the last successful load."""
        self.assertEqual(self.service.loads, LoadCounters(0.0))
        self.day = 1000.0
        for text, expected in (
            (TWO, LoadCounters(1002.0, tried=1)),
            (BAD, LoadCounters(1002.0, tried=2, failed=1, current=False)),
            (ONE, LoadCounters(1006.0, tried=3, failed=1)),
        ):
            self.replace(text)
            self.watch()
            self.assertEqual(self.service.loads, expected)
        self.path.unlink()
        self.watch()
        self.assertEqual(self.service.loads, LoadCounters(1006.0, tried=4, failed=2, current=False))

    def test_fixed(self) -> None:
        """A fixed configuration is loaded after one with errors."""
        self.replace(BAD)
        self.watch()
        self.replace(TWO)
        self.watch()
        self.assert_answers("two")

    def test_other_bad(self) -> None:
        """A second configuration with errors is logged as well."""
        self.replace(BAD)
        first = self.watch()
        self.replace(BAD + "\n")
        self.assertEqual(self.watch(), first)

    def test_changed_during_the_wait(self) -> None:
        """A change while a load waits for the file to be complete is part of that load, and causes no other."""

        def wait_until_stable(path: str, pause: Callable[[], None]) -> Fingerprint:
            self.replace(TWO)
            return fingerprint(str(self.path))

        self.start(str(self.path), wait_until_stable)
        self.replace(BAD)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")
        self.assertEqual([], self.watch())

    def test_changed_while_it_is_read(self) -> None:
        """A file that changes between the wait and the end of reading is not loaded."""
        beginnings = ["# the first line of many\n"]

        def wait_until_stable(path: str, pause: Callable[[], None]) -> Fingerprint:
            stable = fingerprint(str(self.path))
            if beginnings:
                self.path.write_text(beginnings.pop(), "utf-8")
            return stable

        self.start(str(self.path), wait_until_stable)
        self.replace(BAD)
        self.assertEqual(
            [
                "error: FILE has errors; the previous configuration stays in use\n"
                "FILE: changed while it was read, and will be read again"
            ],
            self.watch(),
        )
        self.assert_answers("one")
        self.path.write_text(TWO, "utf-8")
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_no_descriptors(self) -> None:
        """A file that cannot be read for lack of file descriptors is loaded once there are some, also unchanged."""
        self.replace(TWO)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        [complaint] = self.watch()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertIn("cannot be read: Too many open files", complaint)
        self.assert_answers("one")
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_vanished(self) -> None:
        """A missing file is logged once, and loaded when it is back, also unchanged."""
        away = self.path.with_suffix(".away")
        self.path.rename(away)
        self.assertEqual(
            self.watch(),
            ["error: FILE: No such file or directory; the previous configuration stays in use until the file is back"],
        )
        self.assertEqual(self.watch(), [])
        self.assert_answers("one")
        away.rename(self.path)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_vanished_before_read(self) -> None:
        """A file that vanishes between the check and the load is an error."""
        self.replace(TWO)
        self.clock.advance(2)
        self.path.unlink()
        with capturedLogs() as events:
            self.threads.run_all()
        [event] = events
        self.assertIn("cannot be read: No such file or directory", str(event["errors"]))
        self.assert_answers("one")

    def test_newer_during_a_load(self) -> None:
        """A change while the file is being parsed cancels the load, silently, and the newer file is loaded at once."""
        self.replace(BAD * 200)
        changes = [TWO]

        def pause() -> None:
            if changes:
                self.replace(changes.pop())
                self.clock.advance(2)

        self.start(str(self.path), pause=pause)
        self.replace(ONE * 200)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")
        self.assertEqual([], changes)

    def test_newer_during_a_long_step(self) -> None:
        """A cancelled load that does not reach a pause within 0.5 s is abandoned, silently."""

        def parse() -> None:
            """Change the file while the load is between two pauses, for more than 0.5 s."""
            self.replace(TWO)
            self.clock.advance(2)
            self.clock.advance(0.4)
            self.assertEqual([], self.threads.waiting)
            self.clock.advance(0.1)
            self.threads.run_all()

        steps = [parse]
        self.start(str(self.path), pause=lambda: steps.pop()() if steps else None)
        self.replace(ONE)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_restless(self) -> None:
        """After ten cancelled loads in a row, one runs to its end, though the file changes during each."""
        loads: list[int] = []

        def wait_until_stable(path: str, pause: Callable[[], None]) -> Fingerprint:
            loads.append(0)
            return fingerprint(path)

        def pause() -> None:
            if not loads[-1]:
                loads[-1] = 1
                self.replace(ONE + "\n" * len(loads))
                self.clock.advance(2)

        self.start(str(self.path), wait_until_stable, pause)
        self.replace(TWO)
        self.clock.advance(2)
        while len(loads) < MOST_CANCELLED + 1:
            self.assert_answers("one")
            self.threads.run_one()
        self.assertEqual("info: FILE is loaded: 1 statement, 1 account", self.watch()[0])

    def test_unreachable(self) -> None:
        """An examination that hangs for 10 s is logged once and counted, and is over with the next fingerprint."""
        examiner = QueueingWorker()
        self.start(str(self.path), examiner=examiner)
        self.replace(TWO)
        for _ in range(5):
            self.assertEqual([], self.watch())
            self.assertEqual((1, False), (len(examiner.waiting), self.service.loads.unreachable))
        self.assertEqual(
            [
                "error: FILE cannot be examined: its filesystem has not responded for 10 s; the configuration in use "
                "stays in use, and changes of the file are not seen"
            ],
            self.watch(),
        )
        self.assertTrue(self.service.loads.unreachable)
        self.assertEqual((1, 1), (len(examiner.hung), len(examiner.waiting)))
        for _ in range(5):
            self.assertEqual([], self.watch())
        examiner.available = False
        for _ in range(5):
            self.assertEqual([], self.watch())
        self.assertEqual((3, 0), (len(examiner.hung), len(examiner.waiting)))
        examiner.hung[0]()
        self.assertTrue(self.service.loads.unreachable)
        examiner.available = True
        self.assertEqual([], self.watch())
        with capturedLogs() as events:
            examiner.run_all()
            self.threads.run_all()
        self.assertEqual(f"{self.path} can be examined again", formatEvent(events[0]))
        self.assertFalse(self.service.loads.unreachable)
        self.assert_answers("two")

    def test_hung_load(self) -> None:
        """A load that has not ended after 60 s is logged, is a failed load, and a later file is loaded."""
        self.replace(TWO)
        self.clock.advance(2)
        for _ in range(29):
            self.clock.advance(2)
        self.assertTrue(self.service.loads.current)
        with capturedLogs() as events:
            self.clock.advance(2)
        self.assertEqual(
            [
                f"{self.path} was not loaded within 60 s: reading it or a hook hangs; this load is abandoned, and the "
                "previous configuration stays in use"
            ],
            [formatEvent(event) for event in events],
        )
        self.assertEqual((1, False), (self.service.loads.failed, self.service.loads.current))
        self.assertEqual(["begun", "failed"], self.listener.events)
        self.assertEqual([], self.watch())
        self.replace(TWO + "\n")
        self.watch()
        self.assert_answers("two")
        self.assertTrue(self.service.loads.current)
        # What the hung load would load now is not used, and no other load follows.
        self.replace(ONE)
        [hung] = self.threads.hung
        hung()
        self.assert_answers("two")

    def test_long_load(self) -> None:
        """A load that takes minutes and goes on all the time is not abandoned."""
        self.start(str(self.path), pause=lambda: self.clock.advance(2))
        self.replace("".join(f"ACCOUNT a{number} MATCHES %account%-%code% WITH x;\n" for number in range(50)) + TWO)
        self.assertEqual(["info: FILE is loaded: 51 statements, 51 accounts"], self.watch())
        self.assertGreater(self.clock.seconds(), 120)
        self.assert_answers("two")
        self.assertEqual([], self.threads.hung)

    def test_hung_read(self) -> None:
        """A load that hung before it had read the file is repeated once it ends, if no other followed."""
        self.replace(TWO)
        for _ in range(32):
            self.clock.advance(2)
        self.assertEqual([], self.watch())
        [hung] = self.threads.hung
        hung()
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")
        self.assertEqual([], self.watch())

    def test_too_many_hung_loads(self) -> None:
        """A change while too many loads hang is logged once, and loaded when one of them has ended."""
        self.threads.available = False
        self.replace(TWO)
        message = "error: FILE cannot be loaded until an earlier load ends: too many hang"
        self.assertEqual([message], self.watch())
        self.assertFalse(self.service.loads.current)
        self.assertEqual([], self.watch())
        self.threads.available = True
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_cannot_be_read_now(self) -> None:
        """After any system error while reading, the load is repeated at each check, and logged once."""
        real_open = os.open
        for number in (errno.ETIMEDOUT, errno.EACCES, errno.ENOTCONN, errno.EIO, errno.EMFILE):
            failures = [number] * 3

            def open_file(path: str, flags: int, failures: list[int] = failures) -> int:
                if failures and path == str(self.path):
                    failed = failures.pop()
                    raise OSError(failed, os.strerror(failed))
                return real_open(path, flags)

            self.patch(os, "open", open_file)
            self.replace(TWO)
            complaint = f"FILE: cannot be read: {os.strerror(number)}"
            expected = f"error: FILE has errors; the previous configuration stays in use\n{complaint}"
            self.assertEqual([expected], self.watch())
            self.assertEqual([], self.watch())
            self.assertEqual([], self.watch())
            self.assert_answers("one")
            self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
            self.assert_answers("two")
            self.replace(ONE)
            self.watch()

    def test_folder(self) -> None:
        """A folder in place of the file is an error."""
        self.path.unlink()
        self.path.mkdir()
        self.assertEqual(
            self.watch(),
            ["error: FILE has errors; the previous configuration stays in use\nFILE: is not a regular file"],
        )
        self.assertEqual(self.watch(), [])

    def test_unreadable(self) -> None:
        """A file without read permission changes nothing, and is loaded when it becomes readable."""
        # A folder that the account "nobody", which root becomes below, can enter.
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        self.path = folder / "trualias.conf"
        self.start(str(self.path))
        self.replace(TWO)
        self.path.chmod(0)
        if os.geteuid() == 0:
            self.addCleanup(os.seteuid, 0)
            os.seteuid(65534)
        self.assertEqual(
            [
                "error: FILE has errors; the previous configuration stays in use\n"
                "FILE: cannot be read: Permission denied"
            ],
            self.watch(),
        )
        self.assert_answers("one")
        if os.getuid() == 0:
            os.seteuid(0)
        before = fingerprint(str(self.path))
        while fingerprint(str(self.path)) == before:  # until the file system's clock advances
            self.path.chmod(0o600)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_link_to_itself(self) -> None:
        """A symbolic link to itself is logged as a missing file."""
        self.path.unlink()
        self.path.symlink_to(self.path)
        complaint = "Too many levels of symbolic links; the previous configuration stays in use until the file is back"
        self.assertEqual([f"error: FILE: {complaint}"], self.watch())
        self.assert_answers("one")
        self.replace(TWO)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())

    def test_older(self) -> None:
        """An older file is a change."""
        self.replace(TWO)
        os.utime(self.path, (0, 0))
        self.watch()
        self.assert_answers("two")

    def test_in_place(self) -> None:
        """Writing a file in place is a change."""
        inode = self.path.stat().st_ino
        self.path.write_text(TWO, "utf-8")
        self.assertEqual(self.path.stat().st_ino, inode)
        self.watch()
        self.assert_answers("two")

    def test_same_time_and_size(self) -> None:
        """Another file of the same size and modification time is a change."""
        status = self.path.stat()
        self.replace(ONE.replace("one", "two"))
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.watch()
        self.assert_answers("two")

    def test_permissions(self) -> None:
        """A change of permissions triggers a load: the file may have been unreadable."""
        before = fingerprint(str(self.path))
        while fingerprint(str(self.path)) == before:  # until the file system's clock advances
            self.path.chmod(0o600)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_quick_succession(self) -> None:
        """A change before the file is read is part of that load; two loads never run at a time."""
        self.replace(BAD)
        self.clock.advance(2)
        self.replace(TWO)
        for _ in range(3):
            self.clock.advance(2)
            self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run_all()
        self.assertEqual(len(self.listener.applied_configurations), 1)
        self.assert_answers("two")
        self.clock.advance(2)
        self.assertEqual(self.threads.waiting, [])

    def test_change_after_it_was_read(self) -> None:
        """A change after the file was read, but before it is in use, is loaded next."""
        module = self.path.with_name("changing_hooks.py")
        module.write_text(
            HOOKS.replace("pass", f"import os; os.replace({str(self.path) + '.next'!r}, {str(self.path)!r})"), "utf-8"
        )
        Path(f"{self.path}.next").write_text(TWO, "utf-8")
        self.replace("PROCESSOR: changing_hooks\n" + ONE)
        self.watch()
        self.assertEqual(self.ask("one-shop-4"), "hooked-one")
        self.watch()
        self.assert_answers("two")

    def test_requested(self) -> None:
        """A requested load begins at once, and needs no change."""
        self.service.load()
        self.threads.run_all()
        self.assertEqual(len(self.listener.applied_configurations), 1)
        self.replace(TWO)
        self.service.load()
        self.threads.run_all()
        self.assert_answers("two")
        self.clock.advance(2)
        self.assertEqual(self.threads.waiting, [])

    def test_requested_with_errors(self) -> None:
        """The errors of a file are logged again for each requested load."""
        self.replace(BAD)
        [complaint] = self.watch()
        for _ in range(2):
            self.service.load()
            self.assertEqual([complaint], self.watch())
        self.assertEqual([], self.watch())

    def test_requested_during_a_load(self) -> None:
        """Any number of requests during a load cause one more load."""
        for _ in range(3):
            self.service.load()
        self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run_all()
        self.assertEqual(len(self.listener.applied_configurations), 2)

    def test_requested_during_the_release(self) -> None:
        """A load requested while the previous configuration is released follows after that."""
        self.service.load()
        self.threads.run_one()
        self.assertEqual((len(self.listener.applied_configurations), len(self.threads.waiting)), (1, 1))
        self.service.load()
        self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run_all()
        self.assertEqual(len(self.listener.applied_configurations), 2)

    def test_released(self) -> None:
        """A configuration and its hooks are freed when the next one is in use."""
        self.assertEqual(0, self.collections_of_release(HOOKS))
        self.assertEqual(1, self.collections_of_release(HOOKS + "class Table: pass\nreload.table = Table()\n"))

    def collections_of_release(self, hooks: str) -> int:
        """Replace a configuration with hooks, which must be freed; return the number of full collections."""
        module = self.path.with_name("released_hooks.py")
        module.write_text(hooks, "utf-8")
        self.replace("PROCESSOR: released_hooks\n" + ONE)
        self.watch()
        before = self.current.snapshot
        assert isinstance(before.hooks, Hooks)
        references = [weakref.ref(each) for each in (before, before.configuration.policy, before.hooks._preprocess)]
        del before
        self.replace(TWO)
        gc.disable()
        self.addCleanup(gc.enable)
        collections: int = gc.get_stats()[2]["collections"]
        self.watch()
        self.listener.applied_configurations.clear()
        self.assertEqual([reference() for reference in references], [None] * 3)
        return int(gc.get_stats()[2]["collections"]) - collections

    def test_hooks(self) -> None:
        """Hooks come into use with a load, stay in use if the next load fails, and are replaced by a later one."""
        module = self.path.with_name("reload_hooks.py")
        module.write_text(HOOKS, "utf-8")
        self.replace("PROCESSOR: reload_hooks\n" + ONE)
        self.watch()
        self.assertEqual(self.ask("one-shop-4"), "hooked-one")

        module.write_text(
            HOOKS.replace("hooked", "rehooked").replace("pass", "raise OSError('no such table')"), "utf-8"
        )
        self.replace("PROCESSOR: reload_hooks\n" + TWO)
        self.assertEqual(
            self.watch(),
            [
                "error: FILE has errors; the previous configuration stays in use\n"
                f"FILE:1:1: the module reload_hooks ({module}): reload() raised OSError: no such table (line 5)\n"
                "PROCESSOR: reload_hooks\n"
                "^"
            ],
        )
        self.assertEqual(self.ask("one-shop-4"), "hooked-one")

        module.write_text(HOOKS.replace("hooked", "rehooked"), "utf-8")
        self.service.load()
        self.threads.run_all()
        self.assertEqual(self.ask("two-shop-4"), "rehooked-two")

        self.replace(ONE)
        self.watch()
        self.assert_answers("one")

    def test_unexpected_exception(self) -> None:
        """An unexpected exception of a load is logged, the configuration stays in use, and later loads run."""

        path = str(self.path)
        service = ReloadService(
            path, fingerprint(path), self.current, [], self.clock, ImmediateWorker(), FailingWorker(MemoryError())
        )
        service.load()
        service.load()
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 2)
        self.assert_answers("one")

    def test_no_threads(self) -> None:
        """A load that cannot start a thread is logged, and later loads run."""

        path = str(self.path)
        service = ReloadService(
            path,
            fingerprint(path),
            self.current,
            [],
            self.clock,
            ImmediateWorker(),
            FailingWorker(RuntimeError("can't start new thread")),
        )
        service.load()
        service.load()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_listener_fails(self) -> None:
        """An exception of a listener is logged, and the new configuration is in use."""

        class FailingListener(ReloadListener):
            def applied(self, configuration: Configuration) -> None:
                raise ZeroDivisionError

        path = str(self.path)
        service = ReloadService(
            path, fingerprint(path), self.current, [FailingListener()], self.clock, ImmediateWorker(), self.threads
        )
        for text in (TWO, ONE, TWO):
            self.replace(text)
            service.load()
            self.threads.run_all()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_answers("two")

    def test_watch_fails(self) -> None:
        """A check of the file that raises is logged, and the next one follows."""
        service = ReloadService("\0", MissingFile(""), self.current, [], self.clock, ImmediateWorker(), self.threads)
        service.startService()
        self.clock.advance(2)
        self.clock.advance(2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_stop(self) -> None:
        """A stopped service does not watch the file until it is started again."""
        self.assertIsNone(self.service.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.replace(TWO)
        self.service.startService()
        self.watch()
        self.assert_answers("two")

    def test_stop_during_a_long_load(self) -> None:
        """A load that does not end, such as a hook that blocks, delays the stop by 1.5 s."""
        self.replace(TWO)
        self.clock.advance(2)
        stopped = self.service.stopService()
        assert stopped is not None
        self.clock.advance(1.4)
        self.assertNoResult(stopped)
        self.clock.advance(0.2)
        self.assertIsNone(self.successResultOf(stopped))
        self.threads.run_all()
        self.assert_answers("one")

    def test_stop_during_a_load(self) -> None:
        """The service stops when the load ends, which is abandoned, without a log message and without another load."""
        self.replace(TWO)
        self.clock.advance(2)
        self.service.load()
        stopped = self.service.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        with capturedLogs() as events:
            self.threads.run_all()
        self.assertIsNone(self.successResultOf(stopped))
        self.assertEqual((list(events), self.threads.waiting), ([], []))
        self.assert_answers("one")
