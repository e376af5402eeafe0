"""Tests of ``AT``: statements for some alias domains."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO, StringIO
from pathlib import Path

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.lint import lint
from trualias.analysis.overlap import find_overlaps
from trualias.analysis.reachability import find_unreached
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration, ConfigurationErrors, parse_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Answer, Found, NotFound, NotFoundReason, Snapshot
from trualias.main import run
from trualias.matching.domain_indexes import FEW
from trualias.server.settings_effects import warn_of_statements_at
from trualias.test.complaints import Complaint, complaints

DOMAINS = "ALIAS DOMAINS: north.example south.example bücher.example\n"
NO_MATCH = NotFound(NotFoundReason.NO_MATCH)


def parse(statements: str, settings: str = DOMAINS) -> Configuration:
    """Parse settings and statements."""
    return parse_configuration(settings + statements, "test.conf")


class CheckTests(SynchronousTestCase):
    """The errors of statements with ``AT``: the rules look at statements that share a domain."""

    def assert_refused(self, statements: str, *errors: Complaint) -> None:
        """Assert the complete text of the errors of statements; lines count from their first."""
        with self.assertRaises(ConfigurationErrors) as raised:
            parse(statements)
        expected = complaints(DOMAINS + statements, *((line + 1, column, text) for line, column, text in errors))
        self.assertEqual(expected, str(raised.exception))

    def test_domains(self) -> None:
        """The domains are alias domains, in any spelling."""
        parse("ACCOUNT a AT NORTH.example, xn--bcher-kva.example MATCHES %code% WITH x;")
        text = "ACCOUNT a AT north.example, west.example MATCHES %code% WITH x;"
        self.assert_refused(text, (1, 29, "the domain 'west.example' is not one of ALIAS DOMAINS"))

    def test_same_expression(self) -> None:
        """The same expression without a name may stand twice for different domains, and not for a common one."""
        statement = "ACCOUNT {} AT {} MATCHES %alpha%.%code% WITH x;\n"
        parse(statement.format("a", "north.example") + statement.format("b", "south.example, bücher.example"))
        text = statement.format("a", "north.example, south.example") + statement.format(
            "b", "bücher.example, South.example"
        )
        first = "the same expression stands in line {}; it must have %account%, or differ"
        columns = [line.index("%alpha%") + 1 for line in text.splitlines()]
        self.assert_refused(text, (1, columns[0], first.format(3)), (2, columns[1], first.format(2)))
        text = "ACCOUNT a MATCHES %alpha%.%code% WITH x;\n" + statement.format("b", "south.example")
        column = text.splitlines()[1].index("%alpha%") + 1
        self.assert_refused(text, (1, 19, first.format(3)), (2, column, first.format(2)))

    def test_shared_aliases(self) -> None:
        """An alias may be one of different accounts in different domains, and not in a common one."""
        statement = "ACCOUNT {} ALIASED sales AT {} MATCHES %alias%.%code% WITH x;\n"
        parse(statement.format("a", "north.example") + statement.format("b", "south.example"))
        message = "the alias 'sales' also belongs to another account, so the expression must have %account% and %alias%"
        text = statement.format("a", "north.example, south.example") + statement.format("b", "south.example")
        self.assert_refused(text, (1, 19, message), (2, 19, message))
        text = statement.format("a", "north.example") + "ACCOUNT b ALIASED sales MATCHES %alias%-%code% WITH x;"
        self.assert_refused(text, (1, 19, message), (2, 19, message))

    def test_refusals(self) -> None:
        """An account's own name cannot be refused in its domains; in another one it can."""
        account = "ACCOUNT ann AT north.example MATCHES %account%.%code% WITH x;\n"
        parse(account + "REFUSE ann@south.example;")
        for refused in ("ann", "Ann@North.example"):
            message = f"'{refused}' is the account ann, and all its mail would be refused"
            self.assert_refused(f"{account}REFUSE {refused};", (2, 8, message))

    def test_deliveries(self) -> None:
        """An account can have a DELIVER in its own domains only, or one for all."""
        account = "ACCOUNT ann AT north.example MATCHES %account%.%code% WITH x;\n"
        parse(account + "DELIVER ann TO box; DELIVER ann AT north.example TO box;")
        text = account + "DELIVER ann AT north.example, south.example TO box;"
        self.assert_refused(text, (2, 31, "no statement has the account 'ann' in 'south.example'"))


