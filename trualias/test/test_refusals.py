"""Tests of ``REFUSE``: its errors, and the answers of the tables."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Answer, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.refusals import find_refusals
from trualias.test.complaints import Complaint, complaints
from trualias.test.lookups import Hooks

POLICY = """\
ALIAS DOMAINS: example.com Example.ORG
DEBUG ACCOUNT: Postmaster
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""

REFUSED = NotFound(NotFoundReason.REFUSED)


class CheckTests(SynchronousTestCase):
    """The errors of ``REFUSE`` statements."""

    def assert_refused(self, statement: str, *errors: Complaint, policy: str = POLICY) -> None:
        """Assert the complete text of the errors of a policy and a statement after it; lines count from its first."""
        text = policy + statement
        first = policy.count("\n")
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(text, "test.conf")
        expected = complaints(text, *((first + line, column, message) for line, column, message in errors))
        self.assertEqual(expected, str(raised.exception))

    def test_local_parts(self) -> None:
        """Only what can be an alias can be refused."""
        meaning = "is not a local part: 1 to 64 letters, digits, dots and !#$%&'*+-/=?^_`{|}~ (RFC 5321, RFC 5322)"
        for text, local_part in (
            ("@example.com", ""),
            ('"a"@example.com', '"a"'),
            ("a@b@example.com", "a@b"),
            ("é", "é"),
            (65 * "x", 64 * "x" + "..."),
        ):
            self.assert_refused(f"REFUSE {text};", (1, 8, f"'{local_part}' {meaning}"))
        parse_configuration(f"{POLICY}REFUSE {64 * 'x'}, .a..b., !#$%&'*+-/=?^_`{{|}}~;", "test.conf")

    def test_account_of_imports(self) -> None:
        """An account that has a DELIVER statement alone is a mailbox in its domains."""
        policy = f"STORE: sqlite:m\n{POLICY}DELIVER imports AT example.com TO a@b.example;\n"
        message = "'Imports@example.com' is the account imports, and all its mail would be refused"
        self.assert_refused("REFUSE Imports@example.com;", (1, 8, message), policy=policy)
        parse_configuration(f"{policy}REFUSE imports@example.org;", "test.conf")

    def test_domains(self) -> None:
        """The domain of a refused address is an alias domain, in any case."""
        parse_configuration(f"{POLICY}REFUSE a@EXAMPLE.com, a@example.org;", "test.conf")
        for domain in ("example.net", "", "sub.example.com", "é.example"):
            message = f"the domain '{domain}' is not one of ALIAS DOMAINS"
            self.assert_refused(f"REFUSE a, bc@{domain};", (1, 14, message))

    def test_unknown_alias_domains(self) -> None:
        """While ALIAS DOMAINS has an error, no domain is reported; without the setting, every domain is."""
        policy = POLICY.replace("example.com", "/").replace("ALIAS", "PORT: x\nALIAS")
        message = "ALIAS DOMAINS: '/' is not a domain name"
        port = "PORT: 'x' is not a port; expected a number from 0 to 65535"
        self.assert_refused("REFUSE a@example.com;", (-3, 7, port), (-2, 16, message), policy=policy)
        message = "the domain 'example.com' is not one of ALIAS DOMAINS"
        self.assert_refused("REFUSE a@example.com;", (1, 10, message), policy="\n")

    def test_mailboxes(self) -> None:
        """The name of an account, and the DEBUG ACCOUNT, cannot be refused, in any case and any domain."""
        self.assert_refused(
            "REFUSE FOO, foo@example.org,\n postMASTER;",
            (1, 8, "'FOO' is the account foo, and all its mail would be refused"),
            (1, 13, "'foo@example.org' is the account foo, and all its mail would be refused"),
            (2, 2, "'postMASTER' is the DEBUG ACCOUNT Postmaster, and all its mail would be refused"),
        )

    def test_many_errors(self) -> None:
        """The check stops after as many errors as are reported."""
        addresses = ", ".join(5_000 * ["foo"])
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(f"{POLICY}REFUSE {addresses};", "test.conf")
        self.assertEqual("at least 1000 errors", raised.exception.count)


