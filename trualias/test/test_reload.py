"""Tests of trualias.server.reload."""

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
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.fingerprint import Fingerprint, MissingFile, fingerprint
from trualias.configuration.tables import Table
from trualias.lookup import CurrentSnapshot, Found
from trualias.lookup.hooks import Hooks
from trualias.lookup.loading import load_snapshot
from trualias.monitoring.counters import Loads
from trualias.server.reload import AliasService

Result = TypeVar("Result")

# What one of these finds, the other does not.
ONE = "ACCOUNT one MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
TWO = "# two\n\nACCOUNT two MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
BAD = "ACCOUNT two MATCHES %account%-%alpa%-%code% WITH CHARS();\nPROT: 3\n"

HOOKS = """
ACCOUNTS = ALIASES = None
def preprocess(alias, domain): return alias, domain
def postprocess(account, domain): return "hooked-" + account, domain
def reload(): pass
"""


class Threads:
    """Stands for the reactor's threads: holds each piece of work back until a test lets it run."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, function: Callable[[], Result], /) -> Deferred[Result]:
        """Take work."""
        deferred: Deferred[Result] = Deferred()

        def work() -> None:
            try:
                result = function()
            except Exception:
                deferred.errback()
            else:
                deferred.callback(result)

        self.waiting.append(work)
        return deferred

    def run_one(self) -> None:
        """Do the first piece of work that waits."""
        self.waiting.pop(0)()

    def run(self) -> None:
        """Do all the work that waits, and what comes of it."""
        while self.waiting:
            self.run_one()


class AliasServiceTests(SynchronousTestCase):
    """The reload of the configuration, with real files."""

    def setUp(self) -> None:
        """Run a service on a configuration of the account one."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.path = folder / "trualias.conf"
        self.path.write_text(ONE, "utf-8")
        self.current = CurrentSnapshot(load_snapshot(str(self.path)))
        self.clock = Clock()
        self.day = 0.0  # when the clock's time begins, by the time of day
        self.threads = Threads()
        self.came_into_use: list[Configuration] = []
        self.service = self.make_service(str(self.path))
        self.service.startService()

    def make_service(self, path: str) -> AliasService:
        """Make a service on a path."""
        return AliasService(
            path,
            fingerprint(path),
            self.current,
            [self.came_into_use.append],
            self.clock,
            self.threads,
            time_of_day=lambda: self.day + self.clock.seconds(),
        )

    def start(self, path: str, wait_until_stable: Callable[[Callable[[], None]], Fingerprint] | None = None) -> None:
        """Run a service in the place of the first, on another path or one that knows otherwise when a file is whole."""
        self.service.stopService()
        service = AliasService(
            path, fingerprint(path), self.current, [], self.clock, self.threads, wait_until_stable=wait_until_stable
        )
        service.startService()
        self.addCleanup(service.stopService)

    def replace(self, text: str) -> None:
        """Replace the configuration as editors do: by renaming a new file."""
        new = self.path.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self.path)

    def watch(self) -> list[str]:
        """Let two seconds pass and the loads run that begin then; return what was logged, level first."""
        with capturedLogs() as events:
            self.clock.advance(2)
            self.threads.run()
        return [
            f"{event['log_level'].name}: {event['log_format'].format(**event)}".replace(str(self.path), "FILE")
            for event in events
        ]

    def ask(self, key: str) -> str | None:
        """Look a key up: the value, or None where there is none."""
        answer = self.current.snapshot.tables[Table.LOCAL_PART](key)
        return answer.value if isinstance(answer, Found) else None

    def assert_answers(self, account: str) -> None:
        """Assert that addresses of this account alone are found."""
        for each in ("one", "two"):
            self.assertEqual(self.ask(f"{each}-shop-4"), account if each == account else None)

    def test_unchanged(self) -> None:
        """A file that is not changed is not loaded again."""
        self.clock.advance(100)
        self.assertEqual(self.threads.waiting, [])

    def test_good(self) -> None:
        """A change is in use within two seconds; until it is loaded, lookups are answered from before."""
        self.replace(TWO)
        self.clock.advance(1.9)
        self.assertEqual(self.threads.waiting, [])
        self.clock.advance(0.1)
        self.assert_answers("one")
        self.threads.run()
        self.assert_answers("two")
        self.assertEqual([configuration.name for configuration in self.came_into_use], [str(self.path)])

    def test_log_of_a_good_one(self) -> None:
        """A load is told at level info."""
        self.replace(TWO)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_bad(self) -> None:
        """A configuration with errors changes nothing; the log has all its errors, once for the change."""
        self.replace(BAD)
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(BAD, "FILE")
        self.assertEqual(len(raised.exception.errors), 2)
        self.assertEqual(
            self.watch(),
            [f"error: FILE has errors; the configuration from before stays in use\n{raised.exception}"],
        )
        self.assertEqual(self.watch(), [])
        self.assert_answers("one")
        self.assertEqual(self.came_into_use, [])

    def test_counted(self) -> None:
        """Loads are counted, failed ones besides; the time is of the last that went well, by the time of that day."""
        self.assertEqual(self.service.loads, Loads(0.0))
        self.day = 1000.0
        for text, expected in (
            (TWO, Loads(1002.0, tried=1)),
            (BAD, Loads(1002.0, tried=2, failed=1, current=False)),
            (ONE, Loads(1006.0, tried=3, failed=1)),
        ):
            self.replace(text)
            self.watch()
            self.assertEqual(self.service.loads, expected)
        self.path.unlink()
        self.watch()
        self.assertEqual(self.service.loads, Loads(1006.0, tried=4, failed=2, current=False))

    def test_mended(self) -> None:
        """After a bad configuration a good one is loaded."""
        self.replace(BAD)
        self.watch()
        self.replace(TWO)
        self.watch()
        self.assert_answers("two")

    def test_other_bad(self) -> None:
        """A second bad configuration is told as the first."""
        self.replace(BAD)
        first = self.watch()
        self.replace(BAD + "\n")
        self.assertEqual(self.watch(), first)

    def test_settled(self) -> None:
        """What is written while a load waits for the file to be whole is loaded with it, and not once more."""

        def wait_until_stable(pause: Callable[[], None]) -> Fingerprint:
            self.replace(TWO)
            return fingerprint(str(self.path))

        self.start(str(self.path), wait_until_stable)
        self.replace(BAD)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")
        self.assertEqual([], self.watch())

    def test_changed_while_it_is_read(self) -> None:
        """What somebody began to write just after the file was whole is not taken for the whole."""
        beginnings = ["# the first line of many\n"]

        def wait_until_stable(pause: Callable[[], None]) -> Fingerprint:
            rested = fingerprint(str(self.path))
            if beginnings:
                self.path.write_text(beginnings.pop(), "utf-8")
            return rested

        self.start(str(self.path), wait_until_stable)
        self.replace(BAD)
        self.assertEqual(
            [
                "error: FILE has errors; the configuration from before stays in use\n"
                "FILE: changed while it was read, and will be read again"
            ],
            self.watch(),
        )
        self.assert_answers("one")
        self.path.write_text(TWO, "utf-8")
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_no_descriptors(self) -> None:
        """A file that cannot be read for want of descriptors is read once there are some, changed or not."""
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
        """A file that vanishes is told once, and loaded when it returns, though it is the same."""
        away = self.path.with_suffix(".away")
        self.path.rename(away)
        self.assertEqual(
            self.watch(),
            ["error: FILE: No such file or directory; the configuration from before stays in use until it is back"],
        )
        self.assertEqual(self.watch(), [])
        self.assert_answers("one")
        away.rename(self.path)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_vanished_before_read(self) -> None:
        """A file that vanishes between the look and the load is told."""
        self.replace(TWO)
        self.clock.advance(2)
        self.path.unlink()
        with capturedLogs() as events:
            self.threads.run()
        [event] = events
        self.assertIn("cannot be read: No such file or directory", str(event["errors"]))
        self.assert_answers("one")

    def test_folder(self) -> None:
        """A folder in the place of the file is an error as any other."""
        self.path.unlink()
        self.path.mkdir()
        self.assertEqual(
            self.watch(),
            [
                "error: FILE has errors; the configuration from before stays in use\n"
                "FILE: cannot be read: Is a directory"
            ],
        )
        self.assertEqual(self.watch(), [])

    def test_unreadable(self) -> None:
        """A file that may not be read changes nothing, and is loaded when it may be."""
        # Where the user that root becomes for the test may go as well.
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
                "error: FILE has errors; the configuration from before stays in use\n"
                "FILE: cannot be read: Permission denied"
            ],
            self.watch(),
        )
        self.assert_answers("one")
        if os.getuid() == 0:
            os.seteuid(0)
        before = fingerprint(str(self.path))
        while fingerprint(str(self.path)) == before:  # until the file system's clock goes on
            self.path.chmod(0o600)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())
        self.assert_answers("two")

    def test_link_to_itself(self) -> None:
        """A link that leads nowhere is told as a file that is missing."""
        self.path.unlink()
        self.path.symlink_to(self.path)
        complaint = "Too many levels of symbolic links; the configuration from before stays in use until it is back"
        self.assertEqual([f"error: FILE: {complaint}"], self.watch())
        self.assert_answers("one")
        self.replace(TWO)
        self.assertEqual(["info: FILE is loaded: 1 statement, 1 account"], self.watch())

    def test_older(self) -> None:
        """An older file put back is a change."""
        self.replace(TWO)
        os.utime(self.path, (0, 0))
        self.watch()
        self.assert_answers("two")

    def test_in_place(self) -> None:
        """A file that is written in its place is a change."""
        inode = self.path.stat().st_ino
        self.path.write_text(TWO, "utf-8")
        self.assertEqual(self.path.stat().st_ino, inode)
        self.watch()
        self.assert_answers("two")

    def test_same_time_and_size(self) -> None:
        """A file of the same size and time is a change when it is another file."""
        status = self.path.stat()
        self.replace(ONE.replace("one", "two"))
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.watch()
        self.assert_answers("two")

    def test_permissions(self) -> None:
        """A file is looked at again when its permissions were changed: it may have been unreadable."""
        before = fingerprint(str(self.path))
        while fingerprint(str(self.path)) == before:  # until the file system's clock goes on
            self.path.chmod(0o600)
        self.assertEqual(self.watch(), ["info: FILE is loaded: 1 statement, 1 account"])

    def test_quick_succession(self) -> None:
        """A change during a load is loaded after it; never do two loads run at once."""
        self.replace(BAD)
        self.clock.advance(2)
        self.replace(TWO)
        for _ in range(3):
            self.clock.advance(2)
            self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run()
        self.assertEqual(len(self.came_into_use), 2)
        self.assert_answers("two")
        self.clock.advance(2)
        self.assertEqual(self.threads.waiting, [])

    def test_change_after_it_was_read(self) -> None:
        """A change that comes when the file was read already, but is not in use yet, is seen."""
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

    def test_at_once(self) -> None:
        """A load that is asked for does not wait for the watch, and needs no change."""
        self.service.load()
        self.threads.run()
        self.assertEqual(len(self.came_into_use), 1)
        self.replace(TWO)
        self.service.load()
        self.threads.run()
        self.assert_answers("two")
        self.clock.advance(2)
        self.assertEqual(self.threads.waiting, [])

    def test_asked_for_during_a_load(self) -> None:
        """However often a load is asked for while one runs, one more follows."""
        for _ in range(3):
            self.service.load()
        self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run()
        self.assertEqual(len(self.came_into_use), 2)

    def test_asked_for_while_the_old_one_goes(self) -> None:
        """A load that is asked for while the configuration from before is given up follows, too."""
        self.service.load()
        self.threads.run_one()
        self.assertEqual((len(self.came_into_use), len(self.threads.waiting)), (1, 1))
        self.service.load()
        self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run()
        self.assertEqual(len(self.came_into_use), 2)

    def test_forgotten(self) -> None:
        """Of a configuration and its hooks nothing stays behind when the next is in use."""
        module = self.path.with_name("forgotten_hooks.py")
        module.write_text(HOOKS + "class Table: pass\nreload.table = Table()\n", "utf-8")
        self.replace("PROCESSOR: forgotten_hooks\n" + ONE)
        self.watch()
        before = self.current.snapshot
        assert isinstance(before.hooks, Hooks)
        traces = [weakref.ref(each) for each in (before, before.configuration.policy, before.hooks._preprocess)]
        del before
        self.replace(TWO)
        self.watch()
        self.came_into_use.clear()
        self.assertEqual([trace() for trace in traces], [None] * 3)

    def test_hooks(self) -> None:
        """A PROCESSOR takes effect, stays as it was when a later one fails, and is loaded anew with the next."""
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
                "error: FILE has errors; the configuration from before stays in use\n"
                f"FILE:1:1: the module reload_hooks ({module}): reload() raised OSError: no such table (line 5)\n"
                "PROCESSOR: reload_hooks\n"
                "^"
            ],
        )
        self.assertEqual(self.ask("one-shop-4"), "hooked-one")

        module.write_text(HOOKS.replace("hooked", "rehooked"), "utf-8")
        self.service.load()
        self.threads.run()
        self.assertEqual(self.ask("two-shop-4"), "rehooked-two")

        self.replace(ONE)
        self.watch()
        self.assert_answers("one")

    def test_unforeseen(self) -> None:
        """Whatever a load raises, it is in the log, the old configuration stays, and the next is loaded."""

        def no_memory(function: Callable[[], Result], /) -> Deferred[Result]:
            return fail(MemoryError())

        path = str(self.path)
        service = AliasService(path, fingerprint(path), self.current, [], self.clock, no_memory)
        service.load()
        service.load()
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 2)
        self.assert_answers("one")

    def test_no_threads(self) -> None:
        """A load that cannot even begin does not stand in the way of the next."""

        def no_thread(function: Callable[[], Result], /) -> Deferred[Result]:
            raise RuntimeError("can't start new thread")

        path = str(self.path)
        service = AliasService(path, fingerprint(path), self.current, [], self.clock, no_thread)
        service.load()
        service.load()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_effect_fails(self) -> None:
        """An effect that fails is in the log, and the new configuration in use."""

        def fail(configuration: Configuration) -> None:
            raise ZeroDivisionError

        path = str(self.path)
        service = AliasService(path, fingerprint(path), self.current, [fail], self.clock, self.threads)
        for text in (TWO, ONE, TWO):
            self.replace(text)
            service.load()
            self.threads.run()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_answers("two")

    def test_watch_fails(self) -> None:
        """A look at the file that fails is in the log, and the next one is made."""
        service = AliasService("\0", MissingFile(""), self.current, [], self.clock, self.threads)
        service.startService()
        self.clock.advance(2)
        self.clock.advance(2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    def test_stop(self) -> None:
        """A service that was stopped watches no more, until it is started again."""
        self.assertIsNone(self.service.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.replace(TWO)
        self.service.startService()
        self.watch()
        self.assert_answers("two")

    def test_stop_during_a_long_load(self) -> None:
        """A load that does not end, since a hook takes its time, keeps nobody waiting for longer than 1.5 s."""
        self.replace(TWO)
        self.clock.advance(2)
        stopped = self.service.stopService()
        assert stopped is not None
        self.clock.advance(1.4)
        self.assertNoResult(stopped)
        self.clock.advance(0.2)
        self.assertIsNone(self.successResultOf(stopped))
        self.threads.run()
        self.assert_answers("one")

    def test_stop_during_a_load(self) -> None:
        """The service has stopped when the load has; the load is abandoned, and nothing follows."""
        self.replace(TWO)
        self.clock.advance(2)
        self.service.load()
        stopped = self.service.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        with capturedLogs() as events:
            self.threads.run()
        self.assertIsNone(self.successResultOf(stopped))
        self.assertEqual((list(events), self.threads.waiting), ([], []))
        self.assert_answers("one")