PEOPLE = """\
ACCOUNT ann AT north.example MATCHES %account%.%alpha%.%code% WITH CHARS();
ACCOUNT ann AT south.example MATCHES %account%-%alpha%-%code% WITH VOWELS();
ACCOUNT bob ALIASED sales AT south.example, bücher.example MATCHES %alias%.%alpha%.%code% WITH x;
ACCOUNT eve ALIASED sales AT north.example MATCHES %alias%.%alpha%.%code% WITH x;
ACCOUNT cal MATCHES %account%.%alpha%.%code% WITH x;
"""


class LookupTests(SynchronousTestCase):
    """The answers of the tables."""

    def assert_answers(self, snapshot: Snapshot, table: Table, answers: Mapping[str, Answer]) -> None:
        """Assert the answers of a table."""
        self.assertEqual(answers, {key: snapshot.tables[table](key) for key in answers})

    def test_virtual(self) -> None:
        """An address is read by the statements of its own domain, and by those without AT."""
        answers: dict[str, Answer] = {
            "ann.ab.2@north.example": Found("ann@north.example", "ann"),
            "ann.ab.2@south.example": NO_MATCH,
            "ann-ab-1@South.example": Found("ann@South.example", "ann"),
            "ann-ab-1@north.example": NO_MATCH,
            "ann.ab.3@north.example": NotFound(NotFoundReason.WRONG_CODE, ("ann",)),
            "sales.ab.x@north.example": Found("eve@north.example", "eve"),
            "sales.ab.x@south.example": Found("bob@south.example", "bob"),
            "sales.ab.x@BÜCHER.example": Found("bob@BÜCHER.example", "bob"),
            "sales.ab.x@xn--bcher-kva.example": Found("bob@xn--bcher-kva.example", "bob"),
            "cal.ab.x@north.example": Found("cal@north.example", "cal"),
            "cal.ab.x@bücher.example": Found("cal@bücher.example", "cal"),
        }
        self.assert_answers(Snapshot(parse(PEOPLE)), Table.VIRTUAL, answers)

    def test_table(self) -> None:
        """The local-part table knows no domain, and passes over statements with AT."""
        answers: dict[str, Answer] = {
            "ann.ab.2": NO_MATCH,
            "ann.ab.3": NO_MATCH,
            "sales.ab.x": NO_MATCH,
            "cal.ab.x": Found("cal", "cal"),
        }
        self.assert_answers(Snapshot(parse(PEOPLE)), Table.LOCAL_PART, answers)

    def test_login(self) -> None:
        """An account's own address is a sender's in its domains only."""
        answers: dict[str, Answer] = {
            "ann@north.example": Found("ann", "ann"),
            "ANN@South.example": Found("ann", "ann"),
            "ann@bücher.example": NO_MATCH,
            "cal@bücher.example": Found("cal", "cal"),
            "eve@south.example": NO_MATCH,
            "sales.ab.x@south.example": Found("bob", "bob"),
        }
        self.assert_answers(Snapshot(parse(PEOPLE)), Table.LOGIN, answers)

    def test_ambiguous(self) -> None:
        """A statement with AT and one without can share an address; elsewhere it belongs to one account."""
        snapshot = Snapshot(
            parse("ACCOUNT a AT north.example MATCHES %alnum%.%code% WITH x;\nACCOUNT b MATCHES %alpha%.%code% WITH x;")
        )
        self.assertEqual(("a", "b"), getattr(snapshot.tables[Table.VIRTUAL]("q.x@north.example"), "accounts", None))
        self.assert_answers(snapshot, Table.VIRTUAL, {"q.x@south.example": Found("b@south.example", "b")})

    def test_spelling(self) -> None:
        """Without regard to case, the answer is the account as the file first spells it, in whatever domain."""
        for general in ("", " AT south.example"):
            text = (
                "CASE SENSITIVE: no\nACCOUNT Ann AT north.example MATCHES %account%.%code% WITH x;\n"
                f"ACCOUNT ann{general} MATCHES %account%.%code% WITH x;"
            )
            answers = {"ann.x@south.example": Found("Ann@south.example", "Ann")}
            self.assert_answers(Snapshot(parse(text)), Table.VIRTUAL, answers)

    def test_many_sets_of_domains(self) -> None:
        """A domain in many sets of domains has an index of its own, with the same answers."""
        domains = [f"d{number}.example" for number in range(FEW + 3)]
        settings = f"ALIAS DOMAINS: main.example {' '.join(domains)}\n"
        statements = "".join(
            f"ACCOUNT a{number} AT main.example, {domain} MATCHES %account%.%code% WITH x;\n"
            for number, domain in enumerate(domains)
        )
        snapshot = Snapshot(parse(statements + "ACCOUNT all MATCHES %account%.%code% WITH x;", settings))
        policy = snapshot.configuration.policy
        for number, domain in enumerate(domains):
            key = f"a{number}.x"
            answers: dict[str, Answer] = {
                f"{key}@main.example": Found(f"a{number}@main.example", f"a{number}"),
                f"{key}@{domain}": Found(f"a{number}@{domain}", f"a{number}"),
                f"{key}@{domains[number - 1]}": NO_MATCH,
                f"all.x@{domain}": Found(f"all@{domain}", "all"),
            }
            self.assert_answers(snapshot, Table.VIRTUAL, answers)
        self.assertEqual(frozenset(["main.example", *domains]), policy.domains)
        self.assertEqual(len(domains), policy.statements_at)

    def test_steps(self) -> None:
        """Statements for other domains take no step of the budget, however many there are."""
        settings = f"ALIAS DOMAINS: {' '.join(f'd{number}.example' for number in range(500))}\n"
        statements = "".join(
            f"ACCOUNT a{number} AT d{number}.example MATCHES %alpha%.%code% WITH CHARS();\n" for number in range(500)
        )
        policy = parse(statements, settings).policy
        alone = parse("ACCOUNT a7 MATCHES %alpha%.%code% WITH CHARS();").policy
        self.assertEqual(alone.resolve_counting("shop.4"), policy.resolve_counting("shop.4", "d7.example"))
        self.assertEqual(1, len(policy.candidates("shop.4", "d7.example")))


