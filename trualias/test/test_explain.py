"""Tests of ``trualias explain``."""

from __future__ import annotations

import json
import os
from io import BytesIO, StringIO
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.configuration.tables import Table
from trualias.language.tree import Account, unparse
from trualias.lookup import Found, NotFound
from trualias.lookup.loading import load_snapshot
from trualias.main import run
from trualias.test import trialprofile
from trualias.test.addresses import RANDOMS, local_part
from trualias.test.strategies import policies
from trualias.test.test_compose import EXHAUSTING

trialprofile.load()

CONFIGURATION = """\
ALIAS DOMAINS: example.org example.com

ACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHAR(1,-), CHARS();
ACCOUNT foo ALIASED joe, paul MATCHES %alias%.%alpha%.%code% WITH CHARS(), ANY(), NONE();
ACCOUNT baz MATCHES %alpha%is%alpha%=%code% WITH CHARS(1), CHARS(2);
ACCOUNT one MATCHES %alpha%=%account%.%code% WITH CHARS();
ACCOUNT two MATCHES %account%=%alpha%.%code% WITH CHARS();
"""


class ExplainTests(SynchronousTestCase):
    """The command."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "trualias.conf"
        self.path.write_text(CONFIGURATION, "utf-8")

    def explain(self, *arguments: str, typed: bytes = b"") -> tuple[int, str]:
        """Run ``trualias explain``; return status and output."""
        terminal = Terminal(BytesIO(typed), StringIO(), StringIO())
        status = run(["explain", "-c", str(self.path), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        self.assertEqual("", terminal.errors.getvalue())
        return status, terminal.output.getvalue()

    def assert_output(self, arguments: str, status: int, *lines: str) -> None:
        """Assert the status and the lines of the output for some arguments, which are separated by spaces."""
        found_status, output = self.explain(*arguments.split())
        self.assertEqual((status, list(lines)), (found_status, output.splitlines()))

    def test_standard_input(self) -> None:
        """Keys are read from standard input, one a line, as by ``trualias query``."""
        keys = ("foo-macys-m5", "foo-macys-m6", "caf\u00e9")
        expected = self.explain(*keys)
        typed = "\ufefffoo-macys-m5\r\n\nfoo-macys-m6\ncaf\u00e9".encode()
        self.assertEqual(expected, self.explain(typed=typed))
        self.assertEqual(expected, self.explain("-", typed=typed))
        self.assertEqual(self.explain("--json", *keys), self.explain("--json", "-", typed=typed))
        self.assertEqual((1, expected[1].split("caf")[0]), self.explain("foo-macys-m5", "foo-macys-m6", typed=b"x"))

    def test_accepted(self) -> None:
        """An accepted address is shown with its right reading."""
        self.assert_output(
            "foo-macys-m5",
            0,
            "foo-macys-m5 goes to foo",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5: ok",
            "  4 statements not compared: the address lacks a name or a literal",
        )

    def test_wrong_code(self) -> None:
        """A wrong code is shown item by item, with a caret below the first error."""
        self.assert_output(
            "foo-macys-m6",
            1,
            "foo-macys-m6 is not found: it looks right, but its code is wrong",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5, the address has 6",
            "      foo-macys-m6",
            "                 ^",
            "  4 statements not compared: the address lacks a name or a literal",
        )

    def test_choices(self) -> None:
        """Several right characters are listed, or described if there are many."""
        self.assert_output(
            "joe.macys.5mx paul.macys.5zm",
            1,
            "joe.macys.5mx goes to foo",
            "  statement at line 4: account foo, alias joe, alpha macys",
            "    CHARS() wants 5: ok",
            "    ANY() wants a, c, m, s or y: m is ok",
            "    NONE() wants any one character that does not occur in it (macys): x is ok",
            "  4 statements not compared: the address lacks a name or a literal",
            "paul.macys.5zm is not found: it looks right, but its code is wrong",
            "  statement at line 4: account foo, alias paul, alpha macys",
            "    CHARS() wants 5: ok",
            "    ANY() wants a, c, m, s or y, the address has z",
            "    NONE() wants any one character that does not occur in it (macys), the address has m",
            "      paul.macys.5zm",
            "                  ^",
            "  4 statements not compared: the address lacks a name or a literal",
        )

    def test_missing_and_extra(self) -> None:
        """Missing and extra characters of a code are shown."""
        self.assert_output(
            "foo-macys-m foo-macys-m5x",
            1,
            "foo-macys-m is not found: it looks right, but its code is wrong",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5, the address has nothing",
            "      foo-macys-m",
            "                 ^",
            "  4 statements not compared: the address lacks a name or a literal",
            "foo-macys-m5x is not found: it looks right, but its code is wrong",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5: ok",
            "    the code ends here, the address goes on with x",
            "      foo-macys-m5x",
            "                  ^",
            "  4 statements not compared: the address lacks a name or a literal",
        )

    def test_no_character_left(self) -> None:
        """An item for which no character is right is described."""
        self.path.write_text("ACCOUNT 0123456789 USING number MATCHES %account%.%code% WITH NONE(account);", "utf-8")
        _, output = self.explain("0123456789.0")
        self.assertIn(
            "NONE(account) wants any one character that does not occur in it (0123456789), the address has 0\n", output
        )

    def test_mismatch(self) -> None:
        """An address that does not match a statement is shown with the first mismatch."""
        self.assert_output(
            "foo-mac_ys-m5 foo- foo-macys",
            1,
            "foo-mac_ys-m5 is not found: it does not look like any statement's addresses",
            "  statement at line 3: account foo; after foo-mac it expects -, or more of the alnum before it (ASCII "
            "letters and digits), and finds _",
            "      foo-mac_ys-m5",
            "             ^",
            "  4 statements not compared: the address lacks a name or a literal",
            "foo- is not found: it does not look like any statement's addresses",
            "  statement at line 3: account foo; after foo- it expects an alnum, and the address ends",
            "      foo-",
            "          ^",
            "  4 statements not compared: the address lacks a name or a literal",
            "foo-macys is not found: it does not look like any statement's addresses",
            "  statement at line 3: account foo; after foo-macys it expects -, or more of the alnum before it (ASCII "
            "letters and digits), and the address ends",
            "      foo-macys",
            "               ^",
            "  4 statements not compared: the address lacks a name or a literal",
        )

    def test_every_expectation(self) -> None:
        """Each kind of token that a statement may expect is described."""
        self.path.write_text(
            "ACCOUNT foo, bar ALIASED joe, paul MATCHES %alias%.%account%.%alpha%.%code% WITH x;\n"
            "ACCOUNT foo, bar ALIASED joe, paul MATCHES %account%-%alias%-%number%-%code% WITH x;\n"
            "ACCOUNT longer MATCHES %account%+%code%=x WITH x;\n"
            "ACCOUNT longer MATCHES %number%isanumber-%code% WITH x;\n",
            "utf-8",
        )
        for address, expected in (
            ("joe.foo.x", "after joe.foo.x it expects ., or more of the alpha before it (ASCII letters), and the"),
            ("joe.foo.", "after joe.foo. it expects an alpha, and the address ends"),
            ("joe.foo.x.", "after joe.foo.x. it expects the code, and the address ends"),
            ("joe.x.foo.x.x", "after joe. it expects the account, and finds x"),
            ("foo-x-joe-1-x", "after foo- it expects the alias, and finds x"),
            ("foo-joe-x-x", "after foo-joe- it expects a number, and finds x"),
            ("longer+y=xx", "after longer+y=x it expects the end, and finds x"),
            ("xisanumber-x", "it expects a number, and finds x"),
        ):
            _, output = self.explain(address)
            self.assertIn(f"; {expected}", output, address)

    def test_several_readings(self) -> None:
        """Readings are shown, the nearest first; more than three only with ``--all``."""
        head = "  statement at line 5: account baz, "
        wrong = "    CHARS({}) wants {}, the address has 4"
        lines = [f"{4 * 'xis'}x=44 is not found: it looks right, but its code is wrong"]
        readings = []
        for number in range(1, 5):
            words = (3 * number - 2, 13 - 3 * number)
            text = 4 * "xis" + "x"
            both = [
                wrong.format(n, length) if length != 4 else f"    CHARS({n}) wants 4: ok"
                for n, length in enumerate(words, 1)
            ]
            position = 14 if words[0] != 4 else 15
            readings.append(
                [
                    f"{head}alpha {text[: words[0]]}, alpha {text[-words[1] :]}",
                    *both,
                    f"      {text}=44",
                    f"      {position * ' '}^",
                ]
            )
        nearest = [readings[1], readings[2], readings[0]]
        more = ["    1 more reading, no nearer; --all prints more"]
        last = ["  4 statements not compared: the address lacks a name or a literal"]
        lines += [line for reading in nearest for line in reading]
        self.assert_output("xisxisxisxisx=44", 1, *lines, *more, *last)
        self.assert_output("--all xisxisxisxisx=44", 1, *lines, *readings[3], *last)

    def test_ambiguous(self) -> None:
        """An address of several accounts is shown with the readings of all, and where its mail goes."""
        reason = "it is right for several accounts, one, two"
        lines = (
            "  statement at line 6: account one, alpha two",
            "    CHARS() wants 3: ok",
            "  statement at line 7: account two, alpha one",
            "    CHARS() wants 3: ok",
            "  3 statements not compared: the address lacks a name or a literal",
        )
        head = f"two=one.3 is not found, because there is no DEBUG ACCOUNT: {reason}"
        self.assert_output("two=one.3", 1, head, *lines)
        self.path.write_text(CONFIGURATION + "DEBUG ACCOUNT: postmaster\n", "utf-8")
        self.assert_output("two=one.3", 0, f"two=one.3 goes to postmaster: {reason}", *lines)

    def test_one_account_several_ways(self) -> None:
        """The answer to an address that can be read in several ways says so."""
        self.path.write_text("ACCOUNT baz MATCHES %alpha%x%alpha%.%code% WITH VOWELS(1), DIGITS(2);", "utf-8")
        status, output = self.explain("xxxx.00")
        self.assertEqual(0, status)
        self.assertTrue(
            output.startswith("xxxx.00 goes to baz; it can be read in several ways, all of account baz\n"), output
        )

    def test_no_local_part(self) -> None:
        """A text that cannot be a local part is shown with the reason alone."""
        self.assert_output(
            "foo-caf\u00e9-c4",
            1,
            "foo-caf\u00e9-c4 is not found: character 8 is '\u00e9', which the local part of an alias cannot "
            "hold (RFC 5322, atext and '.')",
        )
        self.assert_output("@example.com", 1, "@example.com is not found: there is nothing before the @")
        self.assertEqual((1, "'' is not found: there is nothing before the @\n"), self.explain(""))
        status, output = self.explain(os.fsdecode(b"foo-\xff-1"))
        self.assertEqual(1, status)
        self.assertEqual(
            "foo-\ufffd-1 is not found: character 5 is '\ufffd' (U+FFFD REPLACEMENT CHARACTER), which the local part "
            "of an alias cannot hold (RFC 5322, atext and '.')\n",
            output,
        )

    def test_virtual(self) -> None:
        """A whole address is looked up as the virtual server does; its domain may be the reason."""
        self.assert_output(
            "foo-macys-m5@Example.com",
            0,
            "foo-macys-m5@Example.com goes to foo@Example.com",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5: ok",
            "  4 statements not compared: the address lacks a name or a literal",
        )
        self.assert_output(
            "foo-macys-m5@example.net",
            1,
            "foo-macys-m5@example.net is not found: its domain, 'example.net', is not one of ALIAS DOMAINS "
            "(example.com, example.org)",
        )
        self.assert_output(
            "--virtual foo-macys-m5",
            1,
            "foo-macys-m5 is not found: it has no domain, and the virtual server is asked for whole addresses",
        )
        self.path.write_text("ACCOUNT foo MATCHES %account%.%code% WITH x;", "utf-8")
        self.assert_output("foo.x@example.com", 1, "foo.x@example.com is not found: no ALIAS DOMAINS are listed")

    def test_table(self) -> None:
        """With ``--table`` a whole address is looked up as the table server does."""
        self.assert_output(
            "--table foo-macys-m5@example.com",
            1,
            "foo-macys-m5@example.com is not found: character 13 is '@', which the local part of an alias cannot "
            "hold (RFC 5322, atext and '.')",
        )

    def test_too_many_steps(self) -> None:
        """An address whose lookup exceeds its budget of steps is shown with a few statements."""
        self.path.write_text(EXHAUSTING, "utf-8")
        status, output = self.explain("x" * 57 + ".000q")
        self.assertEqual(1, status)
        lines = output.splitlines()
        self.assertEqual(
            f"{57 * 'x'}.000q gets a temporary error: the lookup took too many steps and was given up", lines[0]
        )
        self.assertEqual("  61 more statements, no nearer; --all prints more", lines[-1])
        self.assertIn("    more than 4997 more readings, no nearer; --all prints more", lines)

    def test_deliver(self) -> None:
        """The targets are the answer of the virtual server; the line of the statement is named."""
        deliveries = "DELIVER foo TO foo@mail.example.net, archive;\n"
        self.path.write_text(CONFIGURATION + deliveries, "utf-8")
        self.assert_output(
            "foo-macys-m5@example.org",
            0,
            "foo-macys-m5@example.org goes to foo@mail.example.net, archive@example.org",
            "  DELIVER in line 8 says where its mail goes",
            "  statement at line 3: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5: ok",
            "  4 statements not compared: the address lacks a name or a literal",
        )
        self.assertEqual("foo-macys-m5 goes to foo", self.explain("foo-macys-m5")[1].splitlines()[0])
        (result,) = json.loads(self.explain("--json", "foo-macys-m5@example.org")[1])["keys"]
        expected = {"account": "foo", "value": "foo@mail.example.net, archive@example.org", "deliver_line": 8}
        self.assertEqual(expected, {name: result[name] for name in expected})

    def test_refused(self) -> None:
        """The line of the statement that refuses an address is named; the policy is not asked."""
        refusals = "REFUSE foo-macys-m5, x=34,\n foo-google-g6@example.com;\n"
        self.path.write_text(CONFIGURATION + refusals, "utf-8")
        for key, line in (
            ("Foo-macys-m5", 8),
            ("foo-macys-m5@example.org", 8),
            ("foo-google-g6@EXAMPLE.com", 9),
        ):
            self.assert_output(key, 1, f"{key} is not found: REFUSE in line {line} takes it back")
        status, output = self.explain("foo-google-g6", "foo-google-g6@example.org")
        self.assertEqual((0, "foo-google-g6 goes to foo"), (status, output.splitlines()[0]))
        (result,) = json.loads(self.explain("--json", "foo-macys-m5")[1])["keys"]
        expected = {"found": False, "outcome": "is not found: REFUSE in line 8 takes it back", "statements": []}
        self.assertEqual(expected, {name: result[name] for name in expected})

    HOOKS = """
