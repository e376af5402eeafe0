"""Tests of ``trualias.tap`` and ``trualias.server.application``."""

import os
import signal
import socket
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from twisted.application.service import IService, MultiService
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trualias import log, tap_table, tap_virtual
from trualias.protocols.connection import ClientFactory
from trualias.server.application import Reactor
from trualias.server.reload import ReloadService
from trualias.tap import ServerOptions, make_service
from trualias.test.loop import Loop
from trualias.testing.live import PATIENCE
from trualias.testing.workers import ImmediateWorker

CONFIGURATION = """
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();
"""


class TapTestCase(SynchronousTestCase):
    """A folder with a configuration."""

    def setUp(self) -> None:
        """Write the configuration."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "tried.conf"
        self.configure("")
        self.addCleanup(log.reset_level)
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))

    def configure(self, settings: str) -> None:
        """Replace the configuration by one with these settings."""
        new = self.path.with_suffix(".new")
        new.write_text(settings + CONFIGURATION, "utf-8")
        new.replace(self.path)


class OptionsTests(SynchronousTestCase):
    """The options of the two commands of twistd."""

    def test_default(self) -> None:
        """No option is required."""
        options = tap_table.Options()
        options.parseOptions([])
        self.assertEqual((options["config"], options["endpoints"]), (None, []))

    def test_given(self) -> None:
        """The endpoint can be repeated, and each option has a short form."""
        options = tap_virtual.Options()
        options.parseOptions(["-c", "a.conf", "-e", "tcp:25", "--endpoint", "unix:/run/x"])
        self.assertEqual((options["config"], options["endpoints"]), ("a.conf", ["tcp:25", "unix:/run/x"]))

    def test_help(self) -> None:
        """The help of each command says what it answers, and has the default paths of its configuration."""
        for options, answers, path in (
            (tap_table.Options(), "lookups of a local part", "\n    conf/tcp_table_server.conf\n"),
            (tap_virtual.Options(), "lookups of a whole address", "\n    conf/tcp_virtual_server.conf\n"),
        ):
            self.assertIn(answers, options.getUsage())
            self.assertIn(path, options.getUsage())


def make_worker(name: str) -> ImmediateWorker:
    """Make a worker without a thread."""
    return ImmediateWorker()


class OneThreadReactor(MemoryReactorClock):
    """A reactor in memory that runs calls from threads at once."""

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Call ``function``."""
        function(*arguments)