class AnalysisTests(SynchronousTestCase):
    """Overlaps and accounts that no address reaches."""

    def test_overlaps(self) -> None:
        """Two statements share an address only in a common domain, which the warning names."""
        one = "ACCOUNT a AT north.example, south.example MATCHES %alnum%.%code% WITH x;\n"
        self.assertEqual(
            (), find_overlaps(parse(one + "ACCOUNT b AT bücher.example MATCHES %alpha%.%code% WITH x;").policy).overlaps
        )
        for at, domain in (("", "north.example"), (" AT south.example", "south.example")):
            configuration = parse(f"{one}ACCOUNT b{at} MATCHES %alpha%.%code% WITH x;")
            (overlap,) = find_overlaps(configuration.policy).overlaps
            self.assertEqual(domain, overlap.domain)
            messages = [warning.message for warning in lint(configuration)[0] if warning.kind == "two-accounts"]
            expected = (
                f"'{overlap.local_part}@{domain}' is right for a and for b, the account of the statement in line 3"
            )
            self.assertEqual([expected], messages)

    def test_unreached(self) -> None:
        """An account is a name in a domain: each has to be reached."""
        good = "ACCOUNT ann AT north.example MATCHES %account%.%alpha%.%code% WITH CHARS();\n"
        bad = f"ACCOUNT ann AT south.example MATCHES %account%.%alpha%.%code% WITH {70 * 'x'};\n"
        self.assertEqual((), find_unreached(parse(good).policy).unreached)
        (unreached,) = find_unreached(parse(good + bad).policy).unreached
        self.assertEqual(frozenset(["south.example"]), unreached.target.rule.domains)
        everywhere = "ACCOUNT ann MATCHES %account%=%alpha%.%code% WITH CHARS();\n"
        self.assertEqual((), find_unreached(parse(everywhere + bad).policy).unreached)


