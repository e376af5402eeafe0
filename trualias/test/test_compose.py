"""Tests of ``trualias compose``."""

from __future__ import annotations

import json
import os
from io import BytesIO, StringIO
from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.composition import targets_named
from trualias.commands.terminal import Terminal
from trualias.configuration.tables import Table
from trualias.language.tree import Account, Identifier, unparse
from trualias.lookup import Found
from trualias.lookup.loading import load_snapshot
from trualias.main import run
from trualias.test import trialprofile
from trualias.test.strategies import policies, words

trialprofile.load()

CONFIGURATION = """\
ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo ALIASED joe, paul MATCHES %alias%.%alpha%.%code% WITH CHARS(), ANY(), NONE();
ACCOUNT baz MATCHES %alpha%is%alpha%=%code% WITH CHARS(1), CHARS(2);
"""

EXHAUSTING = "".join(
    f"ACCOUNT n{number} MATCHES {'x'.join(names)}.%code% WITH VOWELS(1), VOWELS(2), DIGITS(3), q;\n"
    for number, names in enumerate(product(("%alnum%", "%ident%"), repeat=6))
)
"""Statements that can all read a row of x in very many ways."""


class ComposeTests(SynchronousTestCase):
    """The command."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "trualias.conf"
        self.path.write_text(CONFIGURATION, "utf-8")

    def compose(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``trualias compose``; return status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run(["compose", "-c", str(self.path), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_each_statement(self) -> None:
        """Each statement and alias that the words fit has an address on a line of its own."""
        self.assertEqual((0, "foo-macys-m5\njoe.macys.5mb\npaul.macys.5mb\n", ""), self.compose("foo", "macys"))
        self.assertEqual((0, "samissexy=34\n", ""), self.compose("baz", "sam", "sexy"))
        self.assertEqual((0, "paul.macys.5mb\n", ""), self.compose("paul", "macys"))

    def test_remarks(self) -> None:
        """The reason why words do not fit a statement is printed once, to standard error."""
        expected = "statement at line 2: 'macys2' is not alpha (ASCII letters); 'macys' would be one\n"
        self.assertEqual((0, "foo-macys2-m6\n", expected), self.compose("foo", "macys2"))
        expected = "statement at line 3: it takes 2 words (alpha, alpha), and 1 word is given\n"
        self.assertEqual((1, "", expected), self.compose("baz", "sam"))

    def test_unknown_name(self) -> None:
        """An unknown name is an error with a suggestion."""
        for name, meant in (("jo", "'joe'"), ("joe@example.com", "'joe' and --domain example.com")):
            expected = f"no statement has an account or an alias '{name}'; did you mean {meant}?\n"
            self.assertEqual((1, "", expected), self.compose(name, "macys"))
        self.assertEqual((1, "", "no statement has an account or an alias '\\x1b'\n"), self.compose("\x1b", "macys"))

    def test_domain(self) -> None:
        """Addresses are whole with a given domain, or with the only domain of the file."""
        self.assertEqual((0, "bar-x-x1@example.com\n", ""), self.compose("bar", "x", "--domain", "example.com"))
        self.path.write_text("ALIAS DOMAINS: Example.ORG\n" + CONFIGURATION, "utf-8")
        self.assertEqual((0, "bar-x-x1@example.org\n", ""), self.compose("bar", "x"))
        self.path.write_text("ALIAS DOMAINS: example.org example.com\n" + CONFIGURATION, "utf-8")
        self.assertEqual((0, "bar-x-x1\n", ""), self.compose("bar", "x"))
        self.assertEqual((0, "bar-x-x1@Example.com\n", ""), self.compose("--domain", "Example.com", "bar", "x"))

    def test_spellings_of_a_domain(self) -> None:
        """A domain may be given in A-labels or U-labels; the address has it as given, or in A-labels."""
        self.path.write_text(f"ALIAS DOMAINS: b\u00fccher.example\n{CONFIGURATION}", "utf-8")
        for domain in ("B\u00fccher.example", "xn--bcher-kva.example"):
            self.assertEqual((0, f"bar-x-x1@{domain}\n", ""), self.compose("bar", "x", "--domain", domain))
        self.assertEqual((0, "bar-x-x1@xn--bcher-kva.example\n", ""), self.compose("bar", "x"))

    def test_unknown_domain(self) -> None:
        """A domain that the file does not list is refused, since its addresses are not found."""
        self.path.write_text("ALIAS DOMAINS: example.org example.com\n" + CONFIGURATION, "utf-8")
        expected = "example.net is not one of ALIAS DOMAINS (example.com, example.org); its addresses are not found\n"
        self.assertEqual((2, "", expected), self.compose("--domain", "example.net", "bar", "x"))

    def test_spell(self) -> None:
        """With ``--spell`` each address has a line to read aloud."""
        self.assertEqual(
            (0, "bar-x-x1@example.com\n  bar dash x dash x one at example dot com\n", ""),
            self.compose("bar", "x", "--spell", "--domain", "example.com"),
        )

    def test_random(self) -> None:
        """With ``--random`` the choices in a code vary, and every address is right."""
        snapshot = load_snapshot(str(self.path))
        seen = set()
        for _ in range(30):
            status, output, _ = self.compose("joe", "macys", "--random")
            self.assertEqual(0, status)
            self.assertIsInstance(snapshot.tables[Table.LOCAL_PART](output.strip()), Found)
            seen.add(output)
        self.assertGreater(len(seen), 5)
        self.assertEqual((0, "bar-x-x1\n", ""), self.compose("bar", "x", "--random"))

    def test_many_aliases(self) -> None:
        """Only the first ten aliases of a statement get an address; a remark says how to compose others."""
        names = ", ".join(f"n{number}" for number in range(12))
        self.path.write_text(f"ACCOUNT foo ALIASED {names} MATCHES %alias%-%code% WITH CHARS(alias);", "utf-8")
        status, output, errors = self.compose("foo")
        self.assertEqual((0, 10), (status, output.count("\n")))
        self.assertEqual("statement at line 1: it has 2 more aliases; name one to compose its address\n", errors)
        self.assertEqual((0, "n11-3\n", ""), self.compose("n11"))

    AMBIGUOUS = "ACCOUNT foo MATCHES %alpha%=%code% WITH CHARS();\nACCOUNT bar MATCHES %alnum%=%code% WITH CHARS();\n"

    def test_ambiguous(self) -> None:
        """An address that also belongs to another account is not printed; a remark says where its mail would go."""
        self.path.write_text(self.AMBIGUOUS, "utf-8")
        reason = "it is right for several accounts, bar, foo; try other words"
        expected = f"statement at line 1: macys=5 is not found, because there is no DEBUG ACCOUNT: {reason}\n"
        self.assertEqual((1, "", expected), self.compose("foo", "macys"))
        self.assertEqual((0, "macys2=6\n", ""), self.compose("bar", "macys2"))
        self.path.write_text(self.AMBIGUOUS + "DEBUG ACCOUNT: postmaster\n", "utf-8")
        self.assertEqual(
            (1, "", expected.replace("is not found, because there is no DEBUG ACCOUNT", "goes to postmaster")),
            self.compose("foo", "macys"),
        )

    def test_dots(self) -> None:
        """An address that is not a dot-atom is printed, with a remark."""
        self.path.write_text("ACCOUNT foo MATCHES %alpha%.%code% WITH ., CHARS();", "utf-8")
        remark = "other mail servers may refuse it, because of its dots (RFC 5322, section 3.2.3)"
        self.assertEqual((0, "macys..5\n", f"statement at line 1: macys..5: {remark}\n"), self.compose("foo", "macys"))

    def test_too_long(self) -> None:
        """Words for which the address would be too long have no address."""
        self.assertEqual(
            (1, "", "statement at line 3: it would have 65 characters, and a local part has at most 64 (RFC 5321)\n"),
            self.compose("baz", 29 * "x", 29 * "y"),
        )

    def test_too_many_steps(self) -> None:
        """An address whose lookup exceeds its budget of steps is not printed."""
        self.path.write_text(EXHAUSTING, "utf-8")
        status, output, errors = self.compose("n0", *(6 * ["xxxxx"]))
        self.assertEqual((1, ""), (status, output))
        self.assertEqual(
            f"statement at line 1: {35 * 'x'}.000q gets a temporary error: the lookup took too many steps and "
            "was given up; try other words\n",
            errors,
        )

    def test_refused(self) -> None:
        """A refused address is never printed; where the code leaves a choice, another one is."""
        self.path.write_text(
            "CASE SENSITIVE: no\nACCOUNT foo MATCHES %account%-%alpha%-%code% WITH ANY();\n"
            "REFUSE foo-Macys-m, foo-x-x;\n",
            "utf-8",
        )
        self.assertEqual((0, "foo-macys-a\n", ""), self.compose("foo", "macys"))
        expected = "statement at line 2: foo-x-x is not found, because REFUSE takes it back; try other words\n"
        self.assertEqual((1, "", expected), self.compose("foo", "x"))

    HOOKS = """