class LookupTests(SynchronousTestCase):
    """The answers of the tables."""

    def assert_answers(self, snapshot: Snapshot, table: Table, answers: Mapping[str, Answer]) -> None:
        """Assert the answers of a table."""
        self.assertEqual(answers, {key: snapshot.tables[table](key) for key in answers})

    def snapshot(self, statements: str, hooks: Hooks | None = None) -> Snapshot:
        """Return a snapshot of the policy and further statements."""
        return Snapshot(parse_configuration(POLICY + statements, "test.conf"), hooks)

    def test_without_domain(self) -> None:
        """An address without a domain is refused in both tables and all domains, in any case, and is no wrong code."""
        snapshot = self.snapshot("REFUSE foo-Macys-m5, foo-a-wrong;")
        wrong = NotFound(NotFoundReason.WRONG_CODE, ("foo",))
        for table, at in ((Table.LOCAL_PART, ""), (Table.VIRTUAL, "@example.com"), (Table.VIRTUAL, "@EXAMPLE.org")):
            answers: dict[str, Answer] = {
                f"foo-macys-m5{at}": REFUSED,
                f"FOO-MACYS-M5{at}": REFUSED,
                f"foo-a-wrong{at}": REFUSED,
                f"foo-google-g6{at}": Found(f"foo{at}", "foo"),
                f"foo-macys-m6{at}": wrong,
            }
            self.assert_answers(snapshot, table, answers)
        foreign = {"foo-macys-m5@example.net": NotFound(NotFoundReason.UNKNOWN_DOMAIN)}
        self.assert_answers(snapshot, Table.VIRTUAL, foreign)

    def test_with_domain(self) -> None:
        """An address with a domain is refused in this domain alone, and not in the local-part table."""
        snapshot = self.snapshot("REFUSE foo-macys-m5@example.org;")
        answers: dict[str, Answer] = {
            "foo-macys-m5@example.org": REFUSED,
            "Foo-macys-m5@Example.Org": REFUSED,
            "foo-macys-m5@example.com": Found("foo@example.com", "foo"),
        }
        self.assert_answers(snapshot, Table.VIRTUAL, answers)
        self.assert_answers(snapshot, Table.LOCAL_PART, {"foo-macys-m5": Found("foo", "foo")})

    def test_spellings_of_a_domain(self) -> None:
        """A domain may have either spelling, in the statement and in the key."""
        for refused in ("bücher.example", "XN--bcher-kva.example"):
            text = f"ALIAS DOMAINS: BÜCHER.example\n{POLICY.split(chr(10), 1)[1]}REFUSE foo-macys-m5@{refused};"
            snapshot = Snapshot(parse_configuration(text, "test.conf"))
            keys = ("foo-macys-m5@bücher.example", "foo-macys-m5@xn--bcher-kva.example")
            self.assert_answers(snapshot, Table.VIRTUAL, dict.fromkeys(keys, REFUSED))

    def test_login(self) -> None:
        """The login table refuses what the virtual table refuses."""
        snapshot = self.snapshot("REFUSE foo-macys-m5@example.org, foo-a-a1;")
        answers: dict[str, Answer] = {
            "foo-macys-m5@example.org": REFUSED,
            "foo-a-a1@example.com": REFUSED,
            "foo-macys-m5@example.com": Found("foo", "foo"),
            "foo@example.com": Found("foo", "foo"),
        }
        self.assert_answers(snapshot, Table.LOGIN, answers)

    def test_ambiguous(self) -> None:
        """An address that verifies for several accounts is refused as any other."""
        both = "ACCOUNT a MATCHES %alpha%.%code% WITH x; ACCOUNT b MATCHES %alnum%.%code% WITH x;"
        self.assert_answers(self.snapshot(both + "REFUSE q.x;"), Table.LOCAL_PART, {"q.x": REFUSED})

    def test_hooks(self) -> None:
        """A refused address goes through ``preprocess``, and keys are compared with what it returns."""

        def preprocess(alias: str, domain: str | None) -> tuple[str, str | None] | None:
            if alias == "gone":
                return None
            alias = alias.replace(".", "-")
            return alias if domain is None else f"{alias}-x1", "example.com" if domain == "old.example" else domain

        snapshot = self.snapshot("REFUSE foo.macys.m5, gone, foo.a.b@example.org;", Hooks(preprocess=preprocess))
        self.assert_answers(snapshot, Table.LOCAL_PART, {"foo-macys-m5": REFUSED, "foo-macys.m5": REFUSED})
        answers: dict[str, Answer] = {
            "foo-macys-m5@example.com": REFUSED,
            "foo.macys-m5@old.example": REFUSED,
            "foo-a-b@example.org": REFUSED,
            "foo-a-b@example.com": NotFound(NotFoundReason.WRONG_CODE, ("foo",)),
            "gone@example.com": NotFound(NotFoundReason.REFUSED_BY_HOOK),
        }
        self.assert_answers(snapshot, Table.VIRTUAL, answers)
        self.assertEqual({"foo-macys-m5-x1": len(POLICY) + 7}, snapshot.refusals.everywhere)

    def test_hooks_that_depend_on_the_domain(self) -> None:
        """An address without a domain is refused as the hook returns it for each domain, whatever that is."""

        def preprocess(alias: str, domain: str | None) -> tuple[str, str | None]:
            return (f"foo-{alias}" if domain == "example.org" else alias), domain

        snapshot = self.snapshot("REFUSE foo-ab-a2;", Hooks(preprocess=preprocess))
        expected = {"foo-ab-a2@example.com": len(POLICY) + 7, "foo-foo-ab-a2@example.org": len(POLICY) + 7}
        self.assertEqual((expected, {}), (snapshot.refusals.addresses, snapshot.refusals.everywhere))
        self.assert_answers(
            snapshot, Table.VIRTUAL, {"foo-ab-a2@example.com": REFUSED, "foo-ab-a2@example.org": REFUSED}
        )

    def test_hooks_that_fail(self) -> None:
        """A hook that raises for a refused address, or makes it an account, is an error of the configuration."""

        def preprocess(alias: str, domain: str | None) -> tuple[str, str | None]:
            if alias == "broken":
                raise ValueError("two\nlines")
            return alias.split("-")[0], domain

        text = f"{POLICY}REFUSE broken,\n Foo-ab-a2;"
        with self.assertRaises(ConfigurationErrors) as raised:
            find_refusals(parse_configuration(text, "test.conf"), preprocess)
        expected = complaints(
            text,
            (4, 8, "the lookup of broken fails: a hook raised ValueError: two lines"),
            (5, 2, "preprocess() returns foo for it: 'foo' is the account foo, and all its mail would be refused"),
        )
        self.assertEqual(expected, str(raised.exception))

    def test_pauses(self) -> None:
        """The caller may pause at each address and call of the hook, at each statement, and at each account twice."""
        pauses: list[None] = []
        configuration = parse_configuration(POLICY + "REFUSE a, b@example.com;", "test.conf")
        find_refusals(configuration, lambda alias, domain: (alias, domain), lambda: pauses.append(None))
        self.assertEqual(2 + (3 + 1) + (1 + 2), len(pauses))
