"""Tests of ``trualias.monitoring.status``, ``trualias.server.status_service`` and ``trualias status``."""

import os
from io import BytesIO, StringIO
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.configuration import parse_configuration
from trualias.main import run
from trualias.monitoring.status import Status, UnusableStatus, boot_id, status_clock
from trualias.monitoring.status_files import StatusFile, read_status
from trualias.server.status_service import StatusService
from trualias.state_files import LARGEST
from trualias.testing.workers import QueueingWorker

STATUS = Status(
    pid=4711,
    boot="this boot",
    written=1000.0,
    started=1_000_000_000.0,
    path="/etc/a.conf",
    loaded_at=1_000_000_100.0,
    size="1 statement, 1 account",
    current=True,
    fallback="",
    problem="",
)

OWN = evolve(STATUS, pid=os.getpid())
"""The status of this process."""


def fresh(status: Status) -> bytes:
    """Return the text of a status of this boot, which was written ``status.written`` seconds ago."""
    return evolve(status, boot=boot_id(), written=status_clock() - status.written).to_json()


class StatusTests(SynchronousTestCase):
    """The text of a status, and its age."""

    def test_json(self) -> None:
        """A status that was written is read."""
        self.assertEqual(STATUS, Status.from_json(STATUS.to_json()))
        adopted = evolve(STATUS, addresses={"systemd:domain=INET:index=0": "tcp:3048:interface=127.0.0.1"})
        self.assertEqual(adopted, Status.from_json(adopted.to_json()))

    def test_unusable(self) -> None:
        """Other texts are no status."""
        for content in (
            b"",
            b"{}",
            b"[]",
            STATUS.to_json()[:-5],
            STATUS.to_json().replace(b"4711", b'"x"'),
            b"\xff",
            STATUS.to_json().replace(b"{}", b"[]"),
            STATUS.to_json().replace(b"4711", b"1e999"),
            STATUS.to_json().replace(b'"started": ', b'"started": 1e30'),
            STATUS.to_json().replace(b'"loaded_at": ', b'"loaded_at": 9' + b"9" * 30),
            b"[" * 100_000,
        ):
            self.assertRaises(UnusableStatus, Status.from_json, content)

    def test_fresh(self) -> None:
        """A status is fresh for 30 s, in the boot that it was written in."""
        for boot, now, age, fresh in (
            ("this boot", 1000.0, 0.0, True),
            ("this boot", 1030.0, 0.0, True),
            ("this boot", 1030.1, 0.0, False),
            ("this boot", 999.0, 0.0, False),
            # The time of day was set.
            ("this boot", 1000.0, 7200.0, True),
            ("another boot", 1000.0, 7200.0, False),
            # Another id of the same boot, in a container.
            ("another boot", 1000.0, 0.0, True),
            ("another boot", 1030.1, 0.0, False),
        ):
            self.assertEqual(fresh, STATUS.is_fresh(boot, now, age), (boot, now, age))

    def test_clock(self) -> None:
        """The clock and the boot are the same for all processes."""
        self.assertLessEqual(status_clock(), status_clock())
        self.assertEqual(boot_id(), boot_id())


class StateTestCase(SynchronousTestCase):
    """A state directory."""

    def setUp(self) -> None:
        """Make the directory."""
        self.state = Path(self.mktemp()).absolute()
        self.state.mkdir(mode=0o700)
        self.path = Path(self.file().path)

    def file(self, table: str = "table", configuration: str = STATUS.path) -> StatusFile:
        """Return the file of a server's status."""
        return StatusFile(str(self.state), table, configuration)


