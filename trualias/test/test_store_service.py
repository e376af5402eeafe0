"""Tests of ``trualias.server.store_service``: a server with a store, from its start to a store that is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

from twisted.application.service import MultiService
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Answer, CurrentSnapshot, Deferred, DeferredReason, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.alias_states import AliasState
from trualias.monitoring.counters import LoadCounters
from trualias.server.application import Application, Reactor
from trualias.server.settings_effects import StoreGuard
from trualias.server.store_service import (
    COPY_SECONDS,
    HUNG_SECONDS,
    WATCH_SECONDS,
    StoreHealth,
    StoreReader,
    StoreService,
)
from trualias.store.records import Change
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import copy_file_name, read_states_copy
from trualias.test.states import states_of
from trualias.test.test_tap import TapTestCase
from trualias.testing.live import ENVIRONMENT
from trualias.testing.workers import ImmediateWorker, QueueingWorker

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""
KEY = "foo-macys-m5@example.com"
FOUND, REVOKED = Found("foo@example.com", "foo"), NotFound(NotFoundReason.REVOKED)


class StoreServiceTests(SynchronousTestCase):
    """The service, on a clock and a worker that a test drives."""

    def setUp(self) -> None:
        """Name a store and a copy that are not there yet."""
        self.clock = MemoryReactorClock()
        self.loads = LoadCounters()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.folder = folder
        self.use("memory.sqlite")

    def use(self, name: str, table: str = "virtual") -> None:
        """Name a store, and the copy that the server of a table keeps of it."""
        self.path = str(self.folder / name)
        self.copy = str(self.folder / copy_file_name(table, self.path))

    def start(self, worker: ImmediateWorker | QueueingWorker | None = None) -> StoreService:
        """Start a server's service, as its application does."""
        self.current = CurrentSnapshot(Snapshot(parse_configuration(CONFIGURATION, "a.conf")))
        reader = StoreReader(self.path, self.copy, self.clock.seconds)
        self.addCleanup(lambda: reader._follower._release())
        problem = reader.start()
        self.current.use_states(reader.states)
        service = StoreService(reader, problem, self.current, self.clock, worker or ImmediateWorker(), self.loads)
        service.startService()
        return service

    def change(self, state: AliasState) -> None:
        """Change the alias, as a command does."""
        store = SqliteStore(self.path)
        store.change([Change(KEY, KEY, state)], "root", 1)
        store.close()

    def answer(self) -> Answer:
        """Return the answer of the virtual table to the alias."""
        return self.current.snapshot.tables[Table.VIRTUAL](KEY)

    def wait(self, seconds: float) -> None:
        """Let the service look at the store for some seconds."""
        self.clock.pump([WATCH_SECONDS] * int(seconds / WATCH_SECONDS))

    def test_first_start(self) -> None:
        """The first start makes a store, and a copy, and says so."""
        with capturedLogs() as events:
            service = self.start()
        made = f"there was no store at {self.path}; an empty one is made, and every alias is active"
        self.assertEqual(([made], "", FOUND), ([*map(formatEvent, events)], service.problem, self.answer()))
        kept = read_states_copy(self.copy)
        assert kept is not None
        self.assertEqual((self.path, 1, {}), (kept.path, kept.position.revision, states_of(kept.states)))

    def test_change(self) -> None:
        """A change is in force within a second, and the policies stay the same."""
        self.start()
        configuration = self.current.snapshot.configuration
        self.change(AliasState.REVOKED)
        self.wait(1)
        self.assertEqual(REVOKED, self.answer())
        self.assertIs(configuration, self.current.snapshot.configuration)
        self.change(AliasState.ACTIVE)
        self.wait(1)
        self.assertEqual(FOUND, self.answer())

    def test_unchanged(self) -> None:
        """Without a change, the snapshot stays the same, and so do all cached replies."""
        self.start()
        before = self.current.snapshot
        self.wait(5)
        self.assertIs(before, self.current.snapshot)

    def test_reload(self) -> None:
        """A reload of the policies keeps the states."""
        create(self.path)
        self.change(AliasState.REVOKED)
        self.start()
        self.current.use_policies(Snapshot(parse_configuration(CONFIGURATION, "a.conf")))
        self.assertEqual(REVOKED, self.answer())

    def test_resting(self) -> None:
        """Where no mail is counted, that aliases do not end for want of mail is logged once a day."""
        create(self.path)
        store = SqliteStore(self.path)
        store.change([Change(KEY, KEY, AliasState.ACTIVE, expires_idle=1)], "root", 0)
        store.close()
        with capturedLogs() as events:
            self.start()
            self.wait(20)
        texts = [*map(formatEvent, events)]
        self.assertEqual(1, len(texts))
        self.assertIn("1 alias had no mail for the days after which they expire", texts[0] or "")
        self.assertEqual(FOUND, self.answer())

    def test_copy(self) -> None:
        """The copy has each change within five seconds."""
        self.start()
        self.change(AliasState.REVOKED)
        self.wait(COPY_SECONDS + 1)
        kept = read_states_copy(self.copy)
        self.assertEqual({KEY: AliasState.REVOKED}, states_of(kept.states) if kept else None)

    def test_copy_that_cannot_be_kept(self) -> None:
        """A copy that cannot be written is logged once; the store is used."""
        create(self.path)
        self.copy = "/nonexistent/copy"
        with capturedLogs() as events:
            service = self.start()
            self.wait(20)
        self.assertEqual("", service.problem)
        self.assertEqual(
            [
                "no copy of the states can be kept at /nonexistent/copy, and a store that loses some will not show: "
                "No such file or directory"
            ],
            [*map(formatEvent, events)],
        )

    def test_lost_store(self) -> None:
        """A lost store leaves what is in force so, is logged once, and shows in the health until it is back."""
        service = self.start()
        self.change(AliasState.REVOKED)
        self.wait(1)
        kept = Path(self.path)
        kept.rename(f"{self.path}.moved")
        problem = f"{self.path}: No such file or directory"
        with capturedLogs() as events:
            self.wait(5)
            self.assertEqual(REVOKED, self.answer())
            self.assertEqual([f"the store is not used: {problem}"], StoreHealth(service).remarks())
            self.assertIsNone(StoreHealth(service).problem())
            self.assertIs(False, self.loads.store_in_use)
            Path(f"{self.path}.moved").rename(kept)
            self.wait(1)
        self.assertEqual(([], True), (StoreHealth(service).remarks(), self.loads.store_in_use))
        self.assertEqual(
            [
                "the store is not used, and the states of aliases that are in force stay so (1 alias): " + problem,
                "the store is used again",
            ],
            [*map(formatEvent, events)],
        )

    def test_replaced_in_steps(self) -> None:
        """A store that is replaced in several steps is logged once, with the reason that stays; the health has each."""
        service = self.start()
        kept = Path(self.path)
        with capturedLogs() as events:
            kept.rename(f"{self.path}.moved")
            self.wait(0.75)
            self.assertEqual(f"{self.path}: No such file or directory", service.problem)
            create(self.path)
            self.wait(0.25)
            self.assertEqual(f"{self.path} is another store than the one in force", service.problem)
            self.wait(5)
            kept.unlink()
            self.wait(0.75)
            Path(f"{self.path}.moved").rename(kept)
            self.wait(5)
        self.assertEqual(
            [
                "the store is not used, and the states of aliases that are in force stay so (0 aliases): "
                f"{self.path} is another store than the one in force",
                "the store is used again",
            ],
            [*map(formatEvent, events)],
        )

    def test_short_absence(self) -> None:
        """A store that is away for less than a second shows in the metric, and not in the log."""
        self.start()
        with capturedLogs() as events:
            Path(self.path).rename(f"{self.path}.moved")
            self.wait(0.5)
            self.assertIs(False, self.loads.store_in_use)
            Path(f"{self.path}.moved").rename(self.path)
            self.wait(2)
        self.assertEqual(([], True), ([*map(formatEvent, events)], self.loads.store_in_use))

    def test_start_without_store(self) -> None:
        """A start whose store is gone uses the copy, and makes no empty store."""
        first = self.start()
        self.change(AliasState.REVOKED)
        self.wait(5)
        first.stopService()
        Path(self.path).unlink()
        with capturedLogs() as events:
            self.start()
        self.assertEqual((REVOKED, False, 1), (self.answer(), Path(self.path).exists(), len(events)))

    def test_two_stores(self) -> None:
        """Two servers of one table with different stores, in one state directory, each keep a copy of their own."""
        for name in ("north.sqlite", "south.sqlite"):
            self.use(name)
            create(self.path)
            first = self.start()
            self.change(AliasState.REVOKED)
            self.wait(5)
            first.stopService()
        for name in ("north.sqlite", "south.sqlite"):
            self.use(name)
            Path(self.path).unlink()
            with capturedLogs():
                self.start()
            self.assertEqual((REVOKED, False), (self.answer(), Path(self.path).exists()), name)

    def test_start_with_other_copies(self) -> None:
        """No empty store is made where a copy shows that there was one: of another server, or under another name."""
        self.start()
        first, copy = self.path, self.copy
        Path(first).unlink()
        for name, table in (("memory.sqlite", "table"), ("renamed.sqlite", "virtual")):
            self.use(name, table)
            with capturedLogs() as events:
                self.start()
            self.assertFalse(Path(self.path).exists())
            self.assertEqual(
                f"there is no store at {self.path}, and none is made, since {copy} shows that there was one, or that "
                "STORE was another one; if the store is to begin empty, make it by trualias store upgrade",
                formatEvent(events[0]),
            )
        self.use("other.sqlite", "table")
        with capturedLogs():
            self.start()
        self.assertTrue(Path(self.path).exists())

    def test_start_with_damaged_copy(self) -> None:
        """A damaged copy is logged; the store that is there is used, and one that is gone is not made anew."""
        self.start()
        self.change(AliasState.REVOKED)
        Path(self.copy).write_bytes(b"x")
        with capturedLogs() as events:
            self.start()
        self.assertEqual(
            [f"the copy of the states, {self.copy}, is not used: it is damaged or incomplete"],
            [*map(formatEvent, events)],
        )
        self.assertEqual(REVOKED, self.answer())
        Path(self.path).unlink()
        Path(self.copy).write_bytes(b"x")
        with capturedLogs():
            self.start()
        self.assertFalse(Path(self.path).exists())

    def test_lost_at_the_start(self) -> None:
        """With a store that is no database, and no copy, statements answer and other addresses wait for the store."""
        Path(self.path).write_bytes(b"x" * 4096)
        shop = "shop@example.com"
        with capturedLogs() as events:
            service = self.start()
            lookup = self.current.snapshot.tables[Table.VIRTUAL]
            self.assertEqual((FOUND, Deferred(DeferredReason.LOST)), (self.answer(), lookup(shop)))
            self.assertEqual(NotFound(NotFoundReason.NO_MATCH), lookup("foo@example.com"))
            self.assertEqual([f"the store is not used: {service.problem}"], StoreHealth(service).remarks())
            self.wait(5)
            Path(self.path).unlink()
            create(self.path)
            self.change(AliasState.REVOKED)
            self.wait(1)
        lookup = self.current.snapshot.tables[Table.VIRTUAL]
        self.assertEqual((REVOKED, NotFound(NotFoundReason.NO_MATCH)), (self.answer(), lookup(shop)))
        lost = (
            "the store is not used, and there is no copy of its states; until it is, only the statements answer, "
            "aliases that were taken back work, and other addresses get a temporary error: "
        )
        self.assertEqual(
            [f"{lost}{self.path}: file is not a database", "the store is used again"], [*map(formatEvent, events)]
        )

    def test_hung(self) -> None:
        """A store that does not respond is logged; lookups go on, and it is used when it responds."""
        worker = QueueingWorker()
        service = self.start(worker)
        with capturedLogs() as events:
            self.wait(HUNG_SECONDS + 1)
            self.assertEqual(("it does not respond", FOUND), (service.problem, self.answer()))
            self.change(AliasState.REVOKED)
            worker.run_all()
        self.assertEqual(("", REVOKED, 2), (service.problem, self.answer(), len(events)))


