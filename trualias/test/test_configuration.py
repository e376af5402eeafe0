"""Tests of reading a configuration: valid and invalid values of settings, and unreadable files."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import SETTINGS, Configuration, ConfigurationErrors, parse_configuration, read_configuration
from trualias.configuration.endpoints import check_listeners
from trualias.configuration.files import Limits
from trualias.configuration.settings import Settings
from trualias.messages import quoted
from trualias.test.complaints import Complaint, complaints

UNKNOWN = f"expected {', '.join(list(SETTINGS)[:-1])} or {list(SETTINGS)[-1]}"


class ConfigurationCase(SynchronousTestCase):
    """Assertions about the configuration in a text."""

    def load(self, text: str) -> Configuration:
        """Parse a text without errors."""
        try:
            return parse_configuration(text, "test.conf")
        except ConfigurationErrors as errors:
            self.fail(str(errors))

    def assert_refused(self, text: str, *errors: Complaint) -> None:
        """Assert the complete text of all errors."""
        refused = self.assertRaises(ConfigurationErrors, parse_configuration, text, "test.conf")
        self.assertEqual(complaints(text, *errors), str(refused))


class ValueTests(ConfigurationCase):
    """The valid and invalid values of each setting."""

    def assert_values(self, setting: str, attribute: str, good: dict[str, object], bad: dict[str, str]) -> None:
        """Assert the results of valid values, and the messages for invalid ones, without the setting's name."""
        for text, value in good.items():
            settings = self.load(f"{setting}: {text}\n").settings
            self.assertEqual(value, getattr(settings, attribute), text)
        for text, message in bad.items():
            self.assert_refused(f"{setting}:  {text}\n", (1, len(setting) + 4, f"{setting}: {message}"))

    def test_host(self) -> None:
        """HOST is an IPv4 or IPv6 address."""
        good = {"127.0.0.1": "127.0.0.1", "127.9.8.7": "127.9.8.7", "::1": "::1", "0:0:0:0:0:0:0:1": "::1"}
        invalid = ("localhost", "127.0.0.256", "127.0.0.1:3047", "[::1]", "1")
        message = "is not an IPv4 or IPv6 address, such as 127.0.0.1"
        bad = {text: f"'{text}' {message}" for text in invalid}
        bad["127.0.0.1 # mine"] = f"'127.0.0.1 # mine' {message}; a comment stands on lines of its own"
        bad["٣.0.0.1"] = f"'٣.0.0.1' (character 1 is U+0663 ARABIC-INDIC DIGIT THREE) {message}"
        self.assert_values("HOST", "host", dict(good), bad)

    def test_comment_after_a_value(self) -> None:
        """The error of a value that ends with a comment says so, whatever the setting; a # in a word is no comment."""
        comment = "; a comment stands on lines of its own"
        no_domain = "ALIAS DOMAINS: {} is not a domain name"
        for text, column, message in (
            ("PORT: 3047 #mine", 7, f"PORT: '3047 #mine' is not a port; expected a number from 0 to 65535{comment}"),
            ("PORT: # 3047", 7, f"PORT: '# 3047' is not a port; expected a number from 0 to 65535{comment}"),
            ("ALIAS DOMAINS: a.example # mine", 16, no_domain.format("'#'") + comment),
            ("ALIAS DOMAINS: a#b", 16, no_domain.format("'a#b'")),
        ):
            self.assert_refused(text, (1, column, message))

    def test_commas(self) -> None:
        """A list with commas where blanks are wanted has an error that says so, and no other list has."""
        hint = "; a list in a setting has blanks between its words, and no commas"
        for text, column, message in (
            ("ALIAS DOMAINS: a.example, b.example", 16, f"ALIAS DOMAINS: 'a.example,' is not a domain name{hint}"),
            ("ALIAS DOMAINS: a.example b..example", 16, "ALIAS DOMAINS: 'b..example' is not a domain name"),
            ("ALLOW: ::1,127.0.0.1", 8, f"ALLOW: '::1,127.0.0.1' {self.NO_NETWORK}{hint}"),
            ("ALLOW: ::x", 8, f"ALLOW: '::x' {self.NO_NETWORK}"),
            ("METRICS: ::1, a.example", 10, f"METRICS: '::1,' {self.NO_ADDRESS}{hint}"),
        ):
            self.assert_refused(text, (1, column, message))

    NO_NETWORK = "is not a network, such as 192.0.2.0/24 or 2001:db8::/32"
    NO_ADDRESS = "is not an address with a port, such as 127.0.0.1:9347 or [::1]:9347"

    def test_zone(self) -> None:
        """Only a link-local address can have a zone, RFC 4007."""
        self.assertEqual("fe80::1%lo", self.load("HOST: fe80::1%lo\nALLOW: ::1").settings.host)
        message = "'::1%lo' has a zone, which only a link-local address has: leave out '%lo'"
        self.assert_values("HOST", "host", {}, {"::1%lo": message})
        self.assert_values("METRICS", "metrics", {}, {"[::1%lo]:9347": message})

    def test_exposed_host(self) -> None:
        """A HOST that other machines can reach is an error without ALLOW."""
        for host in ("192.0.2.1", "0.0.0.0", "::", "2001:db8::1"):
            self.assertEqual(host, self.load(f"HOST: {host}\nALLOW: 192.0.2.0/24").settings.host)
            message = (
                f"HOST: {host} can be reached from other machines; say which may connect, such as "
                "ALLOW: 127.0.0.1 ::1 192.0.2.0/24, or listen on 127.0.0.1 or ::1"
            )
            self.assert_refused(f"HOST: {host}", (1, 7, message))

    def test_port(self) -> None:
        """PORT is a number from 0 to 65535."""
        good = {"0": 0, "25": 25, "65535": 65535, "00080": 80}
        invalid = ("65536", "-1", "+1", "3047.0", "x", "0x10", "1e3", "1_0", "٣", "3047 tcp", "000080", "9" * 60)
        message = "is not a port; expected a number from 0 to 65535"
        self.assert_values("PORT", "port", dict(good), {text: f"{quoted(text)} {message}" for text in invalid})

    def test_logging(self) -> None:
        """LOGGING is one of five levels, in any case."""
        levels = ("debug", "info", "warning", "error", "critical")
        good: dict[str, object] = {
            spelling: level for level in levels for spelling in (level, level.upper(), level.title())
        }
        expected = "expected debug, info, warning, error or critical"
        bad = {
            "warn": f"unknown level 'warn'; {expected}; did you mean 'warning'?",
            "2": f"unknown level '2'; {expected}",
            "debug info": f"unknown level 'debug info'; {expected}; did you mean 'debug'?",
        }
        self.assert_values("LOGGING", "logging", good, bad)

    def test_debug_account(self) -> None:
        """DEBUG ACCOUNT is a name without white space and at sign."""
        good = {"postmaster": "postmaster", "fred.morris+x": "fred.morris+x", "jürgen": "jürgen"}
        zero, blank = "U+200B ZERO WIDTH SPACE", "U+00A0 NO-BREAK SPACE"
        invalid = {
            "a b": "'a b'",
            "a@b": "'a@b'",
            "a\tb": "'a\tb'",
            "a\u200bb": f"'a\ufffdb' (character 2 is {zero})",
            "a\u00a0b": f"'a\ufffdb' (character 2 is {blank})",
        }
        message = "is not an account; it may have no space and no '@'"
        for text, shown in invalid.items():
            (error,) = self.assertRaises(
                ConfigurationErrors, parse_configuration, f"DEBUG ACCOUNT: {text}", "test.conf"
            ).errors
            self.assertEqual(f"DEBUG ACCOUNT: {shown} {message}", error.message)
        self.assert_values("DEBUG ACCOUNT", "debug_account", dict(good), {})

    def test_statistics(self) -> None:
        """STATISTICS is a number of seconds, or no or none."""
        good = {"0": 0, "60": 60, "999999999": 999_999_999, "no": None, "None": None, "NONE": None, "No": None}
        invalid = ("-1", "1.5", "yes", "1 h", "60s", "1000000000", "off", "٣")
        message = "is not a number of seconds; expected a whole number, 0, no or none"
        self.assert_values(
            "STATISTICS", "statistics", dict(good), {text: f"{quoted(text)} {message}" for text in invalid}
        )

    def test_processor(self) -> None:
        """PROCESSOR is the name of a Python module; whether the module exists is not checked here."""
        good = {"preprocessing_sample": "preprocessing_sample", "a.b_2": "a.b_2", "größe": "größe"}
        invalid = ("hooks.py", "a-b", "a b", ".a", "a.", "a..b", "/etc/a", "2a", "a/b")
        message = "is not the name of a Python module (without '.py')"
        self.assert_values("PROCESSOR", "processor", dict(good), {text: f"'{text}' {message}" for text in invalid})

    def test_alias_domains(self) -> None:
        """ALIAS DOMAINS are domain names in any case, separated by white space."""
        longest = ".".join(["x" * 63] * 3 + ["x" * 61])
        good = {
            "example.com": {"example.com"},
            "Example.COM  example.org\texample.com": {"example.com", "example.org"},
            "localhost xn--bcher-kva.example _x.a-b": {"localhost", "xn--bcher-kva.example", "_x.a-b"},
            "bücher.example XN--BCHER-KVA.Example": {"xn--bcher-kva.example"},
            longest: {longest},
        }
        message = "is not a domain name"
        commas = "; a list in a setting has blanks between its words, and no commas"
        invalid = ("a@b", ".a", "a.", "a..b", "-a", "a-", "a.-b", "a-.b", "bücher..example", "x" * 64, "*.a")
        bad = {text: f"'{text}' {message}" for text in invalid}
        bad["a,b"] = bad["example.com a,b"] = f"'a,b' {message}{commas}"
        self.assert_values("ALIAS DOMAINS", "alias_domains", dict(good), bad)

    def test_several_alias_domains(self) -> None:
        """ALIAS DOMAINS can be given several times."""
        text = "ALIAS DOMAINS: a.example b.example\nALIAS DOMAINS: A.example c.example\n"
        self.assertEqual({"a.example", "b.example", "c.example"}, self.load(text).settings.alias_domains)
        self.assert_refused(f"{text}ALIAS DOMAINS: -d", (3, 16, "ALIAS DOMAINS: '-d' is not a domain name"))

    def test_longest_alias_domain(self) -> None:
        """A domain name has at most 253 characters."""
        (error,) = self.assertRaises(
            ConfigurationErrors, parse_configuration, f"ALIAS DOMAINS: {'x.' * 126}xx", "test.conf"
        ).errors
        shown = "x." * 32
        message = f"ALIAS DOMAINS: '{shown}...' is not a domain name"
        self.assertEqual(message, error.message)

    def test_case_sensitive(self) -> None:
        """CASE SENSITIVE is yes or no, true or false, 1 or 0."""
        good: dict[str, object] = dict.fromkeys(("yes", "Yes", "true", "TRUE", "1"), True)
        good |= dict.fromkeys(("no", "NO", "false", "False", "0"), False)
        bad = {text: f"'{text}' is neither yes nor no" for text in ("y", "on", "off", "2", "yes no", "none")}
        self.assert_values("CASE SENSITIVE", "case_sensitive", good, bad)