class StatusServiceTests(StateTestCase):
    """The writing of the status."""

    def setUp(self) -> None:
        """Start a service."""
        super().setUp()
        self.clock = Clock()
        self.worker = QueueingWorker()
        self.service = StatusService(
            self.file(), self.clock, self.worker, lambda: evolve(OWN, written=self.clock.seconds())
        )
        self.service.startService()

    def written(self) -> float:
        """Return the time of the last status."""
        return Status.from_json(self.path.read_bytes()).written

    def test_written(self) -> None:
        """The status is written when the reactor runs, and every ten seconds from then on."""
        self.assertEqual([], self.worker.waiting)
        self.clock.advance(0)
        self.worker.run_all()
        self.assertEqual(0, self.written())
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.clock.advance(9.9)
        self.assertEqual([], self.worker.waiting)
        self.clock.advance(0.1)
        self.worker.run_all()
        self.assertEqual(10, self.written())

    def test_loads(self) -> None:
        """The status is written after each load, good or failed, and once more if a write was on its way."""
        configuration = parse_configuration("", "a.conf")
        self.clock.advance(0)
        self.worker.run_all()
        for seconds, event in ((1, lambda: self.service.applied(configuration)), (2, self.service.failed)):
            self.clock.advance(1)
            event()
            self.worker.run_all()
            self.assertEqual(seconds, self.written())
        self.service.failed()
        self.clock.advance(1)
        self.service.applied(configuration)
        self.assertEqual(1, len(self.worker.waiting))
        self.worker.run_all()
        self.assertEqual(3, self.written())
        self.successResultOf(self.stop())
        self.service.failed()
        self.assertEqual([], self.worker.waiting)

    def stop(self) -> "Deferred[None]":
        """Stop the service, and let the worker remove the file."""
        stopped = self.service.stopService()
        self.worker.run_all()
        return stopped

    def test_hung(self) -> None:
        """A write that hangs for 20 s is abandoned, and the next one begins."""
        self.clock.advance(0)
        self.clock.advance(10)
        self.assertEqual((1, 0), (len(self.worker.waiting), len(self.worker.hung)))
        with capturedLogs() as events:
            self.clock.advance(10)
        self.assertEqual((1, 1), (len(self.worker.waiting), len(self.worker.hung)))
        self.assertIn("the status cannot be written", formatEvent(events[0]))
        self.worker.run_all()
        self.assertEqual(20, self.written())

    def test_failure(self) -> None:
        """A status that cannot be written is logged once."""
        self.state.rename(self.state.with_name("away"))
        with capturedLogs() as events:
            for _ in range(3):
                self.clock.advance(10)
                self.worker.run_all()
        [event] = events
        self.assertIn(f"the status cannot be written to {self.path}", formatEvent(event))

    def test_stop(self) -> None:
        """The file is removed when the service stops, which takes at most 0.5 s; that of another server is not."""
        self.clock.advance(0)
        self.worker.run_all()
        stopped = self.service.stopService()
        self.assertNoResult(stopped)
        self.worker.run_all()
        self.assertIsNone(self.successResultOf(stopped))
        self.assertFalse(self.path.exists())
        self.service.startService()
        stopped = self.service.stopService()
        self.clock.advance(0.5)
        self.assertIsNone(self.successResultOf(stopped))
        self.assertEqual([], self.clock.getDelayedCalls())
        self.worker.run_all()
        for content, is_left in ((evolve(OWN, pid=OWN.pid + 1).to_json(), True), (b"damaged", False)):
            self.service.startService()
            self.path.write_bytes(content)
            self.service.stopService()
            self.worker.run_all()
            self.assertEqual(is_left, self.path.exists())