ACCOUNTS = ALIASES = None
def reload(): pass
def preprocess(alias, domain):
    if alias.startswith("baz-broken"): raise KeyError("no such box")
    if alias.startswith("baz-leaked"): return None
    return alias.replace("bar-", "foo-").replace("nobody-", "-"), domain
def postprocess(account, domain):
    return account.upper(), domain
"""

    def test_hooks(self) -> None:
        """Hooks are called as by the server; an address whose account they change is not printed."""
        (self.folder / "compose_hooks.py").write_text(self.HOOKS, "utf-8")
        self.path.write_text(
            "PROCESSOR: compose_hooks\nACCOUNT foo, bar, nobody, baz MATCHES %account%-%alnum%-%code% WITH CHARS();\n",
            "utf-8",
        )
        self.assertEqual((0, "foo-x-1\n", ""), self.compose("foo", "x"))
        expected = "statement at line 2: bar-x-1 goes to FOO, because a hook changes it\n"
        self.assertEqual((1, "", expected), self.compose("bar", "x"))
        expected = "statement at line 2: nobody-x-1 is not found, because a hook changes it\n"
        self.assertEqual((1, "", expected), self.compose("nobody", "x"))
        expected = "statement at line 2: baz-leaked-6 is not found, because a hook refuses it\n"
        self.assertEqual((1, "", expected), self.compose("baz", "leaked"))
        expected = "statement at line 2: a hook raised KeyError: 'no such box'\n"
        self.assertEqual((1, "", expected), self.compose("baz", "broken"))

    def test_json(self) -> None:
        """``--json`` prints all results."""
        status, output, errors = self.compose("foo", "macys2", "--json")
        self.assertEqual((0, ""), (status, errors))
        result = json.loads(output)
        remark = "'macys2' is not alpha (ASCII letters); 'macys' would be one"
        nothing = {"address": None, "value": None, "spelled": None}
        self.assertEqual(
            {
                "configuration": str(self.path),
                "statements": [
                    {
                        "line": 1,
                        "account": "foo",
                        "alias": None,
                        "address": "foo-macys2-m6",
                        "value": "foo",
                        "spelled": "foo dash macys two dash m six",
                        "remark": None,
                    },
                    {"line": 2, "account": "foo", "alias": "joe", **nothing, "remark": remark},
                    {"line": 2, "account": "foo", "alias": "paul", **nothing, "remark": remark},
                ],
            },
            result,
        )

    def test_default(self) -> None:
        """Without ``-c`` the virtual server's file is used, or else the table server's."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.path.rename(self.folder / "tcp_table_server.conf")
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        self.assertEqual(0, run(["compose", "bar", "x"], terminal))
        text = "ALIAS DOMAINS: example.com\n" + CONFIGURATION
        (self.folder / "tcp_virtual_server.conf").write_text(text, "utf-8")
        self.assertEqual(0, run(["compose", "bar", "x"], terminal))
        assert isinstance(terminal.output, StringIO)
        self.assertEqual("bar-x-x1\nbar-x-x1@example.com\n", terminal.output.getvalue())

    def test_no_default(self) -> None:
        """If there is neither file, the searched paths are listed."""
        if os.path.exists("/etc/trualias"):
            self.skipTest("this machine has a configuration of its own")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.path.unlink()
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        self.assertEqual(2, run(["compose", "bar", "x"], terminal))
        assert isinstance(terminal.errors, StringIO)
        self.assertIn("    ./tcp_virtual_server.conf\n", terminal.errors.getvalue())

    @given(policies(), st.booleans(), st.data())
    def test_accepted(self, statements: tuple[Account, ...], case_sensitive: bool, data: st.DataObject) -> None:
        """The virtual server answers each composed address with the account."""
        setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\nALIAS DOMAINS: example.com\n"
        self.path.write_text(setting + "\n".join(map(unparse, statements)), "utf-8")
        statement = data.draw(st.sampled_from(statements))
        name = data.draw(st.sampled_from(statement.accounts)).text
        classes = [token.field_class for token in statement.expression if isinstance(token, Identifier)]
        given_words = [data.draw(words(field_class)) for field_class in classes]
        status, output, _ = self.compose(name, *given_words)
        snapshot = load_snapshot(str(self.path))
        # The name may be another account's alias.
        fold = snapshot.configuration.policy.fold
        accounts = {fold(target.account) for target in targets_named(snapshot.configuration.policy, name)}
        for address in output.splitlines():
            answer = snapshot.tables[Table.VIRTUAL](address)
            assert isinstance(answer, Found), address
            self.assertIn(fold(answer.account), accounts)
        self.assertEqual(status, 0 if output else 1)
