"""Tests of the settings for listening and access, in ``trualias.configuration.settings``."""

from ipaddress import ip_address, ip_network

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.networks import Address
from trualias.configuration.setting_values import KeptSenders, Listener, WireProtocol
from trualias.configuration.settings import Settings
from trualias.configuration.tables import Table


class SettingsTests(SynchronousTestCase):
    """Settings in the text of a configuration."""

    def settings(self, text: str) -> Settings:
        """Parse a text and return its settings."""
        return parse_configuration(text, "a.conf").settings

    def assert_errors(self, text: str, *expected: str) -> None:
        """Assert that a text has exactly these errors, each with its excerpt."""
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(text, "a.conf")
        self.assertEqual(list(expected), [str(error) for error in raised.exception.errors])

    def test_listen(self) -> None:
        """LISTEN can be repeated, and the order of the file is kept."""
        text = "LISTEN: socketmap unix:/run/a b.sock:mode=660\nLISTEN:tcp_table  tcp:3047:interface=127.0.0.1 \n"
        self.assertEqual(
            (
                Listener(WireProtocol.SOCKETMAP, "unix:/run/a b.sock:mode=660"),
                Listener(WireProtocol.TCP_TABLE, "tcp:3047:interface=127.0.0.1"),
            ),
            self.settings(text).listen,
        )
        self.assertEqual((), self.settings("PORT: 25\n").listen)

    def test_listen_table(self) -> None:
        """The last word of a LISTEN for the line protocol is the table to answer from, if it names one."""
        text = (
            "ALIAS DOMAINS: a.b\nLISTEN: tcp_table tcp:1  login\nLISTEN: tcp_table unix:/run/a login:mode=660\n"
            "LISTEN: tcp_table tcp:2 table\nLISTEN: tcp_table login\n"
        )
        listeners = self.settings(text).listen
        self.assertEqual(
            (
                Listener(WireProtocol.TCP_TABLE, "tcp:1", Table.LOGIN),
                Listener(WireProtocol.TCP_TABLE, "unix:/run/a login:mode=660"),
                Listener(WireProtocol.TCP_TABLE, "tcp:2", Table.LOCAL_PART),
                Listener(WireProtocol.TCP_TABLE, "login"),
            ),
            listeners,
        )
        self.assertEqual("tcp_table tcp:1 login", str(listeners[0]))

    def test_listen_table_errors(self) -> None:
        """A table for another protocol is an error, and so is a table of addresses without ALIAS DOMAINS."""
        self.assert_errors(
            "LISTEN: socketmap tcp:1 login\nLISTEN: tcp_table tcp:1 login\nLISTEN: tcp_table tcp:1 table\n",
            "a.conf:1:9: LISTEN: socketmap takes no table after its endpoint: leave out 'login'\n"
            "LISTEN: socketmap tcp:1 login\n        ^",
            "a.conf:2:9: LISTEN: the table login needs ALIAS DOMAINS\nLISTEN: tcp_table tcp:1 login\n        ^",
        )

    def test_login(self) -> None:
        """LOGIN is the name of the account by default, or another text with it."""
        self.assertEqual("%account%", self.settings("").login)
        self.assertEqual("mail-%account%@%domain%", self.settings("LOGIN: mail-%account%@%domain%\n").login)

    def test_login_errors(self) -> None:
        """Whatever is no login name, or the same for all accounts, is an error."""
        problems = {
            "%user%": "'%user%' is not known; expected %account% or %domain%",
            "sales": "'sales' is the same login for all accounts; write %account% in it",
            "%account%, b": "'%account%, b' is not a login name; it has up to 200 characters, no space and no comma",
            "%account%,b": "'%account%,b' is not a login name; it has up to 200 characters, no space and no comma",
        }
        for value, problem in problems.items():
            self.assert_errors(f"LOGIN: {value}\n", f"a.conf:1:8: LOGIN: {problem}\nLOGIN: {value}\n       ^")

    def test_listen_errors(self) -> None:
        """An unknown protocol and a missing endpoint are errors at their own LISTEN."""
        self.assert_errors(
            "LISTEN: socketmap unix:/x\nLISTEN: tcp-table tcp:25\nLISTEN: socketmap\nLISTEN:\n",
            "a.conf:2:9: LISTEN: unknown protocol 'tcp-table'; expected tcp_table, socketmap or policy; did you mean "
            "'tcp_table'?\nLISTEN: tcp-table tcp:25\n        ^",
            "a.conf:3:9: LISTEN: socketmap where? Expected an endpoint after it, such as tcp:3047:interface=127.0.0.1\n"
            "LISTEN: socketmap\n        ^",
            "a.conf:4:7: LISTEN has no value\nLISTEN:\n      ^",
        )

    def test_once(self) -> None:
        """A setting that is not repeatable is an error the second time."""
        self.assert_errors(
            "METRICS: 127.0.0.1:1\nMETRICS: 127.0.0.1:1\n",
            "a.conf:2:1: METRICS is already given in line 1\nMETRICS: 127.0.0.1:1\n^",
        )

    def test_allow(self) -> None:
        """ALLOW takes IPv4 and IPv6 networks and addresses, in one line or several."""
        self.assertEqual(
            tuple(map(ip_network, ("192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"))),
            self.settings("ALLOW: 192.0.2.0/24 2001:db8::/32\nALLOW: 198.51.100.7\n").allow,
        )

    def test_allow_mapped(self) -> None:
        """An IPv4-mapped network is read as the IPv4 network."""
        self.assertEqual(
            tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.7/32", "0.0.0.0/0", "::/0"))),
            self.settings("ALLOW: ::ffff:192.0.2.0/120 ::ffff:198.51.100.7 ::ffff:0:0/96 ::/0\n").allow,
        )

    def test_allow_errors(self) -> None:
        """A value that is no network is an error; for an address with host bits the error names the network."""
        self.assert_errors(
            "ALLOW: mail.example.com\nALLOW: 192.0.2.0/24 192.0.2.7/24\nALLOW: ::ffff:192.0.2.7/120\n",
            "a.conf:1:8: ALLOW: 'mail.example.com' is not a network, such as 192.0.2.0/24 or 2001:db8::/32\n"
            "ALLOW: mail.example.com\n       ^",
            "a.conf:2:8: ALLOW: '192.0.2.7/24' is an address in a network; the network is 192.0.2.0/24\n"
            "ALLOW: 192.0.2.0/24 192.0.2.7/24\n       ^",
            "a.conf:3:8: ALLOW: '::ffff:192.0.2.7/120' is an address in a network; the network is 192.0.2.0/24\n"
            "ALLOW: ::ffff:192.0.2.7/120\n       ^",
        )

    def test_connections(self) -> None:
        """CONNECTIONS is a number from 1; the default is 1000."""
        self.assertEqual(1000, self.settings("").connections)
        for number in (1, 999999):
            self.assertEqual(number, self.settings(f"CONNECTIONS: {number}\n").connections)
        for value in ("0", "-1", "many", "1000000", "1e3"):
            message = f"CONNECTIONS: '{value}' is not a number of connections; expected a number from 1 to 999999"
            self.assert_errors(
                f"CONNECTIONS: {value}\n", f"a.conf:1:14: {message}\nCONNECTIONS: {value}\n             ^"
            )

    def test_senders(self) -> None:
        """SENDERS is one of three words, in any case; the default is the domain."""
        self.assertIs(KeptSenders.DOMAIN, self.settings("").senders)
        for kept in KeptSenders:
            self.assertIs(kept, self.settings(f"SENDERS: {kept.value.upper()}\n").senders)
        self.assert_errors(
            "SENDERS: adress\n",
            "a.conf:1:10: SENDERS: 'adress' is not how much of a sender is kept; expected none, domain or address; did "
            "you mean 'address'?\nSENDERS: adress\n         ^",
        )

    def test_keep_senders(self) -> None:
        """KEEP SENDERS is a number of days from 1; the default is 400."""
        self.assertEqual(400, self.settings("").keep_senders)
        for number in (1, 99999):
            self.assertEqual(number, self.settings(f"KEEP SENDERS: {number}\n").keep_senders)
        for value in ("0", "-1", "400 days", "100000", "for ever"):
            message = f"KEEP SENDERS: '{value}' is not a number of days; expected a number from 1 to 99999"
            self.assert_errors(
                f"KEEP SENDERS: {value}\n", f"a.conf:1:15: {message}\nKEEP SENDERS: {value}\n              ^"
            )

    def test_metrics(self) -> None:
        """METRICS is an address with a port and domain names; an IPv6 address is in brackets; the default is none."""
        self.assertEqual(Address("127.0.0.1", 9347), self.settings("METRICS: 127.0.0.1:9347\n").metrics)
        self.assertEqual(Address("::1", 9347), self.settings("METRICS: [::1]:9347\n").metrics)
        self.assertIsNone(self.settings("").metrics)
        self.assertEqual(
            Address("::1", 9347, ("a.example.com", "b")),
            self.settings("METRICS: [::1]:9347  B A.example.com\n").metrics,
        )
        for text in ("127.0.0.1:9347", "[::1]:9347", "127.0.0.1:9347 a.example.com b"):
            self.assertEqual(text, str(self.settings(f"METRICS: {text}\n").metrics))

    def test_metrics_errors(self) -> None:
        """A value that is no address with a port is an error."""
        no_address = "is not an address with a port, such as 127.0.0.1:9347 or [::1]:9347"
        for value, message in (
            ("9347", f"'9347' {no_address}"),
            ("127.0.0.1:x", f"'127.0.0.1:x' {no_address}"),
            ("::1:9347", f"'::1:9347' {no_address}"),
            ("[127.0.0.1]:9347", f"'[127.0.0.1]:9347' {no_address}"),
            ("127.0.0.1:1 a a:1", "'a:1' is not a domain name"),
            ("[]:9347", "'[]' is not an IPv4 or IPv6 address, such as 127.0.0.1"),
            ("localhost:9347", "'localhost' is not an IPv4 or IPv6 address, such as 127.0.0.1"),
            ("127.0.0.1:99999", "'99999' is not a port; expected a number from 0 to 65535"),
        ):
            self.assert_errors(f"METRICS: {value}\n", f"a.conf:1:10: METRICS: {message}\nMETRICS: {value}\n         ^")

    def test_beyond_this_machine(self) -> None:
        """An address that other machines can reach is an error unless the file has ALLOW."""
        exposed = "HOST: 0.0.0.0\nMETRICS: [2001:db8::1]:9347\n"
        reached = (
            "can be reached from other machines; say which may connect, such as ALLOW: 127.0.0.1 ::1 192.0.2.0/24, "
            "or listen on 127.0.0.1 or ::1"
        )
        self.assert_errors(
            exposed,
            f"a.conf:1:7: HOST: 0.0.0.0 {reached}\nHOST: 0.0.0.0\n      ^",
            f"a.conf:2:10: METRICS: 2001:db8::1 {reached}\nMETRICS: [2001:db8::1]:9347\n         ^",
        )
        self.assertEqual("0.0.0.0", self.settings(f"ALLOW: 192.0.2.0/24\n{exposed}").host)
        for host in ("127.0.0.9", "::1", "::ffff:7f00:1"):
            # Newer versions of Python write an IPv4-mapped address with dots.
            self.assertEqual(ip_address(host), ip_address(self.settings(f"HOST: {host}\n").host))

    def test_invalid_metrics(self) -> None:
        """An invalid METRICS is one error, also beside an exposed HOST."""
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration("HOST: 0.0.0.0\nMETRICS: x\n", "a.conf")
        self.assertEqual([(1, 7), (2, 10)], [(error.line, error.column) for error in raised.exception.errors])

    def test_setting_error(self) -> None:
        """An error found after parsing points at its setting, also at a repeated one."""
        configuration: Configuration = parse_configuration("LISTEN: socketmap x\nLISTEN: socketmap y\n", "a.conf")
        self.assertEqual(
            "a.conf:2:1: no\nLISTEN: socketmap y\n^", str(configuration.setting_error("LISTEN", "no", occurrence=1))
        )
        self.assertTrue(configuration.given("LISTEN"))
        self.assertFalse(configuration.given("HOST"))