class StatusFileTests(StateTestCase):
    """The statuses of several servers in one state directory."""

    def names(self) -> list[str]:
        """Return the names in the state directory."""
        return sorted(os.listdir(self.state))

    def test_two_servers(self) -> None:
        """Servers of one table with different configurations have a status each, which the end of the other leaves."""
        first, second = self.file(), self.file("table", "/etc/b.conf")
        first.write(fresh(evolve(OWN, written=0.0)))
        second.write(fresh(evolve(OWN, written=0.0, path="/etc/b.conf")))
        self.assertEqual(["table-788121c32be8.status", "table-d3a3fa992a6f.status"], self.names())
        second.remove()
        self.assertEqual([Path(first.path).name], self.names())

    def test_left(self) -> None:
        """The first write removes a status by the name of earlier versions, and those of files that are gone."""
        here = self.state / "here.conf"
        here.write_text("")
        own = Path(self.path).name
        for name, status, is_left in (
            ("table.status", evolve(STATUS, written=0.0), False),
            ("table.status", evolve(STATUS, written=0.0, path="/gone.conf"), True),
            ("table-0.status", evolve(STATUS, written=0.0, path="/gone.conf"), True),
            ("table-0.status", evolve(STATUS, written=60.0, path="/gone.conf"), False),
            ("table-0.status", evolve(STATUS, written=60.0, path=str(here)), True),
            ("table-0.status", evolve(STATUS, written=60.0, path=f"{here}/below"), True),
            ("virtual.status", evolve(STATUS, written=60.0), True),
            ("table-0.kept", evolve(STATUS, written=60.0), True),
        ):
            (self.state / name).write_bytes(fresh(status))
            self.file().write(OWN.to_json())
            self.assertEqual(is_left, name in self.names(), (name, status))
            self.assertIn(own, self.names())
            (self.state / name).unlink(missing_ok=True)
        (self.state / "table.status").write_bytes(b"damaged")
        file = self.file()
        file.write(OWN.to_json())
        self.assertEqual(["here.conf", own], self.names())
        (self.state / "table.status").write_bytes(fresh(evolve(STATUS, written=0.0)))
        file.write(OWN.to_json())
        self.assertEqual(["here.conf", own, "table.status"], self.names())

    def test_removed_by_another(self) -> None:
        """The first write succeeds if another server removes what is left at the same time."""

        class _Late(StatusFile):
            def _is_left(self, path: str) -> bool:
                is_left = super()._is_left(path)
                os.unlink(path)
                return is_left

        (self.state / "table.status").write_bytes(b"damaged")
        _Late(str(self.state), "table", STATUS.path).write(OWN.to_json())
        self.assertEqual([Path(self.path).name], self.names())

    def test_largest(self) -> None:
        """A file of more than 16 MiB is no status, and its end is not read."""
        self.path.write_bytes(OWN.to_json() + b" " * LARGEST)
        self.assertRaises(UnusableStatus, read_status, str(self.path))
        self.path.write_bytes(OWN.to_json())
        self.assertEqual(OWN, read_status(str(self.path))[0])