class SettingsTests(ConfigurationCase):
    """Rules for all settings."""

    def test_defaults(self) -> None:
        """A configuration without settings has the defaults."""
        settings = self.load("").settings
        self.assertEqual(Settings(), settings)
        self.assertEqual(
            ("127.0.0.1", 3047, "warning", None, None, None, frozenset(), True),
            (
                settings.host,
                settings.port,
                settings.logging,
                settings.debug_account,
                settings.statistics,
                settings.processor,
                settings.alias_domains,
                settings.case_sensitive,
            ),
        )

    def test_one_changes_no_other(self) -> None:
        """A setting leaves the others at their defaults."""
        self.assertEqual(Settings(port=25), self.load("PORT: 25").settings)

    def test_no_value(self) -> None:
        """A setting without a value is an error."""
        for setting in SETTINGS:
            self.assert_refused(f"{setting}:", (1, len(setting) + 1, f"{setting} has no value"))

    def test_unknown(self) -> None:
        """The error for an unknown setting lists the known ones and suggests a similar one."""
        near = {"host": "HOST", "POTR": "PORT", "LOGG": "LOGGING", "DEBUG-ACCOUNT": "DEBUG ACCOUNT"}
        near |= {"Case Sensitive": "CASE SENSITIVE", "CASESENSITIVE": "CASE SENSITIVE", "ALIAS DOMAIN": "ALIAS DOMAINS"}
        for name, meant in near.items():
            message = f"unknown setting '{name}'; {UNKNOWN}; did you mean '{meant}'?"
            self.assert_refused(f"{name}: x", (1, 1, message))
        self.assert_refused("  TIMEOUT: 5", (1, 3, f"unknown setting 'TIMEOUT'; {UNKNOWN}"))

    def test_twice(self) -> None:
        """A setting that is given twice is an error, whether the values are equal, different or invalid."""
        for name, value in (("PORT", "1"), ("CASE SENSITIVE", "no"), ("HOST", "127.0.0.1")):
            errors = [(line, 1, f"{name} is already given in line 2") for line in (3, 5)]
            self.assert_refused(f"#\n{name}: {value}\n{name}: {value}\n\n{name}:\n", *errors)
        self.assert_refused(
            "PORT: x\nPORT: 1",
            (1, 7, "PORT: 'x' is not a port; expected a number from 0 to 65535"),
            (2, 1, "PORT is already given in line 1"),
        )

    def test_given(self) -> None:
        """A setting counts as given also with its default value."""
        configuration = self.load("PORT: 3047")
        self.assertEqual((True, False), (configuration.given("PORT"), configuration.given("HOST")))

    def test_offsets(self) -> None:
        """The offset of a setting is that of its first occurrence; an offset has a line."""
        configuration = self.load("# x\nLISTEN: tcp_table tcp:1\nLISTEN: tcp_table tcp:2\n")
        self.assertEqual((4, 0), (configuration.offset("LISTEN"), configuration.offset("HOST")))
        self.assertEqual((1, 2, 3), (configuration.line(0), configuration.line(4), configuration.line(30)))


