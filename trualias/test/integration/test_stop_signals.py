"""Tests of ``trualias.server.stop_signals`` and of the log's queue, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.protocols.wire import FAULT
from trualias.testing.live import ENVIRONMENT, PATIENCE, TWISTD, LiveServer, free_port, is_serving, wait_until

STATEMENT = "ACCOUNT foo MATCHES %account%-%alpha%.%code% WITH CHARS();"

HOOKS = """
import ctypes
import re
import time

ACCOUNTS = ALIASES = frozenset()


def preprocess(alias, domain=None):
    if alias == "raise":
        raise ValueError("nothing")
    if alias == "loop":
        while True:
            pass
    if alias == "sleep":
        time.sleep(1000)
    if alias == "deadlock":
        # Does not return when a signal arrives, and other threads run meanwhile.
        mutex = ctypes.create_string_buffer(64)
        while True:
            ctypes.CDLL(None).pthread_mutex_lock(mutex)
    if alias == "backtrack":
        re.match("(a+)+b", 60 * "a")
    return alias, domain


def postprocess(account, domain=None):
    return account, domain


def reload():
    pass
"""

LOGGED = "the lookup of 'raise' failed"

LIMIT = 2.0
"""Seconds from SIGTERM to the end of the process, as documented."""

OVERHEAD = 2.0
"""More seconds that a test allows on a busy machine."""


class EndTests(SynchronousTestCase):
    """Signals to a server that is blocked."""

    def setUp(self) -> None:
        """Write the configuration and the hooks."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.port = free_port()
        (self.folder / "a.conf").write_text(f"PORT: {self.port}\nPROCESSOR: hooks\n{STATEMENT}\n", "utf-8")
        (self.folder / "hooks.py").write_text(HOOKS, "utf-8")

    def start(self, *arguments: str, output: int) -> subprocess.Popen[bytes]:
        """Start a server with *output* as its output; return when it serves."""
        process = subprocess.Popen(
            (*TWISTD, "--nodaemon", "--pidfile=", *arguments, "trualias-table", "-c", "a.conf"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=output,
            stderr=output,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: process.poll() is not None or is_serving(self.port), "a server at work")
        return process

    def assert_ends(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM, status: int = 0) -> None:
        """Send a signal; assert the exit status, and that the process ends in time."""
        started = time.monotonic()
        process.send_signal(number)
        self.assertEqual(status, process.wait(PATIENCE))
        self.assertLess(time.monotonic() - started, LIMIT + OVERHEAD)

    def log_failures(self, number: int) -> None:
        """Send *number* requests for which the hook raises an exception; each is logged with its traceback."""
        address = "127.0.0.1", self.port
        with socket.create_connection(address, PATIENCE) as client, client.makefile("rb") as replies:
            for _ in range(number):
                client.sendall(b"get raise\n")
                self.assertEqual(FAULT, replies.readline())

    def test_blocked_log(self) -> None:
        """If nothing reads the log, lookups continue, SIGTERM ends the process, and all that fits is written."""
        for arguments in (
            (),
            ("--logger", "trualias.observers.journal"),
            ("--logger", "trualias.observers.json_lines"),
        ):
            reader, writer = os.pipe()
            try:
                process = self.start(*arguments, output=writer)
                os.close(writer)
                self.log_failures(3_000)
                self.assert_ends(process)
                self.assertIn(LOGGED.encode(), os.read(reader, 60_000))
            finally:
                os.close(reader)

    def test_log_is_written(self) -> None:
        """The log of a process that ends has all messages, including the last ones."""
        with open(self.folder / "log", "wb") as output:
            process = self.start(output=output.fileno())
        self.log_failures(200)
        self.assert_ends(process)
        log = (self.folder / "log").read_text("utf-8")
        self.assertEqual(200, log.count(LOGGED))
        self.assertIn("Received SIGTERM, shutting down.\n", log)
        self.assertTrue(log.endswith("Server Shut Down.\n"), log)

    def test_daemon(self) -> None:
        """A daemon writes its complete log, from the first message to the last."""
        subprocess.run(
            (*TWISTD, "--pidfile=pid", "--logfile=log", "trualias-table", "-c", "a.conf"),
            cwd=self.folder,
            env=ENVIRONMENT,
            timeout=PATIENCE,
            check=True,
        )
        wait_until(lambda: is_serving(self.port), "a server at work")
        self.log_failures(3)
        os.kill(int((self.folder / "pid").read_text("ascii")), signal.SIGTERM)
        log = self.folder / "log"
        wait_until(lambda: log.read_text("utf-8").endswith("Server Shut Down.\n"), "the end of the log")
        lines = log.read_text("utf-8").splitlines()
        self.assertIn("starting up.", lines[0])
        self.assertEqual(3, sum(LOGGED in line for line in lines))

    def test_hooks(self) -> None:
        """A hook that does not return does not prevent the end of the process, and the log has its position."""
        for key in (b"loop", b"sleep", b"deadlock"):
            log = self.folder / key.decode()
            with log.open("wb") as output:
                process = self.start(output=output.fileno())
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
                client.sendall(b"get " + key + b"\n")
                client.settimeout(0.5)
                self.assertRaises(TimeoutError, client.recv, 1)
                self.assert_ends(process)
            self.assertRegex(
                log.read_text("utf-8"),
                r"has not stopped 1\.7 s after SIGTERM, and ends now: its thread is in \S*hooks\.py, line \d+\n",
            )

    def test_hook_keeps_the_interpreter(self) -> None:
        """SIGALRM ends a hook that holds the interpreter, so that no other thread runs, but handles signals."""
        with open(self.folder / "log", "wb") as output:
            process = self.start(output=output.fileno())
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(b"get backtrack\n")
            client.settimeout(0.5)
            self.assertRaises(TimeoutError, client.recv, 1)
            self.assert_ends(process, status=-signal.SIGALRM)

    def test_second_signal(self) -> None:
        """A second SIGTERM changes nothing, and leaves no traceback."""
        server = LiveServer(("trualias-table", "-c", "a.conf"), self.folder, self.port)
        self.addCleanup(server.kill)
        server.start()
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(b"get raise\n")
            self.assertEqual(FAULT, client.recv(100))
            os.kill(server.pid, signal.SIGTERM)
            wait_until(lambda: "Received SIGTERM" in server.log, "the signal in the log")
            os.kill(server.pid, signal.SIGTERM)
        server.wait()
        self.assertNotIn("ReactorNotRunning", server.log)
        self.assertEqual(1, server.log.count("Traceback"))
        self.assertEqual(1, server.log.count("Received SIGTERM"))

    def test_interrupt(self) -> None:
        """On SIGINT the process ends by that signal, as programs do, and the log is complete."""
        with open(self.folder / "log", "wb") as output:
            process = self.start(output=output.fileno())
        self.assert_ends(process, signal.SIGINT, -signal.SIGINT)
        self.assertTrue((self.folder / "log").read_text("utf-8").endswith("Server Shut Down.\n"))
