"""Tests of ``trualias.lookup.tables``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration.tables import Table
from trualias.lookup import (
    Ambiguous,
    Answer,
    BudgetExceeded,
    Found,
    Lookup,
    NotFound,
    NotFoundReason,
    Unanswerable,
)
from trualias.test.lookups import ENDLESS, ENDLESS_KEY, Hooks, snapshot

NO_MATCH = NotFound(NotFoundReason.NO_MATCH)
NO_DOMAIN = NotFound(NotFoundReason.NO_DOMAIN)
UNKNOWN_DOMAIN = NotFound(NotFoundReason.UNKNOWN_DOMAIN)
REFUSED_BY_HOOK = NotFound(NotFoundReason.REFUSED_BY_HOOK)


class LookupCase(SynchronousTestCase):
    """A test of a lookup."""

    def assert_answers(self, lookup: Lookup, table: dict[str, Answer]) -> None:
        """Assert the answers to some keys."""
        self.assertEqual(table, {key: lookup(key) for key in table})


class TableTests(LookupCase):
    """The local-part table."""

    def test_answers(self) -> None:
        """The answer to a local part is an account as the configuration spells it."""
        table: dict[str, Answer] = {
            "samissexy.34": Found("baz", "baz"),
            "greyisthenewbeige.411": Found("baz", "baz"),
            "foo-google-g6": Found("foo", "foo"),
            "foo": NO_MATCH,
            "": NO_MATCH,
            "SAMISSEXY.34": NO_MATCH,
        }
        self.assert_answers(snapshot().tables[Table.LOCAL_PART], table)

    def test_no_local_part(self) -> None:
        """A key that is no local part is not found, whatever it is."""
        for key in ("@", "a@b", "samissexy.34@example.com", "sam issexy.34", "é", "\n", "\ud800", "x" * 100_000):
            self.assert_answers(snapshot().tables[Table.LOCAL_PART], {key: NO_MATCH})

    def test_wrong_code(self) -> None:
        """A near miss is answered with its accounts."""
        near = {
            "samissexy.43": NotFound(NotFoundReason.WRONG_CODE, ("baz",)),
            "foo-a-b": NotFound(NotFoundReason.WRONG_CODE, ("foo",)),
        }
        self.assert_answers(snapshot().tables[Table.LOCAL_PART], {**near, "foo-a": NO_MATCH})

    def test_wrong_code_of_two_statements(self) -> None:
        """The account of a near miss is in the answer once, however many statements match."""
        statement = "ACCOUNT foo ALIASED a, b MATCHES %alias%-%code%{}%alpha% WITH x;"
        lookup = snapshot("", statement.format("-") + statement.format("-c")).tables[Table.LOCAL_PART]
        self.assert_answers(lookup, {"a-y-cc": NotFound(NotFoundReason.WRONG_CODE, ("foo",))})

    def test_several_readings(self) -> None:
        """Several readings of one account are in the answer."""
        self.assert_answers(snapshot().tables[Table.LOCAL_PART], {"xxxxxx+00": Found("Baz", "Baz", 2)})

    def test_several_accounts(self) -> None:
        """Several accounts give an ambiguous answer, with the debug account as its value if there is one."""
        self.assert_answers(snapshot().tables[Table.LOCAL_PART], {"to-a.1": Ambiguous(("one", "two"), None)})
        self.assert_answers(
            snapshot("DEBUG ACCOUNT: root").tables[Table.LOCAL_PART], {"to-a.1": Ambiguous(("one", "two"), "root")}
        )

    def test_case(self) -> None:
        """Without CASE SENSITIVE, accounts that differ in case are one, in the first spelling."""
        lookup = snapshot("CASE SENSITIVE: no").tables[Table.LOCAL_PART]
        self.assert_answers(lookup, {"SamIsSexy.34": Found("baz", "baz"), "XXXXXX+00": Found("baz", "baz", 2)})

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is given up."""
        self.assert_answers(snapshot("", ENDLESS).tables[Table.LOCAL_PART], {ENDLESS_KEY: BudgetExceeded()})

    def test_hooks(self) -> None:
        """Hooks get no domain; the account in the answer is the one before the hook."""
        told: list[object] = []

        def before(alias: str, domain: str | None) -> tuple[str, None]:
            told.append((alias, domain))
            return alias.lower(), None

        def after(account: str, domain: str | None) -> tuple[str, None]:
            told.append((account, domain))
            return f"{account} x", None

        self.assert_answers(
            snapshot(hooks=Hooks(before, after)).tables[Table.LOCAL_PART],
            {"SamIsSexy.34": Found("baz x", "baz"), "X": NO_MATCH},
        )
        self.assertEqual([("SamIsSexy.34", None), ("baz", None), ("X", None)], told)

    def test_debug_account_and_hooks(self) -> None:
        """The debug account goes through the hook as any other."""
        lookup = snapshot(
            "DEBUG ACCOUNT: root", hooks=Hooks(postprocess=lambda account, _: (f"{account}!", None))
        ).tables[Table.LOCAL_PART]
        self.assert_answers(lookup, {"to-a.1": Ambiguous(("one", "two"), "root!")})

    def test_hook_without_answer(self) -> None:
        """A hook that returns no account raises Unanswerable."""
        lookup = snapshot(hooks=Hooks(postprocess=lambda *_: ("", None))).tables[Table.LOCAL_PART]
        error = self.assertRaises(Unanswerable, lookup, "samissexy.34")
        self.assertEqual("postprocess() of the PROCESSOR module gave no name, or no domain", str(error))
        self.assertEqual(NO_MATCH, lookup("foo"))

    def test_hooks_that_refuse(self) -> None:
        """A key for which a hook returns None is not found; ``preprocess`` is asked before the policy, and alone."""
        told: list[str] = []

        def before(alias: str, domain: str | None) -> tuple[str, str | None] | None:
            return None if alias == "samissexy.34" else (alias, domain)

        def after(account: str, domain: str | None) -> tuple[str, str | None] | None:
            told.append(account)
            return None if account in ("foo", "root") else (account, domain)

        for settings, table, at in (
            ("DEBUG ACCOUNT: root", Table.LOCAL_PART, ""),
            ("DEBUG ACCOUNT: root", Table.VIRTUAL, "@example.com"),
        ):
            told.clear()
            lookup = snapshot(settings, hooks=Hooks(before, after)).tables[table]
            answers: dict[str, Answer] = {
                f"samissexy.34{at}": REFUSED_BY_HOOK,
                f"foo-macys-m5{at}": REFUSED_BY_HOOK,
                f"to-a.1{at}": REFUSED_BY_HOOK,
                f"foo-macys-m6{at}": NotFound(NotFoundReason.WRONG_CODE, ("foo",)),
                f"isisis.22{at}": Found(f"baz{at}", "baz"),
            }
            self.assert_answers(lookup, answers)
            self.assertEqual(["foo", "root", "baz"], told)

    def test_hook_that_raises(self) -> None:
        """An exception in a hook is not caught."""

        def fail(*_: object) -> tuple[str, None]:
            raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, snapshot(hooks=Hooks(preprocess=fail)).tables[Table.LOCAL_PART], "foo")
        self.assertRaises(
            ZeroDivisionError, snapshot(hooks=Hooks(postprocess=fail)).tables[Table.LOCAL_PART], "samissexy.34"
        )