ACCOUNTS = ALIASES = None
def reload(): pass
def preprocess(alias, domain):
    if alias == "broken": raise KeyError("no such box")
    if alias == "foo-leaked-l6": return None
    return alias.replace("_", "-"), domain and domain.replace("net", "com")
def postprocess(account, domain):
    if account == "baz": raise ValueError
    if account == "one": return None
    return account.upper(), domain
"""

    def test_hooks(self) -> None:
        """Changes by hooks are shown, and exceptions that they raise."""
        (self.folder / "explain_hooks.py").write_text(self.HOOKS, "utf-8")
        self.path.write_text("PROCESSOR: explain_hooks\n" + CONFIGURATION, "utf-8")
        self.assert_output(
            "foo_macys_m5@example.net",
            0,
            "foo_macys_m5@example.net goes to FOO@example.com",
            "  preprocess() of the PROCESSOR module changed 'foo_macys_m5@example.net' to 'foo-macys-m5@example.com'",
            "  postprocess() of the PROCESSOR module changed 'foo@example.com' to 'FOO@example.com'",
            "  statement at line 4: account foo, alnum macys",
            "    CHAR(1,-) wants m: ok",
            "    CHARS() wants 5: ok",
            "  4 statements not compared: the address lacks a name or a literal",
        )
        self.assert_output(
            "foo@example.de",
            1,
            "foo@example.de is not found: its domain, 'example.de', is not one of ALIAS DOMAINS (example.com, "
            "example.org)",
        )
        self.assert_output(
            "foo-leaked-l6", 1, "foo-leaked-l6 is not found: preprocess() of the PROCESSOR module returned None"
        )
        self.assert_output(
            "x=one.1",
            1,
            "x=one.1 is not found: postprocess() of the PROCESSOR module returned None",
            "  statement at line 7: account one, alpha x",
            "    CHARS() wants 1: ok",
            "  4 statements not compared: the address lacks a name or a literal",
        )
        self.assert_output("broken", 1, "broken gets a temporary error: a hook raised KeyError: 'no such box'")
        status, output = self.explain("samissexy=34")
        lines = output.splitlines()
        self.assertEqual((1, "samissexy=34 gets a temporary error: a hook raised ValueError"), (status, lines[0]))
        self.assertEqual("  statement at line 6: account baz, alpha sam, alpha sexy", lines[1])

    def test_json(self) -> None:
        """``--json`` prints all results."""
        status, output = self.explain("--json", "paul.macys.6mz")
        self.assertEqual(1, status)
        item = {"place": 11, "given": "6", "right": False}
        self.assertEqual(
            {
                "configuration": str(self.path),
                "keys": [
                    {
                        "key": "paul.macys.6mz",
                        "found": False,
                        "value": None,
                        "account": None,
                        "accounts": [],
                        "deliver_line": None,
                        "outcome": "is not found: it looks right, but its code is wrong",
                        "hooks": [],
                        "statements": [
                            {
                                "line": 4,
                                "expression": "%alias%.%alpha%.%code%",
                                "account": "foo",
                                "alias": "paul",
                                "count": 1,
                                "counted": True,
                                "readings": [
                                    {
                                        "identifiers": [{"class": "alpha", "text": "macys"}],
                                        "code": "6mz",
                                        "verifies": False,
                                        "items": [
                                            {**item, "item": "CHARS()", "wants": "5"},
                                            {
                                                "item": "ANY()",
                                                "wants": ["a", "c", "m", "s", "y"],
                                                "given": "m",
                                                "place": 12,
                                                "right": True,
                                            },
                                            {
                                                "item": "NONE()",
                                                "wants": sorted(
                                                    set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
                                                    - set("macys")
                                                ),
                                                "given": "z",
                                                "place": 13,
                                                "right": True,
                                            },
                                        ],
                                        "extra": "",
                                    }
                                ],
                                "mismatch": None,
                            }
                        ],
                        "elsewhere": 0,
                        "not_compared": 4,
                    }
                ],
            },
            json.loads(output),
        )

    def test_json_of_others(self) -> None:
        """``--json`` also prints accepted, ambiguous and mismatching addresses, and unknown domains."""
        keys = ("foo-macys-m5", "two=one.3", "foo-", "foo@example.net")
        _, output = self.explain("--json", *keys)
        accepted, ambiguous, mismatching, unknown = json.loads(output)["keys"]
        self.assertEqual((True, "foo", "foo"), (accepted["found"], accepted["value"], accepted["account"]))
        self.assertEqual((False, ["one", "two"]), (ambiguous["found"], ambiguous["accounts"]))
        self.assertEqual({"place": 4, "expected": "an alnum"}, mismatching["statements"][0]["mismatch"])
        self.assertEqual(([], 5), (unknown["statements"], unknown["not_compared"]))

    def test_default(self) -> None:
        """Without ``-c`` the file of the keys' server is used, or else the other server's."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.path.rename(self.folder / "tcp_table_server.conf")
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        self.assertEqual(0, run(["explain", "foo-macys-m5@example.com"], terminal))
        (self.folder / "tcp_virtual_server.conf").write_text("ACCOUNT bar MATCHES %code% WITH x;", "utf-8")
        self.assertEqual(0, run(["explain", "foo-macys-m5"], terminal))
        self.assertEqual(1, run(["explain", "foo-macys-m5", "foo-macys-m5@example.com"], terminal))

    @given(policies(), st.booleans(), RANDOMS, st.text(max_size=20))
    def test_agrees_with_the_servers(
        self, statements: tuple[Account, ...], case_sensitive: bool, random: Random, anything: str
    ) -> None:
        """The explained answers are those of the servers, and a key has a right reading exactly if it is found."""
        setting = f"CASE SENSITIVE: {'yes' if case_sensitive else 'no'}\nALIAS DOMAINS: example.com\n"
        self.path.write_text(setting + "\n".join(map(unparse, statements)), "utf-8")
        snapshot = load_snapshot(str(self.path))
        local_parts = [local_part(random, statements, case_sensitive) for _ in range(3)] + [anything]
        keys = [key for one in local_parts for key in (one, f"{one}@example.com", f"{one}@example.net")]
        keys = [key for key in keys if not key.startswith("-")]
        status, output = self.explain("--json", "--all", *keys)
        explained = json.loads(output)["keys"]
        answers = [snapshot.tables[Table.VIRTUAL if "@" in key else Table.LOCAL_PART](key) for key in keys]
        self.assertEqual(0 if all(isinstance(answer, Found) for answer in answers) else 1, status)
        for answer, one in zip(answers, explained, strict=True):
            value = answer.value if isinstance(answer, Found) else None
            self.assertEqual((one["key"], value), (one["key"], one["value"]))
            readings = [reading for statement in one["statements"] for reading in statement["readings"]]
            found = not isinstance(answer, NotFound)
            self.assertEqual((one["key"], found), (one["key"], any(reading["verifies"] for reading in readings)))
        status, output = self.explain(*keys)
        self.assertTrue(output.isprintable() or all(line.isprintable() for line in output.split("\n")), output)
