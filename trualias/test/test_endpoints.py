"""Tests of ``trualias.configuration.endpoints``."""

import os

from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, PolicyError, parse_configuration
from trualias.configuration.descriptions import ListeningAddress, listening_address
from trualias.configuration.endpoints import (
    check_listeners,
    endpoint_problem,
    socket_folder_problem,
)
from trualias.configuration.listeners import configured_listeners


class _RecordingReactor:
    """A reactor that listens on nothing and records the address."""

    address: ListeningAddress | None = None

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        """Record the interface and the port."""
        self.address = ListeningAddress(interface, port)

    def listenUNIX(
        self, address: str, factory: object, backlog: int = 50, mode: int = 0, wantPID: bool = False
    ) -> None:
        """Record the path, the mode and the backlog."""
        self.address = ListeningAddress(path=address, mode=mode, backlog=backlog)


class AddressTests(SynchronousTestCase):
    """The address that a description names."""

    def test_addresses(self) -> None:
        """It is the one at which Twisted's endpoint listens."""
        for description in (
            "tcp:25",
            "tcp:0:interface=127.0.0.1",
            "tcp:port=25:backlog=5:interface=192.0.2.1",
            "tcp:25:127.0.0.1:5",
            "tcp6:25",
            r"tcp6:25:interface=\:\:1",
            r"tcp6:interface=fe80\:\:1%lo:port=25",
            "unix:/x",
            "unix:address=/x",
            "unix:/x:0600:5:1",
            r"unix:/a\:b\\c\=d:lockfile=0",
            "unix:/x:backlog=7:mode=660",
        ):
            reactor = _RecordingReactor()
            self.successResultOf(serverFromString(reactor, description).listen(Factory()))
            self.assertEqual(reactor.address, listening_address(description), description)

    def test_tls(self) -> None:
        """The address of an endpoint for TLS does not depend on its files."""
        self.assertEqual(ListeningAddress("", 25), listening_address("ssl:25"))
        description = r"ssl:25:privateKey=key.pem:certKey=cert.pem:interface=\:\:1"
        self.assertEqual(ListeningAddress("::1", 25), listening_address(description))

    def test_others(self) -> None:
        """Other types have none, not even where they are made of one that has one."""
        for description in ("systemd:domain=UNIX:index=0", r"haproxy:tcp\:25", "a=tcp:25"):
            self.assertEqual(ListeningAddress(), listening_address(description), description)


