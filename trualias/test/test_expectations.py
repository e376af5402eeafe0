"""Tests of ``trualias.lookup.expectations``."""

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.language.source import MOST_ERRORS
from trualias.lookup import Snapshot
from trualias.lookup.expectations import check_expectations

_POLICIES = """\
ALIAS DOMAINS: example.com
CASE SENSITIVE: no
ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT one MATCHES %alpha%.%code% WITH VOWELS();
ACCOUNT two MATCHES %alnum%.%code% WITH VOWELS();
"""


class _BoxHooks:
    """Hooks that raise for one alias, and change every account."""

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None]:
        if alias == "broken":
            raise ValueError("two\nlines")
        return alias, domain

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None]:
        return f"{account}-box", domain


class ExpectationTests(SynchronousTestCase):
    """Expectations that are met, and the errors of those that are not."""

    def errors(self, text: str, hooks: _BoxHooks | None = None) -> str:
        """Check the expectations of a configuration; return the whole text of the errors."""
        try:
            check_expectations(Snapshot(parse_configuration(_POLICIES + text, "x.conf"), hooks))
        except ConfigurationErrors as errors:
            return str(errors)
        return ""

    def test_met(self) -> None:
        """Accounts, NOTHING and DEBUG can be expected, of several addresses, with and without a domain."""
        self.assertEqual(
            self.errors(
                "DEBUG ACCOUNT: postmaster\n"
                "EXPECT foo-macys-m5, FOO-Google-g6, foo-macys-m5@example.com foo;\n"
                "EXPECT foo-macys-m5@Example.COM foo@Example.COM;\n"
                "EXPECT foo-macys-m6, nobody, foo-macys-m5@elsewhere.example NOTHING;\n"
                "EXPECT aha.2, aha.2@example.com DEBUG;\n"
            ),
            "",
        )

    def test_ambiguous_without_debug_account_is_nothing(self) -> None:
        """Without DEBUG ACCOUNT an ambiguous address meets the expectation NOTHING."""
        self.assertEqual(self.errors("EXPECT aha.2 NOTHING;\n"), "")

    def test_not_found(self) -> None:
        """Every address that is not found is reported, with its reason."""
        self.assertEqual(
            self.errors("EXPECT foo-macys-m6,\n  nobody foo;\nEXPECT a.0@elsewhere.example one;\n"),
            "x.conf:6:8: 'foo-macys-m6' is expected to give foo, but it is not found: it has the shape of an alias of "
            "foo, but its code is wrong\n"
            "EXPECT foo-macys-m6,\n"
            "       ^\n"
            "x.conf:7:3: 'nobody' is expected to give foo, but it is not found: no statement in use has aliases of "
            "this shape\n"
            "  nobody foo;\n"
            "  ^\n"
            "x.conf:8:8: 'a.0@elsewhere.example' is expected to give one, but it is not found: the domain is not one "
            "of ALIAS DOMAINS\n"
            "EXPECT a.0@elsewhere.example one;\n"
            "       ^",
        )

    def test_wrong_code_of_many_readings(self) -> None:
        """A wrong code is recognized also in an address that can be read in too many ways to try them all."""
        self.assertEqual(
            self.errors(
                "ACCOUNT two MATCHES %alnum%x%alpha%=%code% WITH CHARS(2);\nEXPECT 1x1x1x1x1x1x1x1x1x1x1x1xabc=9 two;\n"
            ),
            "x.conf:7:8: '1x1x1x1x1x1x1x1x1x1x1x1xabc=9' is expected to give two, but it is not found: it has the "
            "shape of an alias of two, but its code is wrong\n"
            "EXPECT 1x1x1x1x1x1x1x1x1x1x1x1xabc=9 two;\n"
            "       ^",
        )

    def test_found(self) -> None:
        """An address that is found against the expectation is reported with its value."""
        self.assertEqual(
            self.errors("EXPECT foo-macys-m5 NOTHING;\nEXPECT foo-macys-m5@example.com DEBUG;\n"),
            "x.conf:6:8: 'foo-macys-m5' is expected to give NOTHING, but it gives foo\n"
            "EXPECT foo-macys-m5 NOTHING;\n"
            "       ^\n"
            "x.conf:7:8: 'foo-macys-m5@example.com' is expected to give DEBUG, but it gives foo@example.com\n"
            "EXPECT foo-macys-m5@example.com DEBUG;\n"
            "       ^",
        )

    def test_ambiguous(self) -> None:
        """An ambiguous address is reported with its accounts and its value."""
        self.assertEqual(
            self.errors("EXPECT aha.2 DEBUG;\n"),
            "x.conf:6:8: 'aha.2' is expected to give DEBUG, but it is not found, because there is no DEBUG ACCOUNT: it "
            "is right for several accounts, one, two\n"
            "EXPECT aha.2 DEBUG;\n"
            "       ^",
        )
        self.assertEqual(
            self.errors("DEBUG ACCOUNT: postmaster\nEXPECT aha.2 one;\n"),
            "x.conf:7:8: 'aha.2' is expected to give one, but it goes to postmaster: it is right for several "
            "accounts, one, two\n"
            "EXPECT aha.2 one;\n"
            "       ^",
        )

    def test_hooks(self) -> None:
        """Addresses go through the hooks as in the server; an exception in a hook is reported on one line."""
        self.assertEqual(self.errors("EXPECT foo-macys-m5 foo-box;\n", _BoxHooks()), "")
        self.assertEqual(
            self.errors("EXPECT foo-macys-m5 foo;\nEXPECT broken NOTHING;\n", _BoxHooks()),
            "x.conf:6:8: 'foo-macys-m5' is expected to give foo, but it gives foo-box (account foo)\n"
            "EXPECT foo-macys-m5 foo;\n"
            "       ^\n"
            "x.conf:7:8: 'broken' is expected to give NOTHING, but a hook raised ValueError: two lines\n"
            "EXPECT broken NOTHING;\n"
            "       ^",
        )

    def test_many(self) -> None:
        """The check stops when there are more errors than reading a file allows."""
        pauses: list[None] = []
        text = f"EXPECT {', '.join(['x'] * 5_000)} foo;\n"
        snapshot = Snapshot(parse_configuration(_POLICIES + text, "x.conf"))
        with self.assertRaises(ConfigurationErrors) as raised:
            check_expectations(snapshot, lambda: pauses.append(None))
        self.assertEqual((MOST_ERRORS, True), (len(raised.exception.errors), raised.exception.is_truncated))
        self.assertLess(len(pauses), MOST_ERRORS + 2)

    def test_unprintable(self) -> None:
        """Texts from the file and from hooks are printable and bounded in the message."""
        text = self.errors(f"EXPECT \x1b[31m{'x' * 100} \x1b[32m;\n")
        self.assertIn(
            f"'\ufffd[31m{'x' * 59}...' (character 1 is U+001B) is expected to give \ufffd[32m, but it is not found",
            text,
        )
        self.assertNotIn("\x1b", text)
