"""Tests of ``trualias strength``, and the progress bar."""

import json
import sys
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.strength import Proportion
from trualias.commands.progress import progress
from trualias.commands.strength_text import one_of, percent
from trualias.commands.terminal import Terminal
from trualias.main import run

CONFIGURATION = """\
CASE SENSITIVE: no
ACCOUNT foo, bar ALIASED joe
MATCHES %account%.%alias%-%alpha%-%code%
WITH CHAR(1,-), CHARS();
ACCOUNT baz
MATCHES %alpha%is%alpha%.%code%
WITH CHARS(1), CHARS(2);
ACCOUNT code MATCHES %account%-%code% WITH CHARS(account);
ACCOUNT site MATCHES %account%+%fqdn%+%code% WITH LABELS();
"""
WORDS = "ab\nac\nisis\nbcdefghijk\n"


class Screen(StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class StrengthTests(SynchronousTestCase):
    """The command, in this process."""

    def setUp(self) -> None:
        """Write a configuration and a list of words."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path, self.words = folder / "trualias.conf", folder / "words"
        self.path.write_text(CONFIGURATION, "utf-8")
        self.words.write_text(WORDS, "utf-8")

    def strength(self, *arguments: str, errors: StringIO | None = None) -> tuple[int, str, str]:
        """Run the command on the configuration and the list; return status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), errors or StringIO())
        status = run(["strength", "-c", str(self.path), "--words", str(self.words), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_sentences(self) -> None:
        """Each statement is printed with its position and its figures; the assumptions follow."""
        expected = f"""\
{self.path}:2: %account%.%alias%-%alpha%-%code% WITH CHAR(1,-), CHARS()
  whose     foo, one of 2 accounts, as joe
  blind     1 of 347 blind guesses gets through, codes like a0
  constant  always sending a2 gets through for 50 % of names
  replay    the code of a leaked address gets through for 16.7 % of other names
  samples   after 3 leaked addresses (3 to 4) only this rule is left

{self.path}:5: %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2)
"""
        status, output, errors = self.strength()
        self.assertEqual((0, expected, ""), (status, output[: len(expected)], errors))
        for line in (
            f"\n{self.path}:8: %account%-%code% WITH CHARS(account)\n"
            "  whose     code\n"
            "  blind     1 of 10 blind guesses gets through, codes like 0\n"
            "  constant  4 is the code of every address: there is nothing to guess\n\n",
            f"\n{self.path}:9: %account%+%fqdn%+%code% WITH LABELS()\n"
            f"  no figures: none of 4 words of {self.words} can be %fqdn%\n\n"
            "The attacker knows the shape of the addresses and draws words, as their owners do, "
            f"from 4 words of {self.words}.\n"
            "Addresses leaked in 51 runs, up to 100 in each; 8 of 10 runs were within the brackets. "
            "The search covers all codes of up to 3 items that look at most 12 characters into a word.\n"
            "'About' marks a figure that was partly estimated from a random sample; the brackets hold its 95 % "
            "confidence interval. The sample was drawn with --seed 1.\n",
        ):
            self.assertIn(line, output)

    def test_counted_only(self) -> None:
        """The notes on samples and on the search are printed only if they apply."""
        output = self.strength("code")[1]
        self.assertNotIn("About", output)
        self.path.write_text("ACCOUNT a MATCHES %alpha%-%code% WITH CHARS(), x, CHARS(), CHAR(1,-);", "utf-8")
        output = self.strength()[1]
        self.assertIn("  samples   not searched: the code has more than 3 items\n", output)
        self.assertNotIn("Addresses leaked", output)

    def test_accounts(self) -> None:
        """Only the given accounts are measured; one without a statement is an error."""
        status, output, errors = self.strength("BAR", "nobody", "code")
        self.assertEqual((1, "no statement has the account nobody\n"), (status, errors))
        self.assertIn("  whose     bar, one of 2 accounts, as joe\n", output)
        self.assertIn("  whose     code\n", output)
        self.assertNotIn("%alpha%is%alpha%", output)

    def test_nothing_measured(self) -> None:
        """Without anything to measure there is the reason alone; a misspelled account has a suggestion."""
        self.assertEqual((1, "", "no statement has the account cod; did you mean 'code'?\n"), self.strength("cod"))
        self.path.write_text("CASE SENSITIVE: no\n", "utf-8")
        self.assertEqual((0, "", f"{self.path} has no statement to measure\n"), self.strength())
        self.assertEqual([], json.loads(self.strength("--json")[1])["statements"])

    def test_domains(self) -> None:
        """The domains after AT are named."""
        statement = "ACCOUNT a AT {} MATCHES %alpha%-%code% WITH CHARS();"
        domains = "ALIAS DOMAINS: a.example b.example"
        self.path.write_text("\n".join([domains, statement.format("b.example, A.example"), ""]), "utf-8")
        self.assertIn("\n  whose     a, at b.example or A.example\n", self.strength()[1])
        (found,) = json.loads(self.strength("--json")[1])["statements"]
        self.assertEqual(["b.example", "A.example"], found["domains"])

    def test_json(self) -> None:
        """``--json`` prints all figures."""
        status, output, _ = self.strength("--json", "--seed", "7")
        value = json.loads(output)
        self.assertEqual((0, 7, f"4 words of {self.words}"), (status, value["seed"], value["words"]))
        self.assertEqual({"items": 3, "index": 12, "leaks": 100, "runs": 51, "nearly": 0.9}, value["limits"])
        first, second, third, fourth = value["statements"]
        self.assertEqual(
            {
                "line": 2,
                "expression": "%account%.%alias%-%alpha%-%code%",
                "items": ["CHAR(1,-)", "CHARS()"],
                "domains": None,
                "account": "foo",
                "alias": "joe",
                "combinations": 4,
                "blind": {"form": "a0", "share": 0.75 / 260, "low": 0.75 / 260, "high": 0.75 / 260, "exact": True},
                "constant": {"code": "a2", "best": True, "share": 0.5, "low": 0.5, "high": 0.5, "exact": True},
                "replay": {"share": 1 / 6, "low": 1 / 6, "high": 1 / 6, "exact": True},
            },
            {name: figure for name, figure in first.items() if name != "samples"},
        )
        self.assertEqual({"middle": 3, "low": 3, "high": 4}, first["samples"]["only"])
        self.assertFalse(second["replay"]["exact"])
        self.assertLess(second["replay"]["low"], second["replay"]["high"])
        self.assertEqual(1, third["samples"]["only"]["middle"])
        self.assertEqual("fqdn", fourth["no_words"])

    def test_unusable_words(self) -> None:
        """An unusable word list is an error, and the status is 2."""
        self.words.write_text("", "utf-8")
        self.assertEqual((2, "", f"{self.words}: there is no word in it; write one a line\n"), self.strength())

    def test_seed(self) -> None:
        """A seed is a whole number."""
        errors = StringIO()
        self.patch(sys, "stderr", errors)
        self.assertEqual(2, self.assertRaises(SystemExit, self.strength, "--seed", "-x").code)
        self.assertEqual(2, self.assertRaises(SystemExit, self.strength, "--seed", "x").code)
        self.assertIn("argument --seed: 'x' is not a whole number", errors.getvalue())

    def test_progress(self) -> None:
        """A progress bar is shown on standard error if that is a terminal."""
        self.assertIn("measuring", self.strength("code", errors=Screen())[2])

    def test_limit(self) -> None:
        """With GUESSES, it says how many guesses of one network get through in a year."""
        settings = "STORE: sqlite:m\nLISTEN: policy tcp:1\nALIAS DOMAINS: example.com\nGUESSES: 20 PER HOUR\n"
        self.path.write_text(settings + CONFIGURATION, "utf-8")
        self.assertIn(
            "limit with 20 wrong codes an hour from one network, 175,200 a year, 507 get through blindly, "
            "175,200 with the constant code, 35,040 with a leaked one ",
            " ".join(self.strength()[1].split()),
        )
        found = json.loads(self.strength("--json")[1])
        self.assertEqual({"per_hour": 20, "per_year": 175_200}, found["guesses"])
        hits = found["statements"][0]["hits_per_year"]
        self.assertEqual([507, 175_200, 35_040], [round(hits[name]) for name in ("blind", "constant", "replay")])

    def test_alike(self) -> None:
        """Statements that differ in names and literals alone are measured once, unless a word has the literal."""
        statements = (
            ("foo", "%account%-%alpha%-%code%", ""),
            ("bar", "%account%+%alpha%+%code%", ""),
            ("baz", "%account%-%alpha%-%code%", ", x"),
            ("qux", "%account%-%ident%-%code%", ""),
            ("ac", "%account%-%alpha%-%code%", ""),  # is a word
        )
        self.path.write_text(
            "".join(
                f"ACCOUNT {account} MATCHES {expression} WITH CHAR(1,-), CHARS(){more};\n"
                for account, expression, more in statements
            ),
            "utf-8",
        )
        output = self.strength()[1]
        self.assertEqual(1, output.count("  as the statement in line 1: they differ in names and literals alone\n"))
        found = json.loads(self.strength("--json")[1])["statements"]
        self.assertEqual([None, 1, None, None, None], [one.get("like", {}).get("line") for one in found])
        self.assertEqual("bar", found[1]["account"])
        self.assertEqual(found[0]["samples"], found[1]["samples"])

    def test_many_alike(self) -> None:
        """Of statements with the figures of another one, the first 20 and the number of the others are printed."""
        one = "ACCOUNT u{} MATCHES %account%-%alpha%-%code% WITH CHAR(1,-), CHARS();\n"
        for number, more in ((21, ""), (22, "1 more statement differs"), (30, "9 more statements differ")):
            self.path.write_text("".join(map(one.format, range(number))), "utf-8")
            output = self.strength()[1]
            self.assertEqual(20, output.count("  as the statement in line 1: "))
            sentence = f"{more} from one of these in names and literals alone; --json prints all\n\n"
            self.assertEqual(bool(more), sentence in output, output)
        self.assertEqual(30, len(json.loads(self.strength("--json")[1])["statements"]))


class WordingTests(SynchronousTestCase):
    """Descriptions of shares."""

    def test_one_of(self) -> None:
        """``one_of`` describes a share, with bounds if it was estimated, and as a bound alone if there was no hit."""
        for expected, proportion in (
            ("1 of 281", Proportion.counted(1 / 281)),
            ("1 of 1.33", Proportion.counted(0.75)),
            ("1 of 2", Proportion.counted(0.5)),
            ("about 1 of 100 (1 of 83 to 1 of 125)", Proportion(0.01, 0.008, 0.012)),
            ("about 1 of 100 (1 of 83 to none)", Proportion(0.01, 0, 0.012)),
            ("fewer than 1 of 5000", Proportion(0, 0, 0.0002)),
        ):
            self.assertEqual(expected, one_of(proportion))

    def test_percent(self) -> None:
        """``percent`` has two significant digits, and three for bounds."""
        for expected, proportion in (
            ("2.2 %", Proportion.counted(0.0217)),
            ("100 %", Proportion.counted(1)),
            ("15.6 %", Proportion.counted(0.1557)),
            ("0.018 %", Proportion.counted(0.000177)),
            ("about 2.2 % (2.17 to 2.19 %)", Proportion(0.0218, 0.0217, 0.0219)),
            ("less than 0.02 %", Proportion(0, 0, 0.0002)),
        ):
            self.assertEqual(expected, percent(proportion))


class ProgressTests(SynchronousTestCase):
    """The progress bar."""

    def test_pipe(self) -> None:
        """In a pipe there is no bar."""
        pipe = StringIO()
        with progress(pipe, "reading", 10) as advance:
            advance(5)
        self.assertEqual("", pipe.getvalue())

    def test_terminal(self) -> None:
        """On a terminal the bar advances, and is removed at the end."""
        screen = Screen()
        with progress(screen, "reading", 10) as advance:
            advance(10)
        self.assertIn("reading", screen.getvalue())
        self.assertIn("100%", screen.getvalue())
        self.assertTrue(screen.getvalue().endswith("\x1b[2K"), repr(screen.getvalue()[-40:]))

    def test_markup(self) -> None:
        """Brackets, the markup of the library, are shown as they are."""
        screen = Screen()
        with progress(screen, "reading log[old] x[/b]", 10) as advance:
            advance(10)
        self.assertIn("reading log[old] x[/b]", screen.getvalue())

    def test_delay(self) -> None:
        """A bar that is to be shown after a second appears then, with the parts from before."""
        screen = Screen()
        now = 5.0
        with progress(screen, "checking", 10, after=1, clock=lambda: now) as advance:
            advance(5)
            self.assertEqual("", screen.getvalue())
            now = 6.0
            advance(5)
        self.assertIn("checking", screen.getvalue())
        self.assertIn("100%", screen.getvalue())

    def test_short(self) -> None:
        """Nothing appears if the end comes before."""
        screen = Screen()
        with progress(screen, "checking", None, after=1, clock=lambda: 5.0) as advance:
            advance(0)
        self.assertEqual("", screen.getvalue())