class VirtualTests(LookupCase):
    """The virtual table."""

    def test_answers(self) -> None:
        """The domain is one of ALIAS DOMAINS, in any case, and is spelled in the answer as in the key."""
        lookup = snapshot().tables[Table.VIRTUAL]
        table: dict[str, Answer] = {
            "samissexy.34@example.com": Found("baz@example.com", "baz"),
            "samissexy.34@EXAMPLE.com": Found("baz@EXAMPLE.com", "baz"),
            "samissexy.34@example.org": Found("baz@example.org", "baz"),
            "samissexy.43@example.org": NotFound(NotFoundReason.WRONG_CODE, ("baz",)),
            "foo@example.com": NO_MATCH,
            "xxxxxx+00@example.com": Found("Baz@example.com", "Baz", 2),
            "to-a.1@example.com": Ambiguous(("one", "two"), None),
        }
        self.assert_answers(lookup, table)

    def test_other_domains(self) -> None:
        """An address in another domain is not found."""
        unknown = ("example.net", "", "example.com.", "sub.example.com", "example", " example.com", "example.com\n")
        self.assert_answers(
            snapshot().tables[Table.VIRTUAL], {f"samissexy.34@{domain}": UNKNOWN_DOMAIN for domain in unknown}
        )

    def test_spellings_of_a_domain(self) -> None:
        """A key and ALIAS DOMAINS may have a domain in A-labels or U-labels; the answer has the key's spelling."""
        statement = "ACCOUNT a MATCHES %code% WITH x;"
        for configured in ("b\u00fccher.example", "xn--bcher-kva.example"):
            lookup = snapshot("", f"ALIAS DOMAINS: {configured}\n{statement}").tables[Table.VIRTUAL]
            spellings = ("b\u00fccher.example", "B\u00dcCHER.example", "bu\u0308cher.example", "XN--bcher-kva.example")
            self.assert_answers(lookup, {f"x@{domain}": Found(f"a@{domain}", "a") for domain in spellings})
            unknown = ("b\u00fccher.example.org", "bucher.example", "b\u00fccher." * 40, "\udcff.example")
            self.assert_answers(lookup, {f"x@{domain}": UNKNOWN_DOMAIN for domain in unknown})

    def test_letters_that_fold_to_ascii(self) -> None:
        """A domain with a letter whose lower case is in ASCII, such as the Kelvin sign, is another domain."""
        lookup = snapshot("", "ALIAS DOMAINS: k.example\nACCOUNT a MATCHES %code% WITH x;").tables[Table.VIRTUAL]
        self.assertEqual("k", "\u212a".lower())
        self.assert_answers(lookup, {"x@K.Example": Found("a@K.Example", "a"), "x@\u212a.example": UNKNOWN_DOMAIN})

    def test_no_domains(self) -> None:
        """Without ALIAS DOMAINS no address is found."""
        lookup = snapshot("", "ACCOUNT a MATCHES %code% WITH x;").tables[Table.VIRTUAL]
        self.assert_answers(lookup, {"x@example.com": UNKNOWN_DOMAIN, "x@": UNKNOWN_DOMAIN})

    def test_no_address(self) -> None:
        """A key without an at sign is not found."""
        self.assert_answers(
            snapshot().tables[Table.VIRTUAL], dict.fromkeys(("samissexy.34", "example.com", "", "*"), NO_DOMAIN)
        )

    def test_odd_addresses(self) -> None:
        """The last at sign divides a key, whatever is before it."""
        keys = ("@example.com", '""@example.com', '"no a"@example.com', "samissexy.34@example.com@example.com")
        self.assert_answers(snapshot().tables[Table.VIRTUAL], dict.fromkeys(keys, NO_MATCH))

    def test_debug_account(self) -> None:
        """The value of a debug account has the domain of the key."""
        answer = Ambiguous(("one", "two"), "root@Example.com")
        self.assert_answers(snapshot("DEBUG ACCOUNT: root").tables[Table.VIRTUAL], {"to-a.1@Example.com": answer})

    def test_hooks(self) -> None:
        """Hooks may change the alias, the account, and the domain of either."""
        told: list[object] = []

        def before(alias: str, domain: str | None) -> tuple[str, str | None]:
            told.append((alias, domain))
            return alias.lower(), "example.com"

        def after(account: str, domain: str | None) -> tuple[str, str | None]:
            told.append((account, domain))
            return account.upper(), "mail.example.net"

        lookup = snapshot(hooks=Hooks(before, after)).tables[Table.VIRTUAL]
        self.assert_answers(lookup, {"SamIsSexy.34@old.example": Found("BAZ@mail.example.net", "baz")})
        self.assertEqual([("SamIsSexy.34", "old.example"), ("baz", "example.com")], told)

    def test_hook_without_domain(self) -> None:
        """A key is not found without a domain from ``preprocess``; without one from ``postprocess`` it raises."""
        lookup = snapshot(hooks=Hooks(preprocess=lambda alias, _: (alias, None))).tables[Table.VIRTUAL]
        self.assert_answers(lookup, {"samissexy.34@example.com": NO_DOMAIN})
        for left in (("baz", None), ("baz", ""), ("", "example.com")):
            lookup = snapshot(hooks=Hooks(postprocess=lambda *_, left=left: left)).tables[Table.VIRTUAL]
            self.assertRaises(Unanswerable, lookup, "samissexy.34@example.com")

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is given up."""
        lookup = snapshot("ALIAS DOMAINS: a.b", ENDLESS).tables[Table.VIRTUAL]
        self.assert_answers(lookup, {f"{ENDLESS_KEY}@a.b": BudgetExceeded(), f"{ENDLESS_KEY}@a.c": UNKNOWN_DOMAIN})


class LoginTests(LookupCase):
    """The login table."""

    def test_answers(self) -> None:
        """An alias, and an account's own address, are answered with the login of the account."""
        self.assert_answers(
            snapshot().tables[Table.LOGIN],
            {
                "samissexy.34@example.com": Found("baz", "baz"),
                "foo@EXAMPLE.org": Found("foo", "foo"),
                "FOO@example.com": Found("foo", "foo"),
                "Baz@example.com": Found("Baz", "Baz"),
                "baz@example.com": Found("baz", "baz"),
                "BAZ@example.com": NO_MATCH,
                "xxxxxx+00@example.com": Found("Baz", "Baz", 2),
                "samissexy.43@example.com": NotFound(NotFoundReason.WRONG_CODE, ("baz",)),
                "nobody@example.com": NO_MATCH,
                "foo@example.net": UNKNOWN_DOMAIN,
                "foo": NO_DOMAIN,
            },
        )

    def test_case(self) -> None:
        """Without CASE SENSITIVE, names that differ in case are one account, and have the login of the first."""
        lookup = snapshot("CASE SENSITIVE: no").tables[Table.LOGIN]
        self.assert_answers(lookup, {"BAZ@example.com": Found("baz", "baz"), "FOO@example.com": Found("foo", "foo")})

    def test_ambiguous(self) -> None:
        """An ambiguous address is not found, also with a DEBUG ACCOUNT."""
        self.assert_answers(snapshot("DEBUG ACCOUNT: root").tables[Table.LOGIN], {"to-a.1@example.com": NO_MATCH})

    def test_login(self) -> None:
        """LOGIN has the name of the account and the domain of the address; names are not searched for fields."""
        lookup = snapshot("LOGIN: %account%+%domain%", "ALIAS DOMAINS: a.b\nACCOUNT x MATCHES %code% WITH y;").tables[
            Table.LOGIN
        ]
        self.assert_answers(lookup, {"y@A.b": Found("x+A.b", "x"), "x@a.b": Found("x+a.b", "x")})

    def test_hooks(self) -> None:
        """The alias is what ``preprocess`` returned; ``postprocess`` does not change a login."""
        hooks = Hooks(lambda alias, domain: (alias.removeprefix("x-"), domain), lambda *_: ("other", "example.net"))
        lookup = snapshot(hooks=hooks).tables[Table.LOGIN]
        self.assert_answers(lookup, {"x-samissexy.34@example.com": Found("baz", "baz")})

    def test_over_budget(self) -> None:
        """A lookup over its budget of steps is given up."""
        lookup = snapshot("ALIAS DOMAINS: a.b", ENDLESS).tables[Table.LOGIN]
        self.assert_answers(lookup, {f"{ENDLESS_KEY}@a.b": BudgetExceeded()})