class GuardTests(SynchronousTestCase):
    """The reload of a file with another STORE."""

    def test_guard(self) -> None:
        """It is rejected, also if the store is dropped, or there was none."""
        with_store = parse_configuration("STORE: sqlite:m.sqlite\n", "/etc/a.conf")
        without = parse_configuration("PORT: 1\n", "/etc/a.conf")
        guard = StoreGuard(with_store)
        guard.check(with_store)
        message = "STORE cannot change while the server runs, which uses {}; restart it"
        error = self.assertRaises(ConfigurationErrors, guard.check, without)
        self.assertEqual(f"/etc/a.conf: {message.format('/etc/m.sqlite')}", str(error))
        error = self.assertRaises(ConfigurationErrors, StoreGuard(without).check, with_store)
        self.assertEqual(f"/etc/a.conf:1:1: {message.format('none')}\nSTORE: sqlite:m.sqlite\n^", str(error))


class ApplicationTests(TapTestCase):
    """A whole server."""

    def make(self, table: Table = Table.VIRTUAL) -> MultiService:
        """Make the services of a server, by default a virtual one."""
        reactor = MemoryReactorClock()
        application = Application(
            table,
            *(str(self.path), (), cast(Reactor, reactor), lambda name: ImmediateWorker(), {}, str(self.folder)),
        )
        self.snapshot = application._current
        return application.make_service()

    def test_states_before_the_first_lookup(self) -> None:
        """The states are there before the server listens."""
        self.configure("STORE: sqlite:memory.sqlite\n")
        create(str(self.folder / "memory.sqlite"))
        store = SqliteStore(str(self.folder / "memory.sqlite"))
        store.change([Change("foo-x-1@example.com", "foo-x-1@example.com", AliasState.REVOKED)], "root", 1)
        store.close()
        service = self.make()
        self.assertEqual(REVOKED, self.snapshot.snapshot.tables[Table.VIRTUAL]("foo-x-1@example.com"))
        self.assertIsNotNone(service.getServiceNamed("store"))
        self.assertIsNotNone(service.getServiceNamed("retention"))

    def test_aliases_of_one_domain(self) -> None:
        """The table server says at its start that it passes over them, where there are several domains."""
        for domains, expected in (
            (
                "example.com example.org",
                [
                    f"{self.folder}/memory.sqlite has states of 2 aliases of one domain, which the table server passes "
                    "over: its keys have no domain"
                ],
            ),
            ("example.com", []),
        ):
            self.configure(f"ALIAS DOMAINS: {domains}\nSTORE: sqlite:memory.sqlite\n")
            path = str(self.folder / "memory.sqlite")
            create(path)
            store = SqliteStore(path)
            keys = ("a@example.com", "b@example.com", "c@")
            store.change([Change(key, key, AliasState.REVOKED) for key in keys], "root", 1)
            store.close()
            with capturedLogs() as events:
                self.make(Table.LOCAL_PART)
            self.assertEqual(expected, [text for event in events if "states" in (text := formatEvent(event) or "")])

    def test_without_store(self) -> None:
        """Without STORE there is no such service, and nothing of it is imported."""
        service = self.make()
        self.assertRaises(KeyError, service.getServiceNamed, "store")
        self.assertIsNone(self.snapshot.snapshot.states)
        program = (
            "import sys\nfrom trualias.tap_virtual import Options\nfrom trualias.tap import make_service\n"
            f"options = Options()\noptions['config'] = {str(self.path)!r}\nmake_service(options)\n"
            "print([name for name in sys.modules if 'sqlite' in name or name.startswith('trualias.store')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True, timeout=60
        )
        self.assertEqual("[]\n", done.stdout)
