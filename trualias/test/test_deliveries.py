"""Tests of ``DELIVER``: its errors, and the answers of the virtual table."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, Answer, Found, NotFound, NotFoundReason, Snapshot
from trualias.lookup.expectations import check_expectations
from trualias.protocols import wire
from trualias.test.complaints import Complaint, complaints
from trualias.test.lookups import Hooks

POLICY = """\
ALIAS DOMAINS: example.com Example.ORG bücher.example
DEBUG ACCOUNT: postmaster
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT one MATCHES %alpha%.%code% WITH x;
ACCOUNT two MATCHES %alnum%.%code% WITH x;
"""


class CheckTests(SynchronousTestCase):
    """The errors of ``DELIVER`` statements."""

    def assert_refused(self, statements: str, *errors: Complaint, policy: str = POLICY) -> None:
        """Assert the complete text of the errors of a policy and statements after it; lines count from their first."""
        text = policy + statements
        first = policy.count("\n")
        with self.assertRaises(ConfigurationErrors) as raised:
            parse_configuration(text, "test.conf")
        expected = complaints(text, *((first + line, column, message) for line, column, message in errors))
        self.assertEqual(expected, str(raised.exception))

    def test_accounts(self) -> None:
        """The account is one of a statement, or the DEBUG ACCOUNT, as the file compares names."""
        message = "no statement has the account"
        self.assert_refused("DELIVER fooo TO a@b.example;", (1, 9, f"{message} 'fooo'; did you mean 'foo'?"))
        self.assert_refused("DELIVER Foo TO a@b.example;", (1, 9, f"{message} 'Foo'; did you mean 'foo'?"))
        self.assert_refused("DELIVER xyz TO a@b.example;", (1, 9, f"{message} 'xyz'"))
        parse_configuration(f"{POLICY}DELIVER postmaster TO root;", "test.conf")
        parse_configuration(f"CASE SENSITIVE: no\n{POLICY}DELIVER Foo TO a; DELIVER POSTMASTER TO root;", "test.conf")
        parse_configuration(f"STORE: sqlite:m\n{POLICY}DELIVER fooo TO a;", "test.conf")  # of imported aliases
        many = "".join(f"ACCOUNT a{number} MATCHES %account%.%code% WITH x;" for number in range(200))
        self.assert_refused("DELIVER a1000 TO b;", (1, 9, f"{message} 'a1000'"), policy=f"{many}\n")

    def test_domains(self) -> None:
        """A domain after AT is an alias domain, in any spelling."""
        parse_configuration(f"{POLICY}DELIVER foo AT EXAMPLE.com, xn--bcher-kva.example TO a;", "test.conf")
        message = "the domain 'example.net' is not one of ALIAS DOMAINS"
        self.assert_refused("DELIVER foo AT example.com, example.net TO a;", (1, 29, message))

    def test_twice(self) -> None:
        """An account has one statement without domains, and one in each domain."""
        parse_configuration(f"{POLICY}DELIVER foo TO a; DELIVER foo AT example.com TO b;", "test.conf")
        self.assert_refused("DELIVER foo TO a;\nDELIVER foo TO a;", (2, 9, "DELIVER for foo already stands in line 6"))
        self.assert_refused(
            "DELIVER foo AT example.com TO a;\nDELIVER foo AT example.org, Example.com TO a;",
            (2, 29, "DELIVER for foo in Example.com already stands in line 6"),
        )

    def test_targets(self) -> None:
        """A target is a dot-atom, alone or with a domain name."""
        message = "is not a local part without quotes (a dot-atom of RFC 5322, section 3.2.3), of at most 64 characters"
        for text, shown in (
            ("a..b", "a..b"),
            ("@a.example", ""),
            ('"a"@b.example', '"a"'),
            (65 * "x", 64 * "x" + "..."),
        ):
            self.assert_refused(f"DELIVER foo TO {text};", (1, 16, f"'{shown}' {message}"))
        for domain in ("", "a..b", "-a.example", "[192.0.2.1]", 64 * "x"):
            self.assert_refused(f"DELIVER foo TO b, a@{domain};", (1, 19, f"'{domain}' is not a domain name"))
        parse_configuration(f"{POLICY}DELIVER foo TO {64 * 'x'}, o'neil@bücher.example, a@localhost;", "test.conf")

    def test_length(self) -> None:
        """The longest answer to a key, as it is sent, is bounded; the domain of the key counts."""
        for at, target, fitting, longest, too_long in (
            ("", f"%{20 * 'a'}@b.example", 108, 3_992, 4_029),
            (" AT example.com", "box", 210, 3_986, 4_005),
        ):
            text = f"{POLICY}DELIVER foo{at} TO {', '.join(fitting * [target])};"
            answer = Snapshot(parse_configuration(text, "test.conf")).tables[Table.VIRTUAL]("foo-a-a1@example.com")
            assert isinstance(answer, Found)
            self.assertEqual(longest + len("200 \n"), len(wire.found(answer.value)))
            message = f"the answer would have up to {too_long} bytes; at most 4000 are safe, since Postfix takes 4096"
            targets = ",\n".join((fitting + 1) * [target])
            statement = f"DELIVER foo{at} TO {targets};"
            self.assert_refused(statement, (1, statement.index(target) + 1, message))

    def test_length_with_a_domain_outside_ascii(self) -> None:
        """A key may spell an internationalized domain with 253 octets outside ASCII, each of which becomes three."""
        parse_configuration(f"{POLICY}DELIVER foo TO {', '.join(5 * ['box'])};", "test.conf")
        message = "the answer would have up to 4598 bytes; at most 4000 are safe, since Postfix takes 4096"
        self.assert_refused(f"DELIVER foo TO {', '.join(6 * ['box'])};", (1, 16, message))

    def test_refused_targets(self) -> None:
        """A target in an alias domain cannot be refused, whether it has this domain or gets it."""
        message = "is a target of DELIVER in line 6, and all its mail would be refused"
        for target, refused in (
            ("Box", "box"),
            ("box", "box@example.org"),
            ("box@example.org", "box"),
            ("box@bücher.example", "box@xn--bcher-kva.example"),
        ):
            self.assert_refused(f"DELIVER foo TO a, {target};\nREFUSE {refused};", (2, 8, f"'{refused}' {message}"))
        for target, refused in (
            ("box@example.net", "box"),
            ("box@example.org", "box@example.com"),
            ("a@box.example", "box"),
        ):
            parse_configuration(f"{POLICY}DELIVER foo TO {target};REFUSE {refused};", "test.conf")
        text = "DELIVER foo AT example.com TO box;\nREFUSE box@example.org;"
        parse_configuration(POLICY + text, "test.conf")


class LookupTests(SynchronousTestCase):
    """The answers of the tables."""

    def snapshot(self, statements: str, hooks: Hooks | None = None) -> Snapshot:
        """Return a snapshot of the policy and further statements."""
        return Snapshot(parse_configuration(POLICY + statements, "test.conf"), hooks)

    def assert_answers(self, snapshot: Snapshot, table: Table, answers: Mapping[str, Answer]) -> None:
        """Assert the answers of a table."""
        self.assertEqual(answers, {key: snapshot.tables[table](key) for key in answers})

    def test_targets(self) -> None:
        """The targets are in the order written; one without a domain gets the key's, as the key spells it."""
        snapshot = self.snapshot("DELIVER foo TO foo@Mailbox.example.net, archive, o'neil@bücher.example;")
        rest = "o'neil@xn--bcher-kva.example"
        answers: dict[str, Answer] = {
            f"foo-a-a1@{at}": Found(f"foo@mailbox.example.net, archive@{at}, {rest}", "foo")
            for at in ("example.com", "EXAMPLE.Org", "Bücher.example")
        }
        answers["foo-a-b1@example.com"] = NotFound(NotFoundReason.WRONG_CODE, ("foo",))
        self.assert_answers(snapshot, Table.VIRTUAL, answers)
        self.assert_answers(snapshot, Table.LOCAL_PART, {"foo-a-a1": Found("foo", "foo")})
        self.assert_answers(snapshot, Table.LOGIN, {"foo-a-a1@example.com": Found("foo", "foo")})

    def test_replies(self) -> None:
        """Several targets in the two protocols."""
        answer = self.snapshot("DELIVER foo TO a@x, b@y;").tables[Table.VIRTUAL]("foo-a-a1@example.com")
        assert isinstance(answer, Found)
        self.assertEqual(b"200 a@x,%20b@y\n", wire.found(answer.value))
        self.assertEqual(b"11:OK a@x, b@y,", wire.map_found(answer.value))

    def test_domains(self) -> None:
        """A statement with AT decides in its domains, whatever one without says; elsewhere that one does."""
        snapshot = self.snapshot("DELIVER foo TO a@x; DELIVER foo AT example.com, BÜCHER.example TO b;")
        answers = {
            "foo-a-a1@Example.com": Found("b@Example.com", "foo"),
            "foo-a-a1@xn--bcher-kva.example": Found("b@xn--bcher-kva.example", "foo"),
            "foo-a-a1@example.org": Found("a@x", "foo"),
        }
        self.assert_answers(snapshot, Table.VIRTUAL, answers)
        snapshot = self.snapshot("DELIVER foo AT example.com TO b;")
        self.assert_answers(snapshot, Table.VIRTUAL, {"foo-a-a1@example.org": Found("foo@example.org", "foo")})

    def test_debug_account(self) -> None:
        """Mail of the DEBUG ACCOUNT goes to its targets."""
        snapshot = self.snapshot("DELIVER postmaster TO root@host.example;")
        expected = {"q.x@example.com": Ambiguous(("one", "two"), "root@host.example")}
        self.assert_answers(snapshot, Table.VIRTUAL, expected)

    def test_hooks(self) -> None:
        """Where ``postprocess`` changes the account or the domain, its answer stands; otherwise DELIVER decides."""

        def postprocess(account: str, domain: str | None) -> tuple[str, str | None] | None:
            if domain == "example.org":
                return account, "hooked.example"
            return None if account == "postmaster" else (account, domain)

        hooks = Hooks(postprocess=postprocess)
        snapshot = self.snapshot("DELIVER foo TO a@x; DELIVER postmaster TO a@x;", hooks)
        answers: dict[str, Answer] = {
            "foo-a-a1@example.com": Found("a@x", "foo"),
            "foo-a-a1@example.org": Found("foo@hooked.example", "foo"),
            "q.x@example.com": NotFound(NotFoundReason.REFUSED_BY_HOOK),
        }
        self.assert_answers(snapshot, Table.VIRTUAL, answers)

    def test_expectations(self) -> None:
        """EXPECT compares the account, before DELIVER."""
        delivery = "DELIVER foo TO a@x;\n"
        check_expectations(self.snapshot(f"{delivery}EXPECT foo-a-a1@example.com, foo-a-a1 foo;"))
        text = f"{delivery}EXPECT foo-a-a1@example.com a@x;"
        with self.assertRaises(ConfigurationErrors) as raised:
            check_expectations(self.snapshot(text))
        message = "'foo-a-a1@example.com' is expected to give a@x, but it gives foo@example.com"
        self.assertEqual(complaints(POLICY + text, (7, 8, message)), str(raised.exception))
