"""Tests of a server whose configuration file hangs, as on NFS, FUSE or a failing disk."""

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias.testing
from trualias.testing.live import PATIENCE, LiveServer, free_port, wait_until
from trualias.testing.requirements import require_program

SOURCE = Path(trualias.testing.__file__).with_name("hanging_stat.c")

CONFIGURATION = "ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();\n"


class HangingFileTests(SynchronousTestCase):
    """A server in a process, whose stat(2) hangs."""

    def setUp(self) -> None:
        """Start a server in which stat(2) of the configuration hangs while a certain file exists."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        library = folder / "hanging_stat.so"
        compile = (require_program("gcc"), "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE))
        subprocess.run(compile, check=True, timeout=PATIENCE)
        self.path, self.switch = folder / "tried.conf", folder / "hang"
        port, metrics = free_port(), free_port()
        self.settings = f"PORT: {port}\nMETRICS: 127.0.0.1:{metrics}\n"
        self.url = f"http://127.0.0.1:{metrics}/metrics"
        self.path.write_text(self.settings + CONFIGURATION, "utf-8")
        environment = {
            "LD_PRELOAD": str(library),
            "HANGING_PATH": str(self.path),
            "HANGING_SWITCH": str(self.switch),
        }
        self.server = LiveServer(("trualias-table", "-c", str(self.path)), folder, port, environment)
        self.addCleanup(self.server.kill)
        self.server.start()

    def is_unreachable(self) -> bool:
        """Return whether the metrics say that the file cannot be examined."""
        with urllib.request.urlopen(self.url, timeout=PATIENCE) as response:
            return "trualias_configuration_unreachable 1.0" in response.read().decode()

    def slowest_reply(self, seconds: float) -> float:
        """Send requests one after the other for a time; return the seconds that the slowest reply took."""
        slowest, end = 0.0, time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            self.assertEqual(b"200 foo\n", self.server.ask(b"get foo-shop-4"))
            slowest = max(slowest, time.monotonic() - begun)
        return slowest

    def test_hanging_stat(self) -> None:
        """Lookups and SIGTERM are not delayed; log and metrics report it after 10 s; a change is loaded afterwards."""
        self.switch.touch()
        # On an idle machine 1 ms. A reactor whose thread hangs would not answer at all.
        self.assertLess(self.slowest_reply(5), 1)
        wait_until(self.is_unreachable, "the metric", lambda: self.server.log)
        self.assertIn("cannot be examined: its filesystem has not responded for 10 s", self.server.log)
        self.path.write_text(self.settings + CONFIGURATION.replace("foo", "new"), "utf-8")
        self.switch.unlink()
        wait_until(lambda: self.server.ask(b"get new-shop-4") == b"200 new\n", "a reload", lambda: self.server.log)
        wait_until(lambda: not self.is_unreachable(), "the metric", lambda: self.server.log)

    def test_stop(self) -> None:
        """SIGTERM ends the server within 2 s while both an examination and a load hang."""
        self.path.write_text(self.settings + CONFIGURATION.replace("foo", "new"), "utf-8")
        self.switch.touch()
        time.sleep(2.5)
        begun = time.monotonic()
        os.kill(self.server.pid, signal.SIGTERM)
        self.server.wait()
        self.assertLess(time.monotonic() - begun, 2)
