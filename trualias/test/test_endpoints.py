"""Tests of trualias.configuration.endpoints."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.endpoints import (
    RecordingReactor,
    check_listeners,
    configured_listeners,
    listening_address,
)


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
        self.assertEqual(RecordingReactor(interface="::1"), listening_address(listener.endpoint))

    def assert_errors(self, text: str, *expected: str) -> None:
        """Assert the errors in the listeners of a text."""
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(text, "a.conf"))
        self.assertEqual(list(expected), [str(error) for error in raised.exception.errors])

    def test_unknown(self) -> None:
        """Each LISTEN with a description that Twisted rejects is an error."""
        self.assert_errors(
            "LISTEN: tcp_table hurz:25\nLISTEN: tcp_table unix:/x\nLISTEN: tcp_table tcp:x\n",
            "a.conf:1:1: LISTEN: hurz:25 is no endpoint that can be used: Unknown endpoint type: 'hurz'\n"
            "LISTEN: tcp_table hurz:25\n^",
            "a.conf:3:1: LISTEN: tcp:x is no endpoint that can be used: invalid literal for int() with base 10: 'x'\n"
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

    def test_skip_systemd(self) -> None:
        """A check for another process leaves out the sockets that systemd holds for that process."""
        text = "LISTEN: tcp_table systemd:domain=INET:index=0\nLISTEN: tcp_table hurz:25\n"
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(text, "a.conf"), skip_systemd=True)
        self.assertEqual([2], [error.line for error in raised.exception.errors])
