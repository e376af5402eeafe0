"""Tests of ``trualias.server.open_transactions``."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.locks import Lock
from trualias.lookup.recipients import Recipient
from trualias.protocols.transactions import InterruptedTransaction, InterruptedTransactions
from trualias.server.daemon_thread import Worker
from trualias.server.open_transactions import FINISH_SECONDS, TransactionFile, file_name, file_name_before
from trualias.state_files import LARGEST
from trualias.testing.workers import ImmediateWorker, QueueingWorker

ALIAS = Recipient("foo-k\xe4se-4@example.com", "Foo-K\xe4se-4@example.com", "foo", (Lock(("news.test",)),))
OPEN = InterruptedTransaction(b"50ed.6b.0\xff", {"foo-k\xe4se-4@example.com".encode(): ALIAS}, 2, 1, is_cut=True)


class TransactionFileTests(SynchronousTestCase):
    """Stops and starts of a server."""

    def setUp(self) -> None:
        """Name a file that is not there yet."""
        self.clock = Clock()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.before = folder / file_name_before("table", "/s.sqlite")
        self.path = folder / file_name("table", "/s.sqlite", "/a.conf")

    def start(self, worker: Worker | None = None) -> tuple[TransactionFile, InterruptedTransactions]:
        """Return the file, and what it has for a server that starts."""
        transactions = InterruptedTransactions()
        file = TransactionFile(str(self.path), str(self.before), transactions, self.clock, worker or ImmediateWorker())
        file.read()
        return file, transactions

    def stop(self, file: TransactionFile) -> None:
        """Stop a server."""
        self.assertIsNone(self.successResultOf(file.finish()))

    def test_handed_over(self) -> None:
        """The next start has what was open, for its user alone, and no later one."""
        first, transactions = self.start()
        transactions.put(OPEN)
        self.stop(first)
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        second, transactions = self.start()
        [found] = transactions
        expected = Recipient(ALIAS.key, ALIAS.address, ALIAS.account)
        self.assertEqual(
            (OPEN.instance, {*OPEN.aliases}, [expected], 2, 1, True),
            (found.instance, {*found.aliases}, [*found.aliases.values()], found.requests, found.others, found.is_cut),
        )
        self.stop(second)
        self.assertEqual((0, False), (len(self.start()[1]), self.path.exists()))

    def test_interrupted_again(self) -> None:
        """What a connection went on with, and is interrupted again, is handed over again."""
        first, transactions = self.start()
        transactions.put(OPEN)
        self.stop(first)
        second, transactions = self.start()
        transactions.take(OPEN.instance)
        transactions.put(OPEN)
        self.stop(second)
        self.assertEqual(1, len(self.start()[1]))

    def test_two_servers(self) -> None:
        """Servers of one table and one store with different configurations each hand over what is open."""
        own = self.path
        others = [own.parent / file_name("table", "/s.sqlite", "/b.conf"), own.parent / file_name("table", "/t", "/a")]
        for path in (own, *others):
            self.path = path
            file, transactions = self.start()
            transactions.put(OPEN)
            self.stop(file)
        self.assertEqual([1, 1, 1], [len(self._started_at(path)) for path in (own, *others)])
        self.assertEqual([0, 0, 0], [len(self._started_at(path)) for path in (own, *others)])

    def _started_at(self, path: Path) -> InterruptedTransactions:
        self.path = path
        return self.start()[1]

    def test_earlier_version(self) -> None:
        """The file of an earlier version, which all servers of a table and a store shared, is read once."""
        self.assertEqual("open-transactions-table-7f6255612b01.json", self.before.name)
        self.path, own = self.before, self.path
        file, transactions = self.start()
        transactions.put(OPEN)
        self.stop(file)
        self.path = own
        file, transactions = self.start()
        self.assertEqual([OPEN.instance], [one.instance for one in transactions])
        self.assertFalse(self.before.exists())
        self.assertEqual(0, len(self.start()[1]))
        transactions.put(evolve(OPEN, instance=b"2"))
        self.stop(file)
        self.assertEqual([b"2"], [one.instance for one in self.start()[1]])

    def test_nothing_open(self) -> None:
        """Without an open transaction there is no file."""
        self.stop(self.start()[0])
        self.assertFalse(self.path.exists())

    def test_damaged(self) -> None:
        """A file that cannot be used is logged and removed, and the server starts."""
        lost = f"mail that was under way when the server stopped is not counted: {self.path}: "
        for content, reason in (
            (b"", "it is damaged"),
            (b"[]", "it is damaged"),
            (b"[" * 100_000, "it is damaged"),
            (b'{"format": 1, "transactions": [{"instance": 3}]}', "it is damaged"),
            (b'{"format": 2}', "it is of another version of trualias"),
            (b" " * LARGEST + b'{"format": 1, "transactions": []}', "it is larger than 16 MiB"),
        ):
            self.path.write_bytes(content)
            with capturedLogs() as events:
                _, transactions = self.start()
            self.assertEqual([lost + reason], [formatEvent(event) for event in events])
            self.assertEqual((0, False), (len(transactions), self.path.exists()))
        self.path.mkdir()
        with capturedLogs() as events:
            self.start()
        self.assertEqual([f"{lost}Is a directory"], [formatEvent(event) for event in events])

    def test_not_written(self) -> None:
        """A file that cannot be written is logged, and does not keep the server from stopping."""
        self.path = self.path.parent / "nowhere" / "open.json"
        file, transactions = self.start()
        transactions.put(OPEN)
        with capturedLogs() as events:
            self.stop(file)
        lost = f"mail that is under way will not be counted, since {self.path} cannot be written: "
        self.assertEqual([f"{lost}No such file or directory"], [formatEvent(event) for event in events])

    def test_hanging_disk(self) -> None:
        """A disk that does not respond delays the stop by two seconds at most."""
        file, transactions = self.start(QueueingWorker())
        transactions.put(OPEN)
        with capturedLogs() as events:
            stopped = file.finish()
            self.clock.advance(FINISH_SECONDS - 0.1)
            self.assertNoResult(stopped)
            self.clock.advance(0.1)
            self.successResultOf(stopped)
        lost = f"mail that is under way will not be counted, since {self.path} cannot be written: "
        self.assertEqual([f"{lost}the disk does not respond"], [formatEvent(event) for event in events])
