"""Tests of the two servers in twistd."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import trualias
from trualias.test.test_tap import TapTestCase
from trualias.testing.live import PATIENCE, TWISTD, LiveServer, free_port, wait_until


class ProcessTests(TapTestCase):
    """The servers as processes."""

    def setUp(self) -> None:
        """Make this source tree importable for twistd."""
        super().setUp()
        before = os.environ.get("PYTHONPATH")
        self.addCleanup(os.environ.__setitem__ if before else os.environ.pop, "PYTHONPATH", before or "")
        os.environ["PYTHONPATH"] = str(Path(trualias.__file__).parent.parent)

    def twistd(self, *arguments: str) -> tuple[int, str, str]:
        """Run twistd with arguments with which it ends; return its exit status, output and errors."""
        done = subprocess.run(
            [*TWISTD, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        return done.returncode, done.stdout, done.stderr

    def test_imports(self) -> None:
        """A server without METRICS does not import the libraries for HTTP, which take 2 MB."""
        script = (
            "import sys, trualias.tap_table, trualias.tap_virtual\n"
            "print(sorted({'h11', 'prometheus_client', 'trualias.web'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual("[]\n", done.stdout)

    def test_import_of_the_conversion_of_domains(self) -> None:
        """A configuration with ALIAS DOMAINS loads what non-ASCII domains need, before a lookup; without, none does."""
        script = (
            "import sys\n"
            "from trualias import tap_table, tap_virtual\n"
            "from trualias.configuration import parse_configuration\n"
            "from trualias.lookup.loading import make_snapshot\n"
            "for domains in ('', 'ALIAS DOMAINS: example.com\\n'):\n"
            "    statement = 'ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHARS();'\n"
            "    tables = make_snapshot(parse_configuration(domains + statement, 'a.conf')).tables\n"
            "    before = 'idna.uts46data' in sys.modules\n"
            "    answer = tables['virtual']('foo@b\\xfccher.example')\n"
            "    print(before, 'idna.uts46data' in sys.modules, answer.reason.value)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual("False False unknown_domain\nTrue True unknown_domain\n", done.stdout)

    def test_no_configuration(self) -> None:
        """Without a configuration the message lists the default paths and the remedy."""
        if os.path.exists("/etc/trualias"):
            self.skipTest("this machine has a configuration at a default path")
        self.assertEqual(
            self.twistd("--nodaemon", "trualias-virtual"),
            (
                1,
                "",
                "There is no configuration. These places were looked at:\n"
                "    ./tcp_virtual_server.conf\n"
                "    ./trualias.conf\n"
                "    conf/tcp_virtual_server.conf\n"
                "    conf/trualias.conf\n"
                "    /etc/trualias/tcp_virtual_server.conf\n"
                "    /etc/trualias/trualias.conf\n"
                "Write one with 'trualias init', or name a file with --config FILE. 'trualias samples' prints where "
                "the commented sample, conf/tcp_virtual_server.conf.sample, is.\n",
            ),
        )

    def test_errors(self) -> None:
        """A configuration with errors prevents the start, also of a daemon; all errors are printed."""
        self.configure("PORT: x\nCASE SENSITIVE: maybe\n")
        for mode in ("--nodaemon", "--pidfile=twistd.pid"):
            self.assertEqual(
                self.twistd(mode, "trualias-table", "-c", "tried.conf"),
                (
                    1,
                    "",
                    f"{self.path}:1:7: PORT: 'x' is not a port; expected a number from 0 to 65535\n"
                    "PORT: x\n"
                    "      ^\n"
                    f"{self.path}:2:17: CASE SENSITIVE: 'maybe' is neither yes nor no\n"
                    "CASE SENSITIVE: maybe\n"
                    "                ^\n",
                ),
            )

    def test_unknown_endpoint(self) -> None:
        """An endpoint that Twisted does not understand prevents the start, and the reason is printed."""
        self.assertEqual(
            self.twistd("--nodaemon", "trualias-table", "-c", "tried.conf", "-e", "hurz:25"),
            (
                1,
                "",
                "--endpoint hurz:25 is no endpoint that can be used: unknown type 'hurz'; "
                "expected tcp, tcp6, unix, systemd or ssl\n",
            ),
        )

    def test_port_in_use(self) -> None:
        """A port in use is one line in the log, and no process id file remains."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.configure(f"PORT: {port}\n")
            status, output, errors = self.twistd("--nodaemon", "trualias-table", "-c", "tried.conf")
            self.assertEqual((status, errors), (1, ""))
            self.assertRegex(
                output,
                r"\A.* starting up\.\n.*\n.*\[trualias\.server\.listening#critical\] Cannot listen on "
                rf"tcp:{port}:interface=127\.0\.0\.1: Address already in use\n\Z",
            )
            status, output, errors = self.twistd("trualias-table", "-c", "tried.conf")
            self.assertEqual((status, output), (1, ""))
            self.assertIn(f"cannot listen on tcp:{port}:interface=127.0.0.1: Address", errors)
        # The daemon removes it at its end, after the command has reported the error.
        wait_until(lambda: not (self.folder / "twistd.pid").exists(), "no process id file", lambda: errors)

    def test_systemd(self) -> None:
        """systemd is notified of readiness, reloads, the watchdog and the stop."""
        port = free_port()
        self.configure(f"PORT: {port}\n")
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(f"{folder}/notify")
            listener.settimeout(PATIENCE)
            environment = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "400000"}
            server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port, environment)
            self.addCleanup(server.stop)
            server.start()
            ready = b"READY=1\nSTATUS=1 statement, 1 account"
            watchdog = b"WATCHDOG=1"
            self.assertEqual(listener.recv(4096), ready)
            self.assertEqual([listener.recv(4096) for _ in range(3)], [watchdog] * 3)

            def notification() -> bytes:
                """Receive the next message that is no watchdog notification."""
                return next(message for message in iter(lambda: listener.recv(4096), b"") if message != watchdog)

            os.kill(server.pid, signal.SIGHUP)
            self.assertRegex(notification(), rb"\ARELOADING=1\nMONOTONIC_USEC=[0-9]+\Z")
            self.assertEqual(notification(), ready)
            server.stop()
            self.assertEqual(notification(), b"STOPPING=1")

    def test_stop(self) -> None:
        """On SIGTERM pending requests are answered, idle clients disconnected, and the process ends within 2 s."""
        port = free_port()
        folder = tempfile.TemporaryDirectory(dir="/tmp")  # the path of a socket must be short
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "map.sock"
        self.configure(f"PORT: {port}\nSTATISTICS: 0\nLISTEN: socketmap unix:{path}:mode=600\n")
        server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        address = ("127.0.0.1", port)
        with ExitStack() as clients:
            idle = [clients.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(20)]
            greedy, asking = (clients.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(2))
            for client in idle:
                client.sendall(b"get foo")
            greedy.setblocking(False)
            # Sends until the buffers are full, and never reads.
            while select.select([], [greedy], [], 0.5)[1]:
                greedy.send(b"jstats\n" * 1000)
            os.kill(server.pid, signal.SIGTERM)
            begun = time.monotonic()
            asking.sendall(b"get foo-shop-4\n" * 100)
            with asking.makefile("rb") as replies:
                self.assertEqual(replies.read(), b"200 foo\n" * 100)
            for client in idle:
                self.assertEqual(client.recv(1), b"")
            server.wait()
            self.assertLess(time.monotonic() - begun, 2)
        self.assertFalse(path.exists())
        self.assertNotIn("Traceback", server.log)

    def test_stop_during_a_load(self) -> None:
        """A hook that never returns delays neither lookups nor the stop."""
        port = free_port()
        settings = f"PORT: {port}\nPROCESSOR: hooks\n"
        hooks = (
            "import threading\nACCOUNTS = ALIASES = None\n"
            "def preprocess(alias, domain=None): return alias, domain\n"
            "def postprocess(account, domain=None): return account, domain\n"
            "def reload(): pass\n"
        )
        (self.folder / "hooks.py").write_text(hooks, "utf-8")
        self.configure(settings)
        server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port)
        self.addCleanup(server.kill)
        server.start()
        stuck = "open('stuck', 'w').close()\nthreading.Event().wait()\n"
        (self.folder / "hooks.py").write_text(hooks + stuck, "utf-8")
        self.configure(settings + "# changed\n")
        wait_until((self.folder / "stuck").exists, "the hook", log=lambda: server.log)
        self.assertEqual(server.ask(b"get foo-shop-4"), b"200 foo\n")
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_restart_with_errors(self) -> None:
        """If the file has errors, the server starts from the kept copy and logs that; not with ``--no-fallback``."""
        port, metrics = free_port(), free_port()
        settings = f"PORT: {port}\nMETRICS: 127.0.0.1:{metrics}\n"
        self.configure(settings)
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        arguments = ("trualias-table", "-c", "tried.conf")
        server = LiveServer(arguments, self.folder, port, {"STATE_DIRECTORY": str(state)})
        self.addCleanup(server.stop)
        server.start()
        wait_until(lambda: any(state.glob("table-*.kept")), "a copy", lambda: server.log)
        server.stop()
        self.configure(settings + "PROT: 1\n")
        server.start()
        self.assertEqual(b"200 foo\n", server.ask(b"get foo-shop-4"))
        self.assertIn("cannot be used, and the server starts with the copy of ", server.log)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/healthz", timeout=PATIENCE) as response:
            self.assertRegex(
                response.read().decode(), r"\Aok, but started from the copy of .*, since the file cannot be used\n\Z"
            )
        self.configure(settings + "CASE SENSITIVE: no\n")
        wait_until(lambda: server.ask(b"get FOO-shop-4") == b"200 foo\n", "a reload", lambda: server.log)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/healthz", timeout=PATIENCE) as response:
            self.assertEqual(b"ok\n", response.read())
        server.stop()
        self.path.unlink()
        status, _, errors = self.twistd("--nodaemon", *arguments, "--state", str(state), "--no-fallback")
        self.assertEqual((1, f"{self.path}: cannot be read: No such file or directory\n"), (status, errors))
        server.start()
        self.assertEqual(b"200 foo\n", server.ask(b"get FOO-shop-4"))
        server.stop()
        [copy] = state.glob("table-*.kept")
        copy.rename(state / "table.kept")  # as an earlier version named it
        server.start()
        self.assertEqual(b"200 foo\n", server.ask(b"get FOO-shop-4"))

    def test_restarts_of_two_servers(self) -> None:
        """Two servers of one table with different files and one state directory have a copy and a status each."""
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        servers = []
        for name in ("one", "two"):
            port = free_port()
            path = self.folder / f"{name}.conf"
            path.write_text(f"PORT: {port}\nACCOUNT {name} MATCHES %account%-%alpha%-%code% WITH CHARS();\n")
            server = LiveServer(("trualias-table", "-c", path.name), self.folder, port, {"STATE_DIRECTORY": str(state)})
            self.addCleanup(server.stop)
            server.start()
            servers.append((name, path, server))
        wait_until(lambda: len([*state.glob("table-*.kept")]) == 2, "two copies")
        wait_until(lambda: len([*state.glob("table-*.status")]) == 2, "two statuses")
        for left, (_, path, server) in zip((1, 0), servers, strict=True):
            server.stop()
            self.assertEqual(left, len([*state.glob("table-*.status")]))
            path.write_text("PROT: 1\n")
        for name, _, server in servers:
            server.start()
            self.assertEqual(f"200 {name}\n".encode(), server.ask(f"get {name}-shop-4".encode()))

    def test_sqlite(self) -> None:
        """Only a server with ``STORE`` loads SQLite (proc_pid_maps(5)), also after a reload."""
        for setting, is_loaded in (("", False), ("STORE: sqlite:memory.sqlite\n", True)):
            port = free_port()
            self.configure(f"PORT: {port}\n{setting}")
            server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port)
            self.addCleanup(server.stop)
            server.start()
            self.configure(f"PORT: {port}\n{setting}CASE SENSITIVE: no\n")
            os.kill(server.pid, signal.SIGHUP)
            wait_until(lambda server=server: server.ask(b"get FOO-shop-4") == b"200 foo\n", "a reload")  # type: ignore[misc]
            self.assertEqual(is_loaded, "_sqlite3" in Path(f"/proc/{server.pid}/maps").read_text("utf-8"))
            server.stop()

    def test_critical(self) -> None:
        """The reason of a failed start is critical for the journal, each line of it."""
        self.configure("PORT: x\nHOST: y\n")
        command = [*TWISTD, "--nodaemon", "trualias-table", "-c", "tried.conf"]
        journal = self.folder / "journal"
        with journal.open("wb") as stream:
            status = os.fstat(stream.fileno())
            environment = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
            subprocess.run(command, cwd=self.folder, stderr=stream, env=environment, check=False, timeout=PATIENCE)
        lines = journal.read_text("utf-8").splitlines()
        self.assertEqual(6, len(lines))
        self.assertEqual(["<2>"] * 6, [line[:3] for line in lines])

    def test_sighup_during_the_start(self) -> None:
        """SIGHUP while the server starts does not end it, and causes a reload."""
        port = free_port()
        (self.folder / "hooks.py").write_text(
            "import os, signal\nACCOUNTS = ALIASES = None\n"
            "def preprocess(alias, domain=None): return alias, domain\n"
            "def postprocess(account, domain=None): return account, domain\n"
            "def reload():\n"
            "    if not os.path.exists('sent'):\n"
            "        open('sent', 'w').close()\n"
            "        os.kill(os.getpid(), signal.SIGHUP)\n",
            "utf-8",
        )
        self.configure(f"PORT: {port}\nLOGGING: info\nPROCESSOR: hooks\n")
        server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        wait_until(lambda: server.log.count(" is loaded: ") == 2, "a load for the signal", lambda: server.log)
        self.assertEqual(server.ask(b"get foo-shop-4"), b"200 foo\n")

    def test_life(self) -> None:
        """A server answers, reloads on SIGHUP and after a change of the file, and stops on SIGTERM."""
        port = free_port()
        self.configure(f"PORT: {port}\nLOGGING: info\n")
        server = LiveServer(("trualias-table", "-c", "tried.conf"), self.folder, port)
        self.addCleanup(server.stop)
        server.start()
        self.assertEqual(server.ask(b"get foo-shop-4"), b"200 foo\n")
        self.assertEqual(server.ask(b"get FOO-shop-4"), b"500 not found\n")

        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: server.log.count(" is loaded: ") == 2, "a load on SIGHUP", lambda: server.log)

        self.configure(f"PORT: {port}\nLOGGING: info\nCASE SENSITIVE: no\n")
        wait_until(lambda: server.log.count(" is loaded: ") == 3, "a load of the change", lambda: server.log)
        self.assertEqual(server.ask(b"get FOO-shop-4"), b"200 foo\n")
        server.stop()
        self.assertNotIn("Traceback", server.log)