class LoadTests(ConfigurationCase):
    """Whole texts."""

    def test_policy(self) -> None:
        """A configuration has the policy, the settings and the expectations of a text."""
        configuration = self.load(
            "ACCOUNT Foo ALIASED bar MATCHES %alias%-%code% WITH x;\nCASE SENSITIVE: no\nEXPECT bar-x Foo;"
        )
        policy = configuration.policy
        self.assertEqual(({"Foo"}, {"bar"}, False), (policy.accounts, policy.aliases, policy.case_sensitive))
        self.assertEqual(("test.conf", 1), (configuration.name, len(configuration.expectations)))

    def test_case_counts_in_the_checks(self) -> None:
        """Statements are checked with the file's CASE SENSITIVE, also if that comes after them."""
        text = "ACCOUNT a MATCHES x%code% WITH x;\nACCOUNT b MATCHES X%code% WITH x;\n"
        self.load(text)
        message = "the same expression stands in line {}; it must have %account%, or differ"
        self.assert_refused(f"{text}CASE SENSITIVE: no", (1, 19, message.format(2)), (2, 19, message.format(1)))

    def test_all_errors(self) -> None:
        """All errors are reported in the order of the file, whichever step found them."""
        no_ident = "is not a name of class ident (letters, digits and '_', a letter or digit first and last)"
        self.assert_refused(
            "ACCOUNT a- MATCHES %account%.%code% WITH x;\nPORT: x\nfoo\nHOTS: y\n"
            "ACCOUNT b MATCHES %code WITH x;\nACCOUNT c MATCHES %code% WITH",
            (1, 9, f"'a-' {no_ident}; it would be one of USING mailbox"),
            (2, 7, "PORT: 'x' is not a port; expected a number from 0 to 65535"),
            (3, 1, "expected a setting (NAME: value), ACCOUNT, EXPECT, REFUSE, DELIVER or END, found 'foo'"),
            (4, 1, f"unknown setting 'HOTS'; {UNKNOWN}; did you mean 'HOST'?"),
            (5, 19, "this '%' has no partner; a percent sign is written '%%'"),
            (6, 1, "this ACCOUNT statement has no ';' at its end"),
        )

    def test_errors_after_loading(self) -> None:
        """An error found after parsing points at its setting or at any offset."""
        configuration = self.load("# x\n PROCESSOR: foo\nLISTEN: tcp_table tcp:1\nLISTEN: tcp_table tcp:2\n")
        self.assertEqual(
            "test.conf:2:2: no such\n PROCESSOR: foo\n ^", str(configuration.setting_error("PROCESSOR", "no such"))
        )
        second = configuration.setting_error("LISTEN", "in use", 1)
        self.assertEqual("test.conf:4:1: in use\nLISTEN: tcp_table tcp:2\n^", str(second))
        self.assertEqual("test.conf:1:3: here\n# x\n  ^", str(configuration.error(2, "here")))

    def test_many_lines_of_a_setting(self) -> None:
        """The time to read a setting with a value on each of many lines is in proportion to their number."""
        before = time.process_time()
        settings = self.load(
            "".join([f"ALIAS DOMAINS: d{n}.example\nLISTEN: policy tcp:{n}\n" for n in range(30_000)])
        ).settings
        self.assertLess(time.process_time() - before, 10)
        self.assertEqual({f"d{number}.example" for number in range(30_000)}, settings.alias_domains)
        self.assertEqual([f"tcp:{number}" for number in range(30_000)], [each.endpoint for each in settings.listen])

    def test_pauses(self) -> None:
        """The pause is called often while a long text is parsed."""
        pauses: list[None] = []
        parse_configuration(
            "ACCOUNT a MATCHES %account%-%code% WITH x;" * 200, "test.conf", lambda: pauses.append(None)
        )
        self.assertGreaterEqual(len(pauses), 200 // 20 + 2 * 200 // 50)


class LimitTests(SynchronousTestCase):
    """Reading stops after many errors, wherever they are."""

    def errors(self, text: str, most: int = 100) -> ConfigurationErrors:
        """Return the errors of a text, of which ``most`` are read."""
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(text, "a.conf", limits=Limits(errors=most))
        errors: ConfigurationErrors = raised.exception
        return errors

    MISTAKES = (
        "x\n",
        "Nov 25 19:25:34 host trualias: x\n",
        "PORT: 25\n",
        "PORT: x\n",
        "LISTEN: x y\n",
        "ACCOUNT a MATCH %code% WITH x;\n",
        "ACCOUNT a MATCHES %cod% WITH x;\n",
        "ACCOUNT a MATCHES %code%%code%%cod% WITH x;\n",
        "ACCOUNT a USING x MATCHES %code% WITH x;\n",
        "ACCOUNT a MATCHES %account%-%code% WITH CHARS(), CHARX();\n",
        "ACCOUNT a. MATCHES %account%-%code% WITH x;\n",
        "ACCOUNT a MATCHES %code% WITH x;\n",
    )

    def test_statements(self) -> None:
        """The reading of many statements with mistakes stops when the limit of errors is exceeded."""
        for line in self.MISTAKES:
            errors = self.errors(line * 300)
            self.assertEqual((100, True), (len(errors.errors), errors.is_truncated), line)
            self.assertLess(errors.errors[-1].line, 103)

    def test_one_statement(self) -> None:
        """Many mistakes of one statement are limited, too."""
        for text in (
            f"ACCOUNT a MATCHES {'%x%' * 5_000} WITH x;",
            f"ACCOUNT a MATCHES %code% WITH {', '.join(['CHARX()'] * 5_000)};",
            f"ACCOUNT a MATCHES %code% WITH {', '.join(['CHARS(9)'] * 5_000)};",
            f"ACCOUNT {', '.join(['.'] * 5_000)} MATCHES %account%%code% WITH x;",
            f"ACCOUNT a MATCHES %x%{'%code%' * 5_000} WITH {', '.join(['CHARX()'] * 5_000)};",
        ):
            errors = self.errors(text, 1_000)
            self.assertEqual((1_000, True), (len(errors.errors), errors.is_truncated), text[:40])

    def test_no_more(self) -> None:
        """As many errors as the limit are not truncated."""
        errors = self.errors("x\n" * 100)
        self.assertEqual((100, False), (len(errors.errors), errors.is_truncated))

    def test_text(self) -> None:
        """The text has the first 20 errors, and the number of the others."""
        for number, rest in (
            (20, []),
            (21, ["1 more error"]),
            (50, ["30 more errors"]),
            (101, ["at least 80 more errors"]),
        ):
            lines = str(self.errors("x\n" * number)).split("\n")
            self.assertEqual(rest, lines[60:])
            self.assertEqual(
                [f"a.conf:{line}:1" for line in range(1, 21)], [line[: line.index(": ")] for line in lines[:60:3]]
            )


class UnprintableTests(SynchronousTestCase):
    """Control characters of a file never reach a terminal or a log."""

    ESCAPE = "\x1b]0;title\x07"

    def assert_printable(self, text: str) -> None:
        """Assert that a text has errors, and that they have no control characters but line ends."""
        with self.assertRaises(ConfigurationErrors) as raised:
            check_listeners(parse_configuration(text, f"{self.ESCAPE}.conf"))
        for line in str(raised.exception).split("\n"):
            self.assertTrue(line.isprintable(), line)

    def test_settings(self) -> None:
        """The values of all settings."""
        for name in set(SETTINGS) - {"DEBUG ACCOUNT"}:
            self.assert_printable(f"{name}: {self.ESCAPE}\n")
            self.assert_printable(f"{name}: 127.0.0.1:80 {self.ESCAPE}\n")
        self.assert_printable(f"DEBUG ACCOUNT: {self.ESCAPE}\n")
        for value in ("tcp_table {}", "tcp_table {}:25", "tcp_table tcp:25:{}=x", "socketmap unix:/x{}", "{} tcp:25"):
            self.assert_printable(f"LISTEN: {value.format(self.ESCAPE)}\n")

    def test_statements(self) -> None:
        """All parts of statements."""
        for text in (
            "{} x",
            "{}: x",
            "END {}",
            "ACCOUNT {} MATCHES %account%-%code% WITH x;",
            "ACCOUNT a {} MATCHES %account%-%code% WITH x;",
            "ACCOUNT a USING {} MATCHES %account%-%code% WITH x;",
            "ACCOUNT a ALIASED {} MATCHES %alias%-%code% WITH x;",
            "ACCOUNT a MATCHES {}-%code% WITH x;",
            "ACCOUNT a MATCHES %{}%-%code% WITH x;",
            "ACCOUNT a MATCHES %code% WITH {};",
            "ACCOUNT a MATCHES %code% WITH {}();",
            "ACCOUNT a MATCHES %ident%-%code% WITH CHAR({},-);",
            "ACCOUNT a MATCHES %ident%-%code% WITH CHAR(1,{});",
            "ACCOUNT a MATCHES %ident%-%code% WITH CHARS({});",
            "EXPECT {} {} {};",
        ):
            self.assert_printable(text.replace("{}", self.ESCAPE.replace(";", "")))


class ReadTests(SynchronousTestCase):
    """Files."""

    def setUp(self) -> None:
        """Choose the name of a file."""
        self.path = self.mktemp()

    def write(self, content: bytes) -> None:
        """Write the file."""
        with open(self.path, "wb") as file:
            file.write(content)

    def assert_refused(self, text: str) -> None:
        """Assert the complete text of the errors, with FILE for the path."""
        refused = self.assertRaises(ConfigurationErrors, read_configuration, self.path)
        self.assertEqual(text, str(refused).replace(self.path, "FILE"))

    def test_read(self) -> None:
        """A configuration read from a UTF-8 file has the path as its name."""
        self.write("# größer\nPORT: 25\n".encode())
        configuration = read_configuration(self.path)
        self.assertEqual((self.path, 25), (configuration.name, configuration.settings.port))

    def test_byte_order_mark(self) -> None:
        """A byte order mark is ignored, and not counted in columns."""
        self.write(b"\xef\xbb\xbfPORT: 25\n")
        self.assertEqual(25, read_configuration(self.path).settings.port)
        self.write(b"\xef\xbb\xbfPORT: x\n")
        self.assert_refused("FILE:1:7: PORT: 'x' is not a port; expected a number from 0 to 65535\nPORT: x\n      ^")

    def test_pauses(self) -> None:
        """The pause is called while a file is read."""
        self.write(b"PORT: 25\n")
        pauses: list[None] = []
        read_configuration(self.path, lambda: pauses.append(None))
        self.assertNotEqual([], pauses)

    def test_errors(self) -> None:
        """Errors name the path."""
        self.write(b"foo")
        self.assert_refused(
            "FILE:1:1: expected a setting (NAME: value), ACCOUNT, EXPECT, REFUSE, DELIVER or END, found 'foo'\nfoo\n^"
        )

    def test_missing(self) -> None:
        """A missing file is an error."""
        self.assert_refused("FILE: cannot be read: No such file or directory")

    def test_folder(self) -> None:
        """A folder in place of the file is an error."""
        os.mkdir(self.path)
        self.assert_refused("FILE: is not a regular file")

    def test_fifo(self) -> None:
        """A FIFO in place of the file is an error, and is not waited for."""
        os.mkfifo(self.path)
        self.assert_refused("FILE: is not a regular file")

    def test_socket(self) -> None:
        """A unix socket in place of the file is an error."""
        self.path = os.path.relpath(tempfile.mkdtemp(dir="/tmp")) + "/socket"
        self.addCleanup(shutil.rmtree, os.path.dirname(self.path))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.path)
            self.assert_refused("FILE: is not a regular file")

    def test_device(self) -> None:
        """A device in place of the file is an error, also one that never ends."""
        for self.path in ("/dev/zero", "/dev/null"):
            self.assert_refused("FILE: is not a regular file")

    def test_link(self) -> None:
        """A symbolic link to a file is read."""
        self.write(b"PORT: 25\n")
        os.symlink(os.path.abspath(self.path), self.path + "-link")
        self.assertEqual(25, read_configuration(self.path + "-link").settings.port)

    def test_too_long(self) -> None:
        """A file of as many octets as the limit is read, and a longer one is an error."""
        mebibyte = 1 << 20
        limits = Limits(octets=2 * mebibyte)
        self.write(b"#" * (2 * mebibyte))
        read_configuration(self.path, limits=limits)
        self.write(b"#" * (2 * mebibyte + 1))
        refused = self.assertRaises(ConfigurationErrors, read_configuration, self.path, limits=limits)
        self.assertEqual(f"{self.path}: is longer than 2 MiB", str(refused))

    def test_no_file_in_a_file(self) -> None:
        """A path below a file is an error."""
        self.write(b"")
        self.path += "/x"
        self.assert_refused("FILE: cannot be read: Not a directory")

    def test_not_utf8(self) -> None:
        """The error for bytes that are not UTF-8 has their column, counted in characters."""
        self.write(b"PORT: 25\n# gr\xc3\xb6\xdfer \xff\n")
        self.assert_refused("FILE:2:6: this is not UTF-8 text\n# gr\u00f6\ufffder \ufffd\n     ^")

    def test_not_utf8_after_a_byte_order_mark(self) -> None:
        """The column does not count a byte order mark."""
        self.write(b"\xef\xbb\xbf# \xc3\xb6\xff\n")
        self.assert_refused("FILE:1:4: this is not UTF-8 text\n# \u00f6\ufffd\n   ^")

    def test_truncated(self) -> None:
        """A character truncated by the end of the file is an error."""
        self.write(b"# \xe2\x82")
        self.assert_refused("FILE:1:3: this is not UTF-8 text\n# \ufffd\n  ^")

    def test_utf16(self) -> None:
        """A UTF-16 file is refused at its first byte."""
        self.write("PORT: 25\n".encode("utf-16"))
        refused = str(self.assertRaises(ConfigurationErrors, read_configuration, self.path)).replace(self.path, "FILE")
        self.assertTrue(refused.startswith("FILE:1:1: this is not UTF-8 text\n\ufffd\ufffdP"), refused)