class CommandTests(SynchronousTestCase):
    """What the commands say."""

    def setUp(self) -> None:
        """Write a configuration."""
        self.path = Path(self.mktemp()).absolute()
        self.path.write_text(DOMAINS + PEOPLE, "utf-8")

    def command(self, name: str, *arguments: str) -> tuple[int, str, str]:
        """Run a command; return its status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run([name, "-c", str(self.path), *arguments], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_explain(self) -> None:
        """Only the statements of the address's domain are compared; the number of the others is shown."""
        status, output, _ = self.command("explain", "ann.ab.3@north.example")
        expected = [
            "ann.ab.3@north.example is not found: it looks right, but its code is wrong",
            "  statement at line 2: account ann, alpha ab",
            "    CHARS() wants 2, the address has 3",
            "      ann.ab.3",
            "             ^",
            "  2 statements not compared: the address lacks a name or a literal",
            "  2 statements not compared: AT names other domains",
        ]
        self.assertEqual((1, expected), (status, output.splitlines()))
        (result,) = json.loads(self.command("explain", "--json", "ann.ab.3@north.example")[1])["keys"]
        self.assertEqual((2, 2), (result["elsewhere"], result["not_compared"]))

    def test_compose(self) -> None:
        """An address has a domain of its statement, or the given one, for which other statements have none."""
        expected = "ann.macys.5@north.example\nann-macys-1@south.example\n"
        self.assertEqual((0, expected, ""), self.command("compose", "ann", "macys"))
        remark = "statement at line 2: AT does not name south.example\n"
        composed = self.command("compose", "--domain", "south.example", "ann", "macys")
        self.assertEqual((0, "ann-macys-1@south.example\n", remark), composed)

    def test_expect(self) -> None:
        """An expectation of an address with a domain is met by the statements there."""
        text = PEOPLE + "EXPECT ann.ab.2@north.example ann;\nEXPECT ann.ab.2, ann.ab.2@south.example NOTHING;\nEND\n"
        self.path.write_text(DOMAINS + text, "utf-8")
        self.assertNotIn("error", self.command("check")[1].replace("no errors", ""))

    def test_refusals_and_targets(self) -> None:
        """The warnings about addresses look at the statements of their domains."""
        text = "REFUSE ann.ab.2, ann.ab.2@south.example;\n"
        text += "DELIVER cal TO ann.abc.3@north.example, ann.abc.4@south.example, ann-ab-2;\n"
        self.path.write_text(DOMAINS + PEOPLE + text + "END\n", "utf-8")
        warnings = json.loads(self.command("check", "--json")[1])["files"][0]["warnings"]
        found = [
            (one["kind"], one["address"])
            for one in warnings
            if one["kind"] in ("needless-refusal", "delivery-not-found")
        ]
        self.assertEqual([("needless-refusal", "ann.ab.2"), ("delivery-not-found", "ann-ab-2")], found)

    def test_table_server(self) -> None:
        """The table server says when it loads a file how many statements it passes over."""
        with capturedLogs() as events:
            warn_of_statements_at(parse(PEOPLE))
            warn_of_statements_at(parse("ACCOUNT a MATCHES %code% WITH x;"))
        expected = "test.conf has 4 statements with AT, which the table server passes over: its keys have no domain"
        self.assertEqual([expected], [formatEvent(event) for event in events])
