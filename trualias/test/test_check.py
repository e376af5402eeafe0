"""Tests of ``trualias check``."""

from __future__ import annotations

import json
import os
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis import search_lint
from trualias.commands.terminal import Terminal
from trualias.main import run

FINE = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();\n"
ENDED = FINE + "END\n"
NOTE = (
    "note: the file does not end with END\n"
    "    why: a file that was cut off cannot be told from a complete one\n"
    "    fix: write END in the last line\n"
)
NONE_UNEXAMINED = {"steps": 0, "comparisons": 0, "addresses": 0, "names": 0}
UNWISE = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q;\n"


class CheckTests(SynchronousTestCase):
    """The command."""

    def setUp(self) -> None:
        """Create a folder for configurations."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "trualias.conf"
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def check(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``trualias check``; return status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run(["check", *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_fine(self) -> None:
        """A file without errors and warnings is reported as such, with the numbers of its statements and accounts."""
        self.path.write_text(FINE + "EXPECT foo.macys.m5, foo.bestbuy.b7 foo;\nEND", "utf-8")
        expected = "trualias.conf: 1 statement, 1 account, 2 expectations; no errors, no warnings\n"
        self.assertEqual((0, expected, ""), self.check("trualias.conf"))

    def test_name_with_line_break(self) -> None:
        """A line break in the name of a file is escaped in each line that names it."""
        self.folder.joinpath("a\nb").write_text(FINE, "utf-8")
        expected = f"a\\nb: {NOTE}a\\nb: 1 statement, 1 account; no errors, no warnings\n"
        self.assertEqual((0, expected, ""), self.check("a\nb"))
        expected = (
            "c\N{REPLACEMENT CHARACTER}d: cannot be read: No such file or directory\n"
            "c\\nd: 1 error; a server would refuse it\n"
        )
        self.assertEqual((2, expected, ""), self.check("c\nd"))

    def test_config(self) -> None:
        """``-c`` names a file, as for the other commands."""
        self.path.write_text(ENDED, "utf-8")
        expected = "trualias.conf: 1 statement, 1 account; no errors, no warnings\n"
        self.assertEqual((0, expected, ""), self.check("-c", "trualias.conf"))
        self.assertEqual((0, expected * 2, ""), self.check("-c", "trualias.conf", "trualias.conf"))

    def test_listeners(self) -> None:
        """An endpoint on which no server could listen is an error, a systemd socket is not."""
        self.path.write_text(
            FINE + "LISTEN: tcp_table systemd:domain=INET:index=0\nLISTEN: tcp_table hurz:3\n", "utf-8"
        )
        expected = (
            "trualias.conf:3:1: LISTEN: hurz:3 is no endpoint that can be used: unknown type 'hurz'; "
            "expected tcp, tcp6, unix, systemd or ssl\n"
            "LISTEN: tcp_table hurz:3\n"
            "^\n"
            "trualias.conf: 1 error; a server would refuse it\n"
        )
        self.assertEqual((2, expected, ""), self.check("trualias.conf"))

    def test_warning(self) -> None:
        """A warning has a position, a reason and a fix, and affects the exit status only with ``--strict``."""
        self.path.write_text(UNWISE + "END\n", "utf-8")
        expected = (
            "trualias.conf:1:51: warning: the code q does not depend on the word in the address\n"
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q;\n"
            "                                                  ^\n"
            "    why: one leaked address is enough to make up others\n"
            "    fix: add an item that reads an identifier, such as CHARS(1)\n"
            "trualias.conf: 1 statement, 1 account; no errors, 1 warning\n"
        )
        self.assertEqual((0, expected, ""), self.check("trualias.conf"))
        self.assertEqual((1, expected, ""), self.check("--strict", "trualias.conf"))

    def test_many_warnings(self) -> None:
        """Of each kind, as text the first 20 warnings and the number of the others are printed, as JSON all."""
        one = "ACCOUNT n{0} MATCHES %account%{1}%alnum%.%code% WITH q;\n"
        text = "".join(one.format(number, "-" if number < 21 else ".") for number in range(25))
        self.path.write_text(text + "END\n", "utf-8")
        status, output, _ = self.check("--strict", "trualias.conf")
        self.assertEqual((1, 40), (status, output.count(": warning: ")))
        expected = [
            "trualias.conf: 1 more warning of the kind recipient-delimiter; --json prints all",
            "trualias.conf: 5 more warnings of the kind constant-code; --json prints all",
            "trualias.conf: 25 statements, 25 accounts; no errors, 46 warnings",
        ]
        self.assertEqual(expected, output.splitlines()[-3:])
        self.assertIn("trualias.conf:20:51: warning: the code q does not depend", output)
        self.assertNotIn("trualias.conf:21:51", output)
        (checked,) = json.loads(self.check("--json", "trualias.conf")[1])["files"]
        self.assertEqual(46, len(checked["warnings"]))

    def test_refusals(self) -> None:
        """The summary has the number of refused addresses; one that no statement accepts has a warning."""
        statement = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();\n"
        self.path.write_text(statement + "REFUSE foo.macys.m5, foo.macys.m6;\nEND\n", "utf-8")
        expected = (
            "trualias.conf:2:22: warning: no statement accepts 'foo.macys.m6', so that there is nothing to refuse\n"
            "REFUSE foo.macys.m5, foo.macys.m6;\n"
            "                     ^\n"
            "    why: if it is misspelled, the address that is meant is still accepted\n"
            "    fix: correct the address, or leave it out\n"
            "trualias.conf: 1 statement, 1 account, 2 refused addresses; no errors, 1 warning\n"
        )
        self.assertEqual((0, expected, ""), self.check("trualias.conf"))

    def test_note(self) -> None:
        """END is recommended in a note, which is no warning: it changes no exit status."""
        self.path.write_text(FINE, "utf-8")
        expected = f"trualias.conf: {NOTE}trualias.conf: 1 statement, 1 account; no errors, no warnings\n"
        for arguments in ((), ("--strict",)):
            self.assertEqual((0, expected, ""), self.check("trualias.conf", *arguments))

    def test_no_statements(self) -> None:
        """A file without account statements has a warning."""
        for text in ("", "# x\nPORT: 1\nEND\n"):
            self.path.write_text(text, "utf-8")
            status, output, _ = self.check("trualias.conf", "--strict")
            self.assertEqual(1, status)
            self.assertIn("warning: the file has no account statement\n", output)
            self.assertTrue(output.endswith("0 statements, 0 accounts; no errors, 1 warning\n"), output)

    def test_virtual(self) -> None:
        """``--virtual`` checks a file for the virtual server, whatever its name."""
        self.path.write_text(ENDED, "utf-8")
        self.assertNotIn("ALIAS DOMAINS", self.check("trualias.conf")[1])
        self.assertIn("the virtual server's file has no ALIAS DOMAINS\n", self.check("--virtual", "trualias.conf")[1])

    def test_no_socket_folder(self) -> None:
        """A socket in a folder that does not exist is a warning, in the order of the file."""
        self.path.write_text(f"{UNWISE}LISTEN: socketmap unix:/no/such/x.sock:mode=660\nEND\n", "utf-8")
        status, output, _ = self.check("--json", "trualias.conf")
        (checked,) = json.loads(output)["files"]
        self.assertEqual(0, status)
        self.assertEqual(["constant-code", "no-socket-folder"], [warning["kind"] for warning in checked["warnings"]])

    def test_errors(self) -> None:
        """All errors of a server's start are printed, also those of expectations and hooks."""
        self.path.write_text(FINE + "PORT: x\nLOGGING: loud\n", "utf-8")
        status, output, errors = self.check("trualias.conf", "--strict")
        self.assertEqual((2, ""), (status, errors))
        self.assertEqual(
            "trualias.conf:2:7: PORT: 'x' is not a port; expected a number from 0 to 65535\nPORT: x\n      ^\n"
            "trualias.conf:3:10: LOGGING: unknown level 'loud'; expected debug, info, warning, error or critical\n"
            "LOGGING: loud\n         ^\n"
            "trualias.conf: 2 errors; a server would refuse it\n",
            output,
        )
        self.path.write_text(FINE + "EXPECT foo.macys.6 foo;", "utf-8")
        status, output, errors = self.check("trualias.conf")
        self.assertEqual((2, ""), (status, errors))
        self.assertIn("'foo.macys.6' is expected to give foo, but it is not found", output)
        self.path.write_text(FINE + "PROCESSOR: hooks_that_are_not_there", "utf-8")
        status, output, errors = self.check("trualias.conf")
        self.assertEqual((2, ""), (status, errors))
        self.assertIn("there is no Python module hooks_that_are_not_there", output)

    def test_many_errors(self) -> None:
        """As text the first 20 errors and the number of the rest are printed, as JSON all up to the limit."""
        for number, rest, count, truncated in (
            (20, "", "20 errors", False),
            (21, "1 more error\n", "21 errors", False),
            (1_000, "980 more errors\n", "1000 errors", False),
            (1_001, "at least 980 more errors\n", "at least 1000 errors", True),
            (20_000, "at least 980 more errors\n", "at least 1000 errors", True),
        ):
            self.path.write_text("x\n" * number + "END", "utf-8")
            status, output, _ = self.check("trualias.conf")
            self.assertEqual(2, status)
            self.assertTrue(
                output.endswith(f"\nx\n^\n{rest}trualias.conf: {count}; a server would refuse it\n"), output
            )
            self.assertEqual(20, output.count("trualias.conf:") - 1)
            (checked,) = json.loads(self.check("--json", "trualias.conf")[1])["files"]
            self.assertEqual((min(number, 1_000), truncated), (len(checked["errors"]), checked["truncated"]))

    def test_missing_file(self) -> None:
        """A missing file is an error, and the other files are checked."""
        self.path.write_text(ENDED, "utf-8")
        self.assertEqual(
            (
                2,
                "other.conf: cannot be read: No such file or directory\n"
                "other.conf: 1 error; a server would refuse it\n"
                "trualias.conf: 1 statement, 1 account; no errors, no warnings\n",
                "",
            ),
            self.check("other.conf", "trualias.conf"),
        )

    def test_undecided(self) -> None:
        """Statements for which the search for addresses of two accounts reached its limit are listed by line."""
        words = ("is", "wants", "needs")
        one = "ACCOUNT n{0} MATCHES %alpha%{0}%alpha%.%code% WITH CHARS(1), CHARS(2);\n"
        self.path.write_text("".join(map(one.format, words[:2])) + "END", "utf-8")
        status, output, _ = self.check("trualias.conf")
        limit = "trualias.conf: the search did not decide whether the statements in lines 1 and 2 share addresses"
        self.assertEqual((0, limit), (status, output.splitlines()[0]))
        self.path.write_text("".join(map(one.format, words)), "utf-8")
        _, output, _ = self.check("trualias.conf")
        self.assertIn(f"{limit}, nor for 1 other pair", output.splitlines())

    def test_incomplete(self) -> None:
        """Of very many addresses of two accounts the first are printed, with a remark that the search is incomplete."""
        one = "ACCOUNT n{} MATCHES {}%{}%.%code% WITH CHARS(1);\n"
        shapes = [(text, kind) for text in ("", "b", "bb") for kind in ("alpha", "alnum", "ident")]
        text = "".join(one.format(number, *shape) for number, shape in enumerate(shapes))
        self.path.write_text(text.replace("CHARS(1)", "CHAR(-1,-)") + "DEBUG ACCOUNT: root\nEND", "utf-8")
        status, output, _ = self.check("trualias.conf")
        self.assertEqual(20, output.count(" is right for "))
        limit = (
            "trualias.conf: the search for addresses of two accounts did not examine 16 pairs of statements: it "
            "found as many addresses as are printed"
        )
        self.assertEqual((0, limit), (status, output.splitlines()[-2]))

    def test_unexamined(self) -> None:
        """What a search leaves out for its limit of steps is said in words and in JSON, and is no warning."""
        self.patch(search_lint, "REACH_STEPS", 12)
        self.patch(search_lint, "COST_STEPS", 12)
        self.patch(search_lint, "CODES", 2)
        one = "ACCOUNT n{0} MATCHES %account%.%alnum%.%code% WITH CHAR({0},-), CHARS();\n"
        self.path.write_text("".join(map(one.format, range(1, 6))) + "END\n", "utf-8")
        unexamined = [
            ("unreached", 3, "accounts", "accounts that no address reaches", "12 steps"),
            ("guessable-code", 3, "statements", "codes that are easily guessed", "2 different codes"),
            ("costly-lookup", 4, "statements", "costly lookups", "12 steps"),
        ]
        messages = [
            f"the search for {search} did not examine {number} of 5 {noun}: it is limited to {limit}"
            for _, number, noun, search, limit in unexamined
        ]
        summary = "trualias.conf: 5 statements, 5 accounts; no errors, no warnings\n"
        expected = "".join(f"trualias.conf: {message}\n" for message in messages) + summary
        self.assertEqual((0, expected, ""), self.check("--strict", "trualias.conf"))
        _, output, _ = self.check("--json", "trualias.conf")
        (checked,) = json.loads(output)["files"]
        self.assertEqual(
            [
                {"kind": kind, "number": number, "of": 5, "noun": noun, "message": message}
                for (kind, number, noun, _, _), message in zip(unexamined, messages, strict=True)
            ],
            checked["unexamined"],
        )

    def test_default(self) -> None:
        """Without a file, the file that each server would find is checked, once."""
        self.path.write_text(ENDED, "utf-8")
        self.assertEqual((0, "./trualias.conf: 1 statement, 1 account; no errors, no warnings\n", ""), self.check())
        (self.folder / "tcp_virtual_server.conf").write_text(
            FINE + "CASE SENSITIVE: no\nALIAS DOMAINS: example.com\nEND\n", "utf-8"
        )
        self.assertEqual(
            (
                0,
                "./trualias.conf: 1 statement, 1 account; no errors, no warnings\n"
                "./tcp_virtual_server.conf: 1 statement, 1 account; no errors, no warnings\n",
                "",
            ),
            self.check(),
        )

    def test_no_default(self) -> None:
        """If neither server would find a file, the searched paths are listed."""
        if os.path.exists("/etc/trualias"):
            self.skipTest("this machine has a configuration of its own")
        status, output, errors = self.check()
        self.assertEqual((2, ""), (status, output))
        self.assertTrue(errors.startswith("There is no configuration. These places were looked at:\n"), errors)

    def test_only_virtual(self) -> None:
        """If only the virtual server would find a file, that file is checked."""
        if os.path.exists("/etc/trualias"):
            self.skipTest("this machine has a configuration of its own")
        (self.folder / "tcp_virtual_server.conf").write_text(
            FINE + "CASE SENSITIVE: no\nALIAS DOMAINS: example.com\nEND\n", "utf-8"
        )
        expected = "./tcp_virtual_server.conf: 1 statement, 1 account; no errors, no warnings\n"
        self.assertEqual((0, expected, ""), self.check())

    def test_json(self) -> None:
        """``--json`` prints all results."""
        (self.folder / "bad.conf").write_text("PORT: x\n", "utf-8")
        self.path.write_text(
            UNWISE + "ACCOUNT bar MATCHES %number%.%alpha%.%code% WITH CHAR(2,1,-), CHARS(2);", "utf-8"
        )
        status, output, _ = self.check("--json", "bad.conf", "trualias.conf")
        self.assertEqual(2, status)
        self.assertEqual(
            {
                "files": [
                    {
                        "file": "bad.conf",
                        "errors": [
                            {
                                "line": 1,
                                "column": 7,
                                "message": "PORT: 'x' is not a port; expected a number from 0 to 65535",
                            }
                        ],
                        "truncated": False,
                        "warnings": [],
                        "notes": [],
                    },
                    {
                        "file": "trualias.conf",
                        "errors": [],
                        "truncated": False,
                        "warnings": [
                            {
                                "kind": "constant-code",
                                "line": 1,
                                "column": 51,
                                "message": "the code q does not depend on the word in the address",
                                "why": "one leaked address is enough to make up others",
                                "fix": "add an item that reads an identifier, such as CHARS(1)",
                            }
                        ],
                        "notes": [
                            {
                                "kind": "no-end",
                                "message": "the file does not end with END",
                                "why": "a file that was cut off cannot be told from a complete one",
                                "fix": "write END in the last line",
                            }
                        ],
                        "statements": 2,
                        "search": {"undecided_lines": [], "complete": True, "unexamined": NONE_UNEXAMINED},
                        "unexamined": [],
                    },
                ]
            },
            json.loads(output),
        )

    def test_json_of_a_proof(self) -> None:
        """In JSON, a warning has the address that proves it, and undecided pairs are given by their lines."""
        self.path.write_text(
            "ACCOUNT foo MATCHES %alpha%=%code% WITH CHARS();\nACCOUNT bar MATCHES %alnum%=%code% WITH CHARS();\n"
            "ACCOUNT baz MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);\n"
            "ACCOUNT bax MATCHES %alpha%wants%alpha%.%code% WITH CHARS(1), CHARS(2);\n",
            "utf-8",
        )
        _, output, _ = self.check("--json", "trualias.conf")
        (checked,) = json.loads(output)["files"]
        self.assertEqual("b=1", checked["warnings"][0]["address"])
        self.assertEqual(
            {"undecided_lines": [[3, 4]], "complete": True, "unexamined": NONE_UNEXAMINED}, checked["search"]
        )