class ListenersTests(SynchronousTestCase):
    """The listeners of a configuration."""

    def assert_listeners(self, text: str, *expected: str) -> None:
        """Assert that a text has these listeners."""
        listeners = configured_listeners(parse_configuration(text, "a.conf"))
        self.assertEqual(list(expected), [str(listener) for listener in listeners])

    def test_host_and_port(self) -> None:
        """HOST and PORT make one listener if either is given or LISTEN is not; the default is on loopback."""
        default = "tcp_table tcp:3047:interface=127.0.0.1"
        unix = "socketmap unix:/x"
        self.assert_listeners("", default)
        self.assert_listeners(f"LISTEN: {unix}\n", unix)
        self.assert_listeners(f"LISTEN: {unix}\nPORT: 3047\n", default, unix)
        self.assert_listeners(f"HOST: 127.0.0.1\nLISTEN: {unix}\n", default, unix)

    def test_ipv6(self) -> None:
        """The colons of an IPv6 address are escaped in the description."""
        self.assert_listeners("HOST: ::1\nPORT: 25\n", r"tcp_table tcp6:25:interface=\:\:1")
        [listener] = configured_listeners(parse_configuration("HOST: ::1\nPORT: 25\n", "a.conf"))
        self.assertEqual(ListeningAddress(interface="::1", port=25), listening_address(listener.endpoint))

    def assert_errors(self, text: str, *expected: str) -> None:
        """Assert the errors in the listeners of a text."""
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(text, "a.conf"))
        self.assertEqual(list(expected), [str(error) for error in raised.exception.errors])

    def test_unknown(self) -> None:
        """Each LISTEN with a description that Twisted rejects is an error."""
        self.assert_errors(
            "LISTEN: tcp_table hurz:25\nLISTEN: tcp_table unix:/x\nLISTEN: tcp_table tcp:x\n",
            "a.conf:1:1: LISTEN: hurz:25 is no endpoint that can be used: unknown type 'hurz'; "
            "expected tcp, tcp6, unix, systemd or ssl\n"
            "LISTEN: tcp_table hurz:25\n^",
            "a.conf:3:1: LISTEN: tcp:x is no endpoint that can be used: 'x' is not a port; "
            "expected a number from 0 to 65535\n"
            "LISTEN: tcp_table tcp:x\n^",
        )

    def test_no_systemd_socket(self) -> None:
        """An endpoint of a socket that systemd has not passed is an error of its own."""
        for endpoint in ("systemd:domain=INET:index=0", "systemd:domain=INET:name=x"):
            line = f"LISTEN: socketmap {endpoint}\n"
            message = f"{endpoint} is no endpoint that can be used: systemd handed no such socket to this process"
            self.assert_errors(line, f"a.conf:1:1: LISTEN: {message}\n{line}^")

    def test_beyond_this_machine(self) -> None:
        """An endpoint that other machines can reach is an error without ALLOW."""
        reached = (
            "can be reached from other machines; say which may connect, such as ALLOW: 127.0.0.1 ::1 192.0.2.0/24, "
            "or listen on 127.0.0.1 or ::1"
        )
        for endpoint in ("tcp:25", "tcp6:25", "tcp:25:interface=192.0.2.1", r"tcp6:25:interface=\:\:"):
            line = f"LISTEN: socketmap {endpoint}\n"
            self.assert_errors(line, f"a.conf:1:1: LISTEN: {endpoint} {reached}\n{line}^")
            check_listeners(parse_configuration(f"ALLOW: 192.0.2.0/24\n{line}", "a.conf"))
        for endpoint in ("tcp:25:interface=127.0.0.1", r"tcp6:25:interface=\:\:1", "unix:/x"):
            check_listeners(parse_configuration(f"LISTEN: socketmap {endpoint}\n", "a.conf"))

    def test_name(self) -> None:
        """An interface must be an IP address: the addresses of a name can change."""
        for endpoint, interface in (("tcp:25:interface=localhost", "localhost"), ("tcp6:25:interface=127.1", "127.1")):
            line = f"LISTEN: tcp_table {endpoint}\n"
            message = rf"'{interface}' is no IP address; this machine alone is 127.0.0.1 or, for tcp6, \:\:1"
            for allow in ("", "ALLOW: 192.0.2.0/24\n"):
                number = 2 if allow else 1
                self.assert_errors(allow + line, f"a.conf:{number}:1: LISTEN: {endpoint}: {message}\n{line}^")

    def problem(self, endpoint: str) -> str:
        """Return the error of a LISTEN without its beginning."""
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(f"LISTEN: tcp_table {endpoint}\n", "a.conf"), skip_systemd=True)
        error: PolicyError
        (error,) = raised.exception.errors
        self.assertNotIn("\x1b", str(error))
        return error.message.removeprefix(f"LISTEN: {endpoint} is no endpoint that can be used: ")

    def test_messages(self) -> None:
        """The error of an invalid description quotes its words."""
        types = "expected tcp, tcp6, unix, systemd or ssl"
        unix = "it has address, mode, backlog and lockfile"
        colon = r"; a colon in a value is written \:"
        for endpoint, problem in {
            "inet:127.0.0.1:25": "'inet' is a word of Postfix's main.cf; here it is tcp, such as "
            "tcp:3047:interface=127.0.0.1",
            "/run/x": "a path needs its type before it, such as unix:/run/trualias/virtual.sock:mode=660",
            "TCP:25": f"unknown type 'TCP'; {types}; did you mean 'tcp'?",
            "a=tcp:25": f"unknown type 'tcp'; {types}; did you mean 'tcp'?",
            "tcp": "tcp needs a port, such as tcp:3047:interface=127.0.0.1",
            "tcp:": "tcp needs a port, such as tcp:3047:interface=127.0.0.1",
            "tcp:65536": "'65536' is not a port; expected a number from 0 to 65535",
            "tcp:25:backlog=many": "'many' is not a number",
            "tcp:25:127.0.0.1:3:4": f"'4' is too much for tcp{colon}",
            "tcp6:25:interface=::1": f"tcp6 has a second interface, ''{colon}",
            "unix": "unix needs a path, such as unix:/run/trualias/virtual.sock:mode=660",
            "unix:/x:user=postfix": f"unix has no option 'user'; {unix}",
            "unix:/x:mod=660": f"unix has no option 'mod'; {unix}; did you mean 'mode'?",
            "unix:/x:mode=rw": "the mode 'rw' is not a number in octal digits, such as 660",
            "unix:/x:mode=888": "the mode '888' is not a number in octal digits, such as 660",
            "unix:/x:lockfile=no": "lockfile is 0 or 1, not 'no'",
            "unix:/x\\": "it ends with a backslash, which stands before another character",
            "unix:/" + "x" * 107: "the path of a unix socket may have 107 octets, and this one has 108",
            "unix:/" + "é" * 54: "the path of a unix socket may have 107 octets, and this one has 109",
            "unix:run/x": "the path of a unix socket must begin with /",
            "systemd:domain=inet:index=0": "unknown domain 'inet'; expected INET, INET6 or UNIX; did you mean 'INET'?",
            "systemd:domain=INET": "systemd needs either an index or a name, such as systemd:domain=INET:index=0",
            "systemd:domain=INET:index=0:name=x": "systemd needs either an index or a name, such as "
            "systemd:domain=INET:index=0",
            "systemd:domain=INET:index=first": "'first' is not a number",
            "ssl:25:key=x": "ssl has no option 'key'; it has port, privateKey, certKey, sslmethod, interface, backlog, "
            "extraCertChain and dhParameters; did you mean 'certKey'?",
        }.items():
            self.assertEqual(problem, self.problem(endpoint).rpartition("can be used: ")[2], endpoint)

    def test_valid(self) -> None:
        """Every option that Twisted knows is accepted, by its name or in its order."""
        for endpoint in (
            "tcp:25:127.0.0.1:5",
            "tcp:port=25:interface=127.0.0.1:backlog=5",
            r"tcp6:25:interface=\:\:1",
            "unix:address=/x",
            "unix:/x:0600:5:1",
            "unix:/" + "x" * 106,
            "unix:/x:mode=660:lockfile=0",
            "systemd:domain=UNIX:name=x",
            "systemd:INET:0",
        ):
            check_listeners(parse_configuration(f"LISTEN: tcp_table {endpoint}\n", "a.conf"), skip_systemd=True)

    def test_unprintable(self) -> None:
        """Control characters of a description are not in its error, and a long one is cut."""
        for description, problem in (
            ("\x1b[31mx:25", "unknown type '\ufffd[31mx'"),
            ("tcp:25:interface=\x1b", "'\ufffd' (U+001B) is no IP address"),
            ("haproxy:\x1b:25", "no endpoint that can be used"),
        ):
            found = endpoint_problem(description, False)
            assert found is not None
            self.assertIn(problem, found)
            self.assertTrue(found.isprintable(), found)
        self.assertLess(len(self.problem("x" * 10_000)), 500)

    def test_zone(self) -> None:
        """Only a link-local address can have a zone."""
        problem = "has a zone, which only a link-local address has: leave out '%lo'"
        self.assertIn(f"'::1%lo' {problem}", self.problem(r"tcp6:25:interface=\:\:1%lo"))

    def test_relative_on_the_command_line(self) -> None:
        """A relative path is allowed where its working directory is known: on the command line."""
        self.assertIsNone(endpoint_problem("unix:x.sock", False))

    def test_socket_folder(self) -> None:
        """The folder of a unix socket must exist, and no other file may be in its place."""
        folder = self.mktemp()
        self.assertEqual(f"there is no folder {folder}", socket_folder_problem(f"unix:{folder}/x.sock:mode=660"))
        os.mkdir(folder)
        self.assertIsNone(socket_folder_problem(f"unix:{folder}/x.sock:mode=660"))
        os.mkdir(folder + "/x.sock")
        self.assertEqual(
            f"{folder}/x.sock is there and is no socket", socket_folder_problem(f"unix:{folder}/x.sock:mode=660")
        )
        self.assertIsNone(socket_folder_problem("tcp:25"))

    def test_skip_systemd(self) -> None:
        """A check for another process leaves out the sockets that systemd holds for that process."""
        text = "LISTEN: tcp_table systemd:domain=INET:index=0\nLISTEN: tcp_table hurz:25\n"
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(text, "a.conf"), skip_systemd=True)
        self.assertEqual([2], [error.line for error in raised.exception.errors])