class StatusCommandTests(StateTestCase):
    """``trualias status``."""

    def status(self, *tables: str) -> tuple[int, str]:
        """Run the command; return its exit status and its output."""
        output = StringIO()
        status = run(["status", "--state", str(self.state), *tables], Terminal(BytesIO(), output, StringIO()))
        return status, output.getvalue()

    def test_unusable_configuration(self) -> None:
        """A configuration that cannot be used does not say that no server runs."""
        errors = StringIO()
        status = run(["status", "-c", "/nonexistent"], Terminal(BytesIO(), StringIO(), errors))
        self.assertEqual(
            (
                2,
                "/nonexistent: cannot be read: No such file or directory\n"
                "a server that runs already keeps the configuration that it has loaded before; without -c, trualias "
                "status shows whether it runs\n",
            ),
            (status, errors.getvalue()),
        )

    def test_option(self) -> None:
        """``--state-directory`` is the name for the commands of the store, ``--state`` that of the servers."""
        output = StringIO()
        command = ["status", "--state-directory", str(self.state)]
        status = run(command, Terminal(BytesIO(), output, StringIO()))
        self.assertEqual(self.status(), (status, output.getvalue()))

    def write(self, table: str, status: Status) -> None:
        """Write the status of a server of this boot."""
        self.file(table, status.path).write(fresh(status))

    def test_none(self) -> None:
        """Without a server the exit status is 1."""
        self.assertEqual((1, "table: not running\nvirtual: not running\n"), self.status())

    def test_running(self) -> None:
        """A running server is enough, unless other tables are named."""
        self.write("virtual", evolve(STATUS, written=0.0))
        status, output = self.status()
        self.assertEqual(0, status)
        self.assertRegex(
            output,
            r"\Atable: not running\nvirtual: running since 2001-09-0\d \d\d:\d\d:\d\d \(process 4711\), "
            r"1 statement, 1 account: /etc/a\.conf, loaded 2001-09-0\d \d\d:\d\d:\d\d\n\Z",
        )
        self.assertEqual(0, self.status("virtual")[0])
        self.assertEqual((1, "table: not running\n"), self.status("table"))
        self.assertEqual(1, self.status("table", "virtual")[0])
        self.write("table", evolve(STATUS, written=0.0))
        self.assertEqual(0, self.status("table", "virtual")[0])

    def test_two_servers(self) -> None:
        """Each server of a table has a line, and all of them must run."""
        first, second = evolve(STATUS, written=0.0), evolve(STATUS, written=0.0, path="/etc/b.conf")
        self.write("table", first)
        self.write("table", second)
        status, output = self.status("table")
        self.assertEqual((0, 2), (status, output.count("table: running since ")))
        self.assertIn("/etc/a.conf", output)
        self.assertIn("/etc/b.conf", output)
        self.write("table", evolve(second, written=31.0))
        status, output = self.status("table")
        self.assertEqual((1, 1, 1), (status, output.count("table: running"), output.count("table: hangs")))
        self.assertEqual(1, self.status()[0])

    def test_unreadable_directory(self) -> None:
        """A state directory that cannot be read does not look like one without servers."""
        self.state = self.state / "file"
        self.state.write_text("")
        text = f"unknown: {self.state} cannot be read: Not a directory"
        self.assertEqual((1, f"table: {text}\nvirtual: {text}\n"), self.status())

    def test_hung(self) -> None:
        """A server that has not written for 30 s hangs, and makes the exit status 1."""
        self.write("virtual", evolve(STATUS, written=0.0))
        self.write("table", evolve(STATUS, written=31.0))
        status, output = self.status()
        self.assertEqual(1, status)
        self.assertIn("table: hangs, or ended without notice; its last status was: running since", output)
        self.assertEqual(0, self.status("virtual")[0])

    def test_configuration(self) -> None:
        """A kept copy and a failed load are shown and leave the exit status; a closed endpoint changes it."""
        for changed, status, text in (
            ({"fallback": "the copy of today"}, 0, "the copy of today of /etc/a.conf, since the file cannot be used"),
            ({"current": False}, 0, "; the last change was not loaded"),
            ({"problem": "not listening on tcp:1"}, 1, "virtual: not listening on tcp:1 (process 4711, since "),
            ({"problem": "not listening on tcp:1"}, 1, "): /etc/a.conf\n"),
        ):
            self.write("virtual", evolve(STATUS, written=0.0, **changed))
            found, output = self.status()
            self.assertEqual(status, found)
            self.assertIn(text, output)

    def test_damaged(self) -> None:
        """A damaged or unreadable file makes the exit status 1."""
        self.write("virtual", evolve(STATUS, written=0.0))
        self.path.write_bytes(b"{}")
        self.assertEqual((1, f"table: unknown: {self.path} is damaged\n"), self.status("table"))
        self.assertEqual(1, self.status()[0])
        self.path.unlink()
        self.path.mkdir()
        expected = f"table: unknown: {self.path} cannot be read: Is a directory\n"
        self.assertEqual((1, expected), self.status("table"))

    def test_unknown_table(self) -> None:
        """An unknown table is a wrong argument."""
        error = self.assertRaises(SystemExit, self.status, "tabel")
        self.assertEqual(2, error.code)