class MakeServiceTests(TapTestCase):
    """Servers on a reactor in memory."""

    def make(self, options: ServerOptions, *arguments: str) -> MultiService:
        """Make a server on the test's configuration."""
        options.parseOptions(["--config", str(self.path), *arguments])
        self.reactor = OneThreadReactor()
        return make_service(options, cast(Reactor, self.reactor), make_worker)

    @contextmanager
    def running(self, service: IService) -> Iterator[None]:
        """Run a server."""
        service.privilegedStartService()
        service.startService()
        try:
            yield
        finally:
            self.successResultOf(service.stopService())
            self.assertEqual(self.reactor.getDelayedCalls(), [])

    def ask(self, factory: object, request: bytes) -> bytes:
        """Send a request to a protocol of a factory; return the reply."""
        assert isinstance(factory, ClientFactory)
        protocol = factory.buildProtocol(None)
        assert protocol is not None
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(request)
        reply: bytes = transport.value()
        protocol.connectionLost()
        return reply

    def test_table(self) -> None:
        """The table server listens at HOST and PORT and answers local parts."""
        self.configure("HOST: 127.0.0.2\nPORT: 25\n")
        with self.running(self.make(tap_table.Options())):
            [(port, factory, _, interface)] = self.reactor.tcpServers
            self.assertEqual((port, interface), (25, "127.0.0.2"))
            self.assertEqual(self.ask(factory, b"get foo-shop-4\n"), b"200 foo\n")
            self.assertEqual(self.ask(factory, b"get foo-shop-4@example.com\n"), b"500 not found\n")

    def test_virtual(self) -> None:
        """The virtual server answers whole addresses."""
        with self.running(self.make(tap_virtual.Options())):
            [(_, factory, _, _)] = self.reactor.tcpServers
            self.assertEqual(self.ask(factory, b"get foo-shop-4@example.com\n"), b"200 foo@example.com\n")

    def test_endpoints(self) -> None:
        """Endpoints on the command line replace HOST and PORT."""
        with self.running(self.make(tap_table.Options(), "-e", "tcp:25:interface=127.0.0.3", "-e", "unix:x.sock")):
            self.assertEqual([server[0] for server in self.reactor.tcpServers], [25])
            self.assertEqual([server[0] for server in self.reactor.unixServers], ["x.sock"])

    def test_socketmap(self) -> None:
        """With LISTEN, either server answers both socketmap tables beside the line protocol."""
        self.configure("PORT: 25\nLISTEN: socketmap unix:/nowhere/map.sock:mode=600\n")
        for options in (tap_table.Options(), tap_virtual.Options()):
            with self.running(self.make(options)):
                [(path, factory, _, mode, lock)] = self.reactor.unixServers
                self.assertEqual((path, mode, lock), ("/nowhere/map.sock", 0o600, False))
                self.assertEqual(self.ask(factory, b"16:table foo-shop-4,"), b"6:OK foo,")
                self.assertEqual(self.ask(factory, b"30:virtual foo-shop-4@example.com,"), b"18:OK foo@example.com,")
                self.assertEqual([server[0] for server in self.reactor.tcpServers], [25])

    def test_listen_with_errors(self) -> None:
        """A LISTEN that Twisted does not understand prevents a start, and a reload."""
        service = self.make(tap_table.Options())
        self.configure("LISTEN: socketmap hurz:25\n")
        error = (
            f"{self.path}:1:1: LISTEN: hurz:25 is no endpoint that can be used: unknown type 'hurz'; "
            "expected tcp, tcp6, unix, systemd or ssl\n"
            "LISTEN: socketmap hurz:25\n^"
        )
        self.assertEqual(self.exit_message(tap_table.Options()), error)
        with self.running(service):
            self.assertEqual(
                self.reload(service),
                [f"{self.path} has errors; the previous configuration stays in use\n{error}"],
            )

    def test_statistics(self) -> None:
        """STATISTICS is applied at the start, and seconds are closed."""
        self.configure("STATISTICS: 0\n")
        with self.running(self.make(tap_table.Options())):
            [(_, factory, _, _)] = self.reactor.tcpServers
            self.ask(factory, b"get foo\n")
            self.assertIn(b"not_found: emin=0.0000 emax=0.0000", self.ask(factory, b"stats\n"))
            self.reactor.advance(1)
            self.assertIn(b"nmin=0 nmax=1 n1=1.0000 n10=0.1000 n60=0.0167\n", self.ask(factory, b"stats\n"))

    def test_logging(self) -> None:
        """LOGGING is applied at the start: the load is logged at level info only, listening at every level."""
        for setting, logged in (("info", [f"{self.path} is loaded: 1 statement, 1 account"]), ("warning", [])):
            self.configure(f"LOGGING: {setting}\n")
            service = self.make(tap_table.Options())
            with capturedLogs() as events, self.running(service):
                pass
            messages = [event["log_format"].format(**event) for event in events if "trualias" in event["log_namespace"]]
            # The address is that of a port in memory.
            self.assertEqual(messages, ["listening on 0.0.0.0:3047", *logged, "stops listening on 0.0.0.0:3047"])

    def test_writers(self) -> None:
        """A configuration that others can change is used, with a warning at each load."""
        self.path.chmod(0o666)
        warning = f"others could change {self.path}: any user may write to {self.path} (chmod o-w {self.path})"
        with capturedLogs() as events:
            service = self.make(tap_table.Options())
        self.assertEqual([event["log_format"].format(**event) for event in events], [warning])
        self.assertEqual(self.reload(service), [warning])

    def test_no_domains(self) -> None:
        """A virtual server without ALIAS DOMAINS logs a warning; the table server does not need them."""
        self.path.write_text("ACCOUNT foo MATCHES %account%-%alpha%-%code% WITH CHARS();", "utf-8")
        for options, logged in (
            (tap_table.Options(), []),
            (
                tap_virtual.Options(),
                [
                    f"{self.path} has no ALIAS DOMAINS, so no address is found; "
                    "give the domains that this server answers for"
                ],
            ),
        ):
            with capturedLogs() as events:
                self.make(options)
            self.assertEqual(logged, [event["log_format"].format(**event) for event in events])

    def exit_message(self, options: ServerOptions, *arguments: str) -> str:
        """Make a server that ends the process, and return the message."""
        with self.assertRaises(SystemExit) as raised:
            self.make(options, *arguments)
        return str(raised.exception)

    def test_errors(self) -> None:
        """A configuration with errors ends the process with the errors."""
        self.configure("PORT: x\n")
        self.assertEqual(
            self.exit_message(tap_table.Options()),
            f"{self.path}:1:7: PORT: 'x' is not a port; expected a number from 0 to 65535\nPORT: x\n      ^",
        )

    def test_endpoint_with_errors(self) -> None:
        """An endpoint that Twisted does not understand ends the process with the reason."""
        for description, reason in (
            ("hurz:25", "unknown type 'hurz'; expected tcp, tcp6, unix, systemd or ssl"),
            ("tcp:x", "'x' is not a port; expected a number from 0 to 65535"),
        ):
            self.assertEqual(
                self.exit_message(tap_table.Options(), "-e", description),
                f"--endpoint {description} is no endpoint that can be used: {reason}",
            )

    def test_found(self) -> None:
        """Without --config a default path is used, and watched also from another working directory."""
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.folder)
        options = tap_table.Options()
        self.path.rename(self.folder / "trualias.conf")
        service = make_service(options, cast(Reactor, OneThreadReactor()), make_worker)
        os.chdir(here)
        self.path = self.folder / "trualias.conf"
        self.configure("LOGGING: info\n")
        self.assertEqual(self.reload(service), [f"{self.path} is loaded: 1 statement, 1 account"])

    def reload(self, service: MultiService) -> list[str]:
        """Reload the configuration in this thread; return the logged messages."""
        reloads = service.getServiceNamed("reload")
        assert isinstance(reloads, ReloadService)
        with capturedLogs() as events:
            reloads.load()
        return [event["log_format"].format(**event) for event in events]

    def test_lost_content(self) -> None:
        """A reload of a file without statements, or without END where there was one, is rejected; END makes it good."""
        service = self.make(tap_table.Options())
        self.path.write_text("ALIAS DOMAINS: example.com\n", "utf-8")
        [message] = self.reload(service)
        self.assertIn(f"{self.path}: has no account statement, and the configuration before it had 1", message)
        self.path.write_text(CONFIGURATION + "END\n", "utf-8")
        self.assertEqual([], self.reload(service))
        self.path.write_text(CONFIGURATION, "utf-8")
        [message] = self.reload(service)
        self.assertIn(f"{self.path}: does not end with END, as the configuration before it did", message)
        self.path.write_text("END\n", "utf-8")
        self.assertEqual(
            [f"{self.path} lacks 1 of the 1 account of the configuration before it; their addresses are not found"],
            self.reload(service),
        )

    def test_metrics(self) -> None:
        """Metrics are served at METRICS; a change of METRICS logs that a restart is needed."""
        self.configure("METRICS: 127.0.0.1:9347\n")
        service = self.make(tap_table.Options())
        with self.running(service):
            self.assertEqual(
                [(port, interface) for port, _, _, interface in self.reactor.tcpServers],
                [(3047, "127.0.0.1"), (9347, "127.0.0.1")],
            )
            self.configure("LOGGING: info\n")
            self.assertEqual(
                self.reload(service)[0],
                "METRICS has changed, which needs a restart: in use is 127.0.0.1:9347, the file has off",
            )

    def test_reload(self) -> None:
        """A reload applies all settings but the endpoints; a change of those logs that a restart is needed."""
        service = self.make(tap_table.Options())
        with self.running(service):
            [(_, factory, _, _)] = self.reactor.tcpServers
            self.configure("PORT: 25\nSTATISTICS: 0\nLOGGING: info\nDEBUG ACCOUNT: x\nCASE SENSITIVE: no\n")
            self.assertEqual(
                self.reload(service),
                [
                    "HOST, PORT or LISTEN has changed, which needs a restart: in use is "
                    "tcp_table tcp:3047:interface=127.0.0.1, the file has tcp_table tcp:25:interface=127.0.0.1",
                    f"{self.path} is loaded: 1 statement, 1 account",
                ],
            )
            self.assertEqual(self.ask(factory, b"get FOO-shop-4\n"), b"200 foo\n")
            self.assertEqual(self.ask(factory, b"stats\n")[:9], b"210 bad: ")
            self.configure("LOGGING: critical\n")
            self.reload(service)
            self.assertEqual(self.ask(factory, b"stats\n"), b"400 statistics disabled\n")
            self.assertEqual(self.reload(service), [])

    def test_first_configuration_freed(self) -> None:
        """The configuration of the start is freed once another one is in use."""
        self.configure("METRICS: 127.0.0.1:9347\n")
        service = self.make(tap_table.Options())
        with self.running(service):
            factory = next(
                factory for _, factory, _, _ in self.reactor.tcpServers if isinstance(factory, ClientFactory)
            )
            first = weakref.ref(factory.current.snapshot)
            self.assertIsNotNone(first())
            self.configure("METRICS: 127.0.0.1:9347\nLOGGING: info\n")
            self.reload(service)
            self.assertIsNone(first())


class StopTests(TapTestCase):
    """The stop of a server, on a reactor of its own."""

    def test_waiting_clients(self) -> None:
        """Clients that only the kernel has accepted when the server stops get their replies."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/a.sock"
        self.configure(f"LISTEN: tcp_table unix:{path}\n")
        options = tap_table.Options()
        options.parseOptions(["--config", str(self.path)])
        loop = Loop()
        self.addCleanup(loop.close)
        service = make_service(options, cast(Reactor, loop.core), make_worker)
        service.startService()
        clients = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for client in clients:
            self.addCleanup(client.close)
            client.settimeout(PATIENCE)
            client.connect(path)
            client.sendall(b"get foo-shop-4\n")
        ended: list[object] = []
        service.stopService().addCallback(ended.append)
        loop.turn(5)
        loop.clock.advance(0.1)
        loop.turn_until(lambda: ended)
        self.assertEqual([b"200 foo\n"] * 5, [client.makefile("rb").read() for client in clients])
