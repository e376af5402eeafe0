"""Tests of ``trualias serve``, and of ``trualias status -c`` with the server that it runs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT, PATIENCE, free_port, is_serving, wait_until

POLICY = """\
ACCOUNT foo
MATCHES %account%-%ident%-%code%
WITH CHAR(1,-), CHARS();
EXPECT foo-macys-m5 foo;
EXPECT foo-macys-m6 NOTHING;
"""

VIRTUAL = "ALIAS DOMAINS: example.com\n{}EXPECT foo-macys-m5@example.com foo;\n"


class ServeTestCase(SynchronousTestCase):
    """A configuration in a folder with a short path, as a unix socket needs."""

    def setUp(self) -> None:
        """Make the folder."""
        self.folder = Path(tempfile.mkdtemp(prefix="trualias-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = self.folder / "trualias.conf"
        self.port = free_port()

    def write(self, text: str) -> None:
        """Write the configuration with a free port."""
        self.path.write_text(f"PORT: {self.port}\n{text}")

    def serve(self, redirection: str = "") -> "subprocess.Popen[bytes]":
        """Start the server with its output in ``server.log``, unless the shell redirects it; return when it serves."""
        log = self.folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ("sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAM, "serve", "-c", str(self.path)),
                env=ENVIRONMENT,
                stdout=output,
                stderr=output,
            )
        self.addCleanup(self._end, process)
        wait_until(lambda: process.poll() is not None or is_serving(self.port), "a server", log.read_text)
        self.assertIsNone(process.poll(), log.read_text())
        return process

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE)

    def status(self, *arguments: str) -> tuple[int, str]:
        """Run ``trualias status -c`` with an empty state directory; return its exit status and its output."""
        output = StringIO()
        command = ("status", "-c", str(self.path), "--state", str(self.folder), *arguments)
        return run(command, Terminal(BytesIO(), output, output)), output.getvalue()


class ServeTests(ServeTestCase):
    """A server, and its status by its sockets."""

    def test_table(self) -> None:
        """A file without ALIAS DOMAINS is served by the table server, which ends by Ctrl-C; all listeners answer."""
        metrics, path = free_port(), self.folder / "table.sock"
        self.write(f"METRICS: 127.0.0.1:{metrics}\nLISTEN: socketmap unix:{path}:mode=600\nHOST: 127.0.0.1\n{POLICY}")
        process = self.serve()
        log = (self.folder / "server.log").read_text()
        self.assertTrue(log.startswith(f"trualias-table serves {self.path}; Ctrl-C stops it.\n"), log)
        status, output = self.status()
        when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        self.assertRegex(
            output,
            rf"\Atcp_table tcp:{self.port}:interface=127\.0\.0\.1: answers as the file says \(2 lookups\)\n"
            rf"socketmap unix:{path}:mode=600: answers as the file says \(2 lookups\)\n"
            rf"metrics 127\.0\.0\.1:{metrics}: running since {when}, 1 statement, 1 account, loaded {when}\n\Z",
        )
        self.assertEqual(0, status)
        process.send_signal(signal.SIGINT)
        self.assertEqual(-signal.SIGINT, process.wait(PATIENCE))
        self.assertEqual(
            (
                1,
                f"tcp_table tcp:{self.port}:interface=127.0.0.1: no connection: Connection refused\n"
                f"socketmap unix:{path}:mode=600: no connection: No such file or directory\n"
                f"metrics 127.0.0.1:{metrics}: no metrics: Connection refused\n",
            ),
            self.status(),
        )

    def test_without_log(self) -> None:
        """The server answers also if its streams are closed, or their disk is full."""
        self.write(POLICY)
        for redirection in ("<&- >&- 2>&-", ">/dev/full 2>&1"):
            process = self.serve(redirection)
            self.assertEqual(0, self.status()[0], redirection)
            process.send_signal(signal.SIGINT)
            self.assertEqual(-signal.SIGINT, process.wait(PATIENCE), redirection)

    def test_virtual(self) -> None:
        """A file with ALIAS DOMAINS is served by the virtual server; a server with another policy is found out."""
        self.write(VIRTUAL.format(POLICY))
        process = self.serve()
        running = rf"virtual: running since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \(process {process.pid}, \S+\)\n"
        listener = f"tcp_table tcp:{self.port}:interface=127.0.0.1"
        status, output = self.status()
        self.assertEqual(0, status)
        self.assertRegex(output, rf"\A{re.escape(listener)}: answers as the file says \(3 lookups\)\n{running}\Z")
        other = self.folder / "other.conf"
        other.write_text(self.path.read_text().replace("-m5", "-5").replace("-m6", "-6").replace("CHAR(1,-), ", ""))
        self.path = other
        status, output = self.status()
        self.assertEqual(1, status)
        differs = (
            f"{listener}: answers 'foo-macys-5@example.com' with '500 not found', while the file says "
            "'200 foo@example.com': see the log\n"
        )
        self.assertRegex(output, rf"\A{re.escape(differs)}{running}\Z")
        process.terminate()
        self.assertEqual(0, process.wait(PATIENCE))

    def test_state(self) -> None:
        """Where the metrics are off, the server's status in the state directory says since when it runs."""
        self.write(POLICY)
        self.addCleanup(os.environ.pop, "STATE_DIRECTORY", None)
        ENVIRONMENT["STATE_DIRECTORY"] = str(self.folder)
        self.addCleanup(ENVIRONMENT.pop, "STATE_DIRECTORY")
        self.serve()
        wait_until(lambda: any(self.folder.glob("table-*.status")), "a status")
        status, output = self.status()
        self.assertEqual(0, status)
        self.assertRegex(output, r"\ntable: running since .* 1 statement, 1 account: .*/trualias\.conf, loaded ")
        used, self.path = self.path, self.folder / "other.conf"
        self.path.write_text(used.read_text())
        status, output = self.status()
        self.assertEqual(0, status)
        self.assertRegex(
            output, rf"\ntable: running since .*: {used}, loaded \d{{4}}-\d\d-\d\d \S+; this is not {self.path}\n\Z"
        )
        self.path.write_text("PRT: 1\n")
        used.write_text("PRT: 1\n")
        wait_until(lambda: "the last change was not loaded" in self.failed_status(used), "a failed load")

    def failed_status(self, path: Path) -> str:
        """Return what ``trualias status -c`` prints about a file that cannot be used."""
        self.path = path
        status, output = self.status()
        self.assertEqual(2, status)
        self.assertIn("unknown setting 'PRT'", output)
        return output

    def test_errors(self) -> None:
        """A configuration with errors is not served: they are printed, and the exit status is 2."""
        self.write("PRT: 1\n")
        done = subprocess.run(
            (*PROGRAM, "serve", "-c", str(self.path)), env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        self.assertEqual((2, ""), (done.returncode, done.stdout))
        self.assertIn("unknown setting 'PRT'", done.stderr)

    def test_interrupted_start(self) -> None:
        """Ctrl-C during the start ends the process without a traceback."""
        self.write(f"PROCESSOR: hooks\n{POLICY}")
        (self.folder / "hooks.py").write_text(
            "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
        )
        done = subprocess.run(
            (*PROGRAM, "serve", "-c", str(self.path)), env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        self.assertEqual((-signal.SIGINT, ""), (done.returncode, done.stderr))


class OtherProgramTests(ServeTestCase):
    """Another program at the addresses of a configuration."""

    def answer(self, reply: bytes) -> None:
        """Listen on the port, and give the first client a reply to whatever it sends."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(listener.close)

        def serve() -> None:
            with listener.accept()[0] as client:
                client.recv(1000)
                client.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, PATIENCE)

    def test_replies(self) -> None:
        """A reply that is none, no reply, and another answer are told apart."""
        for reply, text in (
            (
                b"220 mail ESMTP\r\n",
                "answers 'foo-macys-m5' with '220 mail ESMTP', while the file says '200 foo': see the log",
            ),
            (b"", "the connection was closed without a reply"),
        ):
            self.port = free_port()
            self.write(POLICY)
            self.answer(reply)
            status, output = self.status()
            self.assertEqual(
                (1, f"tcp_table tcp:{self.port}:interface=127.0.0.1: {text}"), (status, output.split("\n")[0])
            )

    def test_metrics(self) -> None:
        """A program that serves something else is not taken for the metrics."""
        self.path.write_text(f"PORT: {free_port()}\nMETRICS: 127.0.0.1:{self.port}\n{POLICY}")
        self.answer(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
        status, output = self.status()
        self.assertEqual(1, status)
        self.assertTrue(
            re.search(rf"^metrics 127\.0\.0\.1:{self.port}: another program has it$", output, re.MULTILINE), output
        )

    def test_systemd(self) -> None:
        """A socket of systemd is not known to the command."""
        self.path.write_text(f"LISTEN: tcp_table systemd:domain=INET:index=0\n{POLICY}")
        status, output = self.status()
        self.assertEqual(1, status)
        self.assertEqual(
            "tcp_table systemd:domain=INET:index=0: unknown: systemd chose the address, and no status that this "
            "user can read has it\n",
            output,
        )
