"""Tests of the checks: for each rule a statement that keeps it and one that breaks it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.checks import check
from trualias.language.parser import parse
from trualias.language.rule import Rule
from trualias.language.source import ConfigurationErrors, Source
from trualias.language.tree import Account, Call, FieldClass, NameField, NameKind
from trualias.messages import quoted
from trualias.test.complaints import Complaint, complaints

IDENT = "is not a name of class ident (letters, digits and '_', a letter or digit first and last)"


class ChecksCase(SynchronousTestCase):
    """Parses and checks texts."""

    def check(self, text: str, case_sensitive: bool) -> tuple[tuple[Rule, ...], str]:
        """Return the valid statements, and the complete text of all errors."""
        source = Source(text, "test.conf")
        parsed = parse(source)
        statements = [statement for statement in parsed.statements if isinstance(statement, Account)]
        rules, errors = check(source, statements, case_sensitive, partial=parsed.partial)
        return rules, str(ConfigurationErrors(parsed.errors + errors))

    def assert_accepted(self, *statements: str, case_sensitive: bool = True) -> tuple[Rule, ...]:
        """Assert that statements, one a line, are valid; return them."""
        rules, errors = self.check("\n".join(statements), case_sensitive)
        self.assertEqual("", errors)
        self.assertEqual(len(statements), len(rules))
        return rules

    def assert_refused(self, text: str, *errors: Complaint, case_sensitive: bool = True) -> None:
        """Assert the complete text of all errors."""
        self.assertEqual(complaints(text, *errors), self.check(text, case_sensitive)[1])


class NamesTests(ChecksCase):
    """Account and alias names are of the class after ``USING``."""

    def assert_fit(self, using: str, fit: tuple[str, ...], others: dict[str, str], meaning: str) -> None:
        """Assert which names are of a class; for the others, the class that the message proposes."""
        for name in fit:
            self.assert_accepted(f"ACCOUNT {name} USING {using} MATCHES %account%-%code% WITH x;")
            self.assert_accepted(f"ACCOUNT {name} USING {using} ALIASED {name} MATCHES %alias%-%code% WITH x;")
        for name, other in others.items():
            fix = f"; it would be one of USING {other}" if other else ""
            fix = "; the domains of a statement stand after AT" if "@" in name else fix
            message = f"{quoted(name)} is not a name of class {using} ({meaning}){fix}"
            self.assert_refused(f"ACCOUNT {name} USING {using} MATCHES %account%-%code% WITH x;", (1, 9, message))

    def test_domain(self) -> None:
        """The message about a name with a domain says where domains stand."""
        name = "foo@example.com"
        message = f"'{name}' {IDENT}; the domains of a statement stand after AT"
        self.assert_refused(f"ACCOUNT {name} MATCHES %account%-%code% WITH x;", (1, 9, message))

    def test_alnum(self) -> None:
        """An ``alnum`` name has letters and digits."""
        others = {"a_b": "ident", "a.b": "fqdn", "a-b": "mailbox", "é": "", "٣": ""}
        self.assert_fit("alnum", ("a", "Z9", "9"), others, "ASCII letters and digits")

    def test_alpha(self) -> None:
        """An ``alpha`` name has letters."""
        self.assert_fit("alpha", ("a", "ZZz"), {"a1": "alnum", "1": "alnum", "_": "mailbox", "ß": ""}, "ASCII letters")

    def test_number(self) -> None:
        """A ``number`` name has digits."""
        self.assert_fit(
            "number", ("0", "0123456789"), {"a": "alnum", "1.2": "fqdn", "-1": "mailbox", "²": ""}, "digits"
        )

    def test_ident(self) -> None:
        """An ``ident`` name has letters, digits, and underscores not at the ends; it is the class without ``USING``."""
        meaning = "letters, digits and '_', a letter or digit first and last"
        others = {"fred.morris": "fqdn", "a@b": "", "\u017f": ""}
        others |= dict.fromkeys(("_a", "a_", "_", "a-b", "mary-jane", "_www", "o'neil", "sales+eu"), "mailbox")
        self.assert_fit("ident", ("a", "1", "a_b", "a__b", "A_1"), others, meaning)
        self.assert_accepted("ACCOUNT a_b MATCHES %account%-%code% WITH x;")
        text = "ACCOUNT a.b MATCHES %account%-%code% WITH x;"
        self.assert_refused(text, (1, 9, f"'a.b' {IDENT}; it would be one of USING fqdn"))

    def test_fqdn(self) -> None:
        """An ``fqdn`` has two or more labels of letters, digits and hyphens, and no hyphen or dot at the ends."""
        meaning = "two or more labels joined by dots, a letter or digit first and last"
        others = {
            "a": "alnum",
            "a_b": "ident",
            ".a.b": "",
            "a.b.": "",
            "a..b": "",
            "-a.b": "mailbox",
            "a.b-": "mailbox",
            "a.b_c": "mailbox",
        }
        self.assert_fit("fqdn", ("a.b", "1.2.3", "a-b.c-d", "a-.-b", "a.-.b"), others, meaning)

    def test_mailbox(self) -> None:
        """A ``mailbox`` name is any dot-atom: atext with single dots between."""
        meaning = "a dot-atom of RFC 5322: letters, digits and !#$%&'*+-/=?^_`{|}~, with single dots between them"
        fitting = ("a", "1", "mary-jane", "_www", "o'neil", "sales+eu", "a.b_c", "-a.b", "!#$%&'*+-/=?^_`{|}~", "*a")
        self.assert_fit("mailbox", fitting, dict.fromkeys((".a", "a.", "a..b", ".", "a@b", 'a"', "é"), ""), meaning)

    def test_every_invalid_name(self) -> None:
        """Every invalid name is reported, whether of an account or an alias."""
        self.assert_refused(
            "ACCOUNT a-, b, c- ALIASED d, e-\nMATCHES %account%-%alias%-%code% WITH x;",
            (1, 9, f"'a-' {IDENT}; it would be one of USING mailbox"),
            (1, 16, f"'c-' {IDENT}; it would be one of USING mailbox"),
            (1, 30, f"'e-' {IDENT}; it would be one of USING mailbox"),
        )


class ExpressionTests(ChecksCase):
    """Rules about expressions."""

    def test_code(self) -> None:
        """An expression has exactly one code."""
        self.assert_accepted("ACCOUNT a MATCHES %code% WITH x;", "ACCOUNT a MATCHES %%code%%%code% WITH x;")
        self.assert_refused("ACCOUNT a MATCHES %account% WITH x;", (1, 19, "the expression has no %code%"))
        self.assert_refused("ACCOUNT a MATCHES %%code%% WITH x;", (1, 19, "the expression has no %code%"))
        again = "the expression has more than one %code%"
        self.assert_refused("ACCOUNT a MATCHES %code%.%code%.%code% WITH x;", (1, 26, again), (1, 33, again))

    def test_adjacent_fields(self) -> None:
        """Two fields need a literal between them, except letters beside digits."""
        accepted = (
            "%alpha%%number%.%code%",
            "%number%%alpha%.%code%",
            "%alpha%%number%%alpha%.%code%",
            "%alpha%%%%code%",
        )
        for expression in accepted:
            self.assert_accepted(f"ACCOUNT a MATCHES {expression} WITH x;")
        fields = ("account", "alias", "alnum", "alpha", "number", "ident", "fqdn")
        pairs = [(left, right) for left in fields for right in fields if {left, right} != {"alpha", "number"}]
        for left, right in [*pairs, ("code", "alpha"), ("number", "code"), ("account", "code"), ("code", "alias")]:
            message = f"no literal between %{left}% and %{right}%; only %alpha% and %number% may stand side by side"
            rest = "" if "code" in (left, right) else "-%code%"
            text = f"ACCOUNT a ALIASED b MATCHES %{left}%%{right}%{rest} WITH x;"
            self.assert_refused(text, (1, 31 + len(left), message))

    def test_literals(self) -> None:
        """Literals hold characters of unquoted local parts; the first other character of each is reported."""
        self.assert_accepted("ACCOUNT a MATCHES !#$%%&'*+-/=?^_`{|}~.aA0%code% WITH x;")
        for character in '@:"\\<>[]é\u2028'[:9]:
            message = f"a local part cannot hold '{character}' (RFC 5322, atext and '.')"
            self.assert_refused(f"ACCOUNT a MATCHES a%%b%%{character}é%code%c WITH x;", (1, 25, message))
        text = "ACCOUNT a MATCHES @%code%a@ WITH x;"
        message = "a local part cannot hold '@' (RFC 5322, atext and '.')"
        self.assert_refused(text, (1, 19, message), (1, 27, message))

    def test_all_at_once(self) -> None:
        """All errors of an expression are reported."""
        self.assert_refused(
            "ACCOUNT a-, b MATCHES é%alpha%%alpha% WITH chars(), CHARS(9);",
            (1, 9, f"'a-' {IDENT}; it would be one of USING mailbox"),
            (1, 23, "the expression has no %code%"),
            (1, 23, "a local part cannot hold 'é' (RFC 5322, atext and '.')"),
            (1, 23, "several accounts: the expression must have %account%"),
            (1, 31, "no literal between %alpha% and %alpha%; only %alpha% and %number% may stand side by side"),
            (
                1,
                44,
                "unknown function 'chars'; expected DIGITS, ALPHAS, VOWELS, CHARS, LABELS, ANY, NONE or CHAR; "
                "did you mean 'CHARS'?",
            ),
            (1, 59, "the expression has no identifier '9'; expected 1, 2 or account"),
        )


class ItemsTests(ChecksCase):
    """Rules about the items of a code; test_functions has those about arguments."""

    def test_literals(self) -> None:
        """Literals hold characters of local parts, several and percent signs included."""
        self.assert_accepted("ACCOUNT a MATCHES %code% WITH x, foo.bar, %, !#$&'*+-/=?^_`{|}~;")
        message = "a local part cannot hold '@' (RFC 5322, atext and '.')"
        self.assert_refused("ACCOUNT a MATCHES %code% WITH x, y@é;", (1, 35, message))

    def test_bare_functions(self) -> None:
        """The error for a function without parentheses shows its form."""
        table = {"CHARS": "CHARS([n])", "CHAR": "CHAR([n,] [label,] index, default)", "ANY": "ANY([n])"}
        for name, form in table.items():
            text = f"ACCOUNT a MATCHES %ident%-%code% WITH x, {name};"
            self.assert_refused(text, (1, 42, f"'{name}' is a function; write {form}"))
        self.assert_accepted("ACCOUNT a MATCHES %ident%-%code% WITH chars, CHARSX;")

    def test_unknown_functions(self) -> None:
        """The error for an unknown function names all functions, and the one that was probably meant."""
        known = "DIGITS, ALPHAS, VOWELS, CHARS, LABELS, ANY, NONE or CHAR"
        for name, meant in (("char", "CHAR"), ("VOVELS", "VOWELS"), ("Any", "ANY")):
            message = f"unknown function '{name}'; expected {known}; did you mean '{meant}'?"
            self.assert_refused(f"ACCOUNT a MATCHES %ident%-%code% WITH {name}();", (1, 39, message))
        message = f"unknown function 'SUM'; expected {known}"
        self.assert_refused("ACCOUNT a MATCHES %ident%-%code% WITH SUM();", (1, 39, message))

    def test_of_partial_statements(self) -> None:
        """The items of a statement with an unknown class or field are checked, too."""
        known = "DIGITS, ALPHAS, VOWELS, CHARS, LABELS, ANY, NONE or CHAR"
        self.assert_refused(
            "ACCOUNT a- MATCHES %cod% WITH CHARS, CHRAS(), CHARS(9), é;",
            (
                1,
                20,
                "unknown field '%cod%'; expected account, alias, alnum, alpha, number, ident, fqdn or code; "
                "did you mean 'code'?",
            ),
            (1, 31, "'CHARS' is a function; write CHARS([n])"),
            (1, 38, f"unknown function 'CHRAS'; expected {known}; did you mean 'CHARS'?"),
            (1, 57, "a local part cannot hold 'é' (RFC 5322, atext and '.')"),
        )


class AmbiguityTests(ChecksCase):
    """Each row of the table of static ambiguities."""

    TWIN = "ACCOUNT t MATCHES {} WITH x;"

    def assert_shared(self, statement: str, expression: str, column: int, needed: str) -> None:
        """Assert that a statement is accepted alone, and refused beside another one with the same expression."""
        self.assert_accepted(statement.format(expression), self.TWIN.format(f"{expression}x"))
        text = f"{statement.format(expression)}\n\n{self.TWIN.format(expression)}"
        self.assert_refused(
            text,
            (1, column, f"the same expression stands in line 3; it must have {needed}, or differ"),
            (3, 19, "the same expression stands in line 1; it must have %account%, or differ"),
        )

    def test_one_account(self) -> None:
        """One account needs its name in the expression, or an expression that no other statement has."""
        self.assert_shared("ACCOUNT a MATCHES {} WITH x;", "%alpha%.%code%", 19, "%account%")
        for field in ("%account%", "%alias%"):
            statement = f"ACCOUNT a MATCHES {field}.%code% WITH x;"
            self.assert_accepted(statement, statement.replace("ACCOUNT a", "ACCOUNT b"), statement)

    def test_same_account_twice(self) -> None:
        """Two statements of one account need different expressions, too."""
        text = "ACCOUNT a MATCHES %code% WITH x;\nACCOUNT a MATCHES %code% WITH y;"
        message = "the same expression stands in line {}; it must have %account%, or differ"
        self.assert_refused(text, (1, 19, message.format(2)), (2, 19, message.format(1)))

    def test_three_of_one_expression(self) -> None:
        """Each of three statements with one expression is refused with the line of another."""
        text = "\n".join(f"ACCOUNT {name} MATCHES %code% WITH x;" for name in "abc")
        message = "the same expression stands in line {}; it must have %account%, or differ"
        self.assert_refused(text, *[(line, 19, message.format(other)) for line, other in ((1, 2), (2, 1), (3, 1))])

    def test_several_accounts(self) -> None:
        """Several accounts need ``%account%``."""
        for field in ("%account%", "%alias%"):
            self.assert_accepted(f"ACCOUNT a, b MATCHES {field}.%code% WITH x;")
        text = "ACCOUNT a, b MATCHES %alpha%.%code% WITH x;"
        self.assert_refused(text, (1, 22, "several accounts: the expression must have %account%"))

    def test_one_account_one_alias(self) -> None:
        """One account and one alias need either name, or an expression that no other statement has."""
        self.assert_shared("ACCOUNT a ALIASED b MATCHES {} WITH x;", "%alpha%.%code%", 29, "%account% or %alias%")
        for field in ("%account%", "%alias%", "%account%-%alias%"):
            statement = f"ACCOUNT a ALIASED b MATCHES {field}.%code% WITH x;"
            self.assert_accepted(statement, statement)

    def test_one_account_several_aliases(self) -> None:
        """One account and several aliases need ``%alias%``."""
        for field in ("%alias%", "%account%-%alias%"):
            self.assert_accepted(f"ACCOUNT a ALIASED b, c MATCHES {field}.%code% WITH x;")
        message = "several aliases: the expression must have %alias%"
        for field in ("%account%", "%alpha%"):
            self.assert_refused(f"ACCOUNT a ALIASED b, c MATCHES {field}.%code% WITH x;", (1, 32, message))

    def test_several_accounts_and_aliases(self) -> None:
        """Several accounts with aliases, one or more, need both names."""
        message = "several accounts with aliases: the expression must have %account% and %alias%"
        for aliases in ("c", "c, d"):
            self.assert_accepted(f"ACCOUNT a, b ALIASED {aliases} MATCHES %alias%.%account%-%code% WITH x;")
            for field in ("%account%", "%alias%", "%alpha%"):
                text = f"ACCOUNT a, b ALIASED {aliases} MATCHES {field}.%code% WITH x;"
                self.assert_refused(text, (1, 31 + len(aliases), message))

    def test_shared_alias(self) -> None:
        """An alias of two accounts needs both names in each of the statements."""
        both = "ACCOUNT {} ALIASED {} MATCHES %account%-%alias%.%code% WITH x;"
        self.assert_accepted(both.format("a", "x"), both.format("b", "x"))
        one = "ACCOUNT a ALIASED c, x MATCHES %alias%.%code% WITH x;"
        message = "the alias 'x' also belongs to another account, so the expression must have %account% and %alias%"
        self.assert_refused(f"{one}\n{both.format('b', 'x')}", (1, 22, message))
        self.assert_refused(f"{both.format('a, b', 'x')}\n{one}", (2, 22, message))
        text = (
            "ACCOUNT a ALIASED x MATCHES %account%.%code% WITH x;\nACCOUNT b ALIASED x MATCHES %alpha%.%code% WITH x;"
        )
        self.assert_refused(text, (1, 19, message), (2, 19, message))

    def test_alias_of_one_account(self) -> None:
        """The same alias of the same account may stand in several statements."""
        statement = "ACCOUNT a ALIASED x MATCHES %alias%{}%code% WITH x;"
        self.assert_accepted(statement.format("-"), statement.format("."), statement.format("-"))

    def test_alias_that_is_an_account(self) -> None:
        """The name of an account may be an alias of another account."""
        self.assert_accepted(
            "ACCOUNT x MATCHES %account%.%code% WITH x;", "ACCOUNT a ALIASED x MATCHES %alias%.%code% WITH x;"
        )

    def test_names_given_twice(self) -> None:
        """A name that is listed twice is one name."""
        (rule,) = self.assert_accepted("ACCOUNT a, a ALIASED b, b MATCHES %alpha%.%code% WITH x;")
        self.assertEqual((("a",), ("b",)), (rule.accounts, rule.aliases))


class CaseTests(ChecksCase):
    """Equal names and expressions, with and without regard to case."""

    def test_names(self) -> None:
        """Without regard to case, spellings of a name are one name, as first spelled."""
        text = "ACCOUNT Foo, FOO ALIASED bar, Bar MATCHES %alpha%.%code% WITH x;"
        (rule,) = self.assert_accepted(text, case_sensitive=False)
        self.assertEqual((("Foo",), ("bar",)), (rule.accounts, rule.aliases))
        message = "several accounts with aliases: the expression must have %account% and %alias%"
        self.assert_refused(text, (1, 43, message))

    def test_expressions(self) -> None:
        """Without regard to case, spellings of an expression are one expression."""
        one, other = "ACCOUNT a MATCHES %alpha%x%code% WITH x;", "ACCOUNT b MATCHES %alpha%X%code% WITH x;"
        self.assert_accepted(one, other)
        message = "the same expression stands in line {}; it must have %account%, or differ"
        self.assert_refused(
            f"{one}\n{other}", (1, 19, message.format(2)), (2, 19, message.format(1)), case_sensitive=False
        )

    def test_shared_aliases(self) -> None:
        """The case rule holds for shared aliases and for their accounts."""
        statement = "ACCOUNT {} ALIASED {} MATCHES %alias%.%code% WITH x;"
        one, other, same = statement.format("a", "x"), statement.format("b", "X"), statement.format("A", "x")
        self.assert_accepted(one, other)
        self.assert_accepted(one, same, case_sensitive=False)
        message = "the alias '{}' also belongs to another account, so the expression must have %account% and %alias%"
        self.assert_refused(
            f"{one}\n{other}", (1, 19, message.format("x")), (2, 19, message.format("X")), case_sensitive=False
        )
        self.assert_refused(f"{one}\n{same}", (1, 19, message.format("x")), (2, 19, message.format("x")))


class RuleTests(ChecksCase):
    """The results of the checks."""

    def test_rule(self) -> None:
        """A valid statement has its names and the resolved items of its code."""
        text = "ACCOUNT a MATCHES %ident%-%alpha%%number%.%code% WITH x, CHARS(2);"
        (rule,) = self.assert_accepted(text)
        self.assertEqual((FieldClass.IDENT, FieldClass.ALPHA, FieldClass.NUMBER), rule.identifiers)
        self.assertEqual((("a",), ()), (rule.accounts, rule.aliases))
        literal, computation = rule.items
        assert isinstance(rule.statement.items[1], Call)
        self.assertEqual(rule.statement.items[0], literal)
        self.assertNotIsInstance(computation, Call)

    def test_alias_without_aliases(self) -> None:
        """Without listed aliases the expression shows the account in place of the alias."""
        (rule,) = self.assert_accepted("ACCOUNT a ALIASED * MATCHES %alias%-%account%-%code% WITH x;")
        account = NameField(NameKind.ACCOUNT)
        self.assertEqual((account, account), (rule.expression[0], rule.expression[2]))

    def test_valid_statements(self) -> None:
        """Valid statements are returned beside those with errors."""
        rules, _ = self.check("ACCOUNT a- MATCHES %code% WITH x;\nACCOUNT b MATCHES %account%-%code% WITH x;", True)
        self.assertEqual([("b",)], [rule.accounts for rule in rules])

    def test_pauses(self) -> None:
        """The checks pause at every statement, once to collect them and once to check each, and at every name.

        They also pause for each 256 names to find those that are equal.
        """
        names = ",".join(f"a{number}" for number in range(2_500))
        statement = "ACCOUNT {} MATCHES %account%-%code% WITH x;"
        self.assertEqual(2 + 2_500 + 10, self.pauses(statement.format(names)))
        self.assertEqual(120 * 3, self.pauses(statement.format("a") * 120))

    def pauses(self, text: str) -> int:
        """Count how often the checks of a text pause."""
        source = Source(text, "test.conf")
        pauses: list[None] = []
        statements = [statement for statement in parse(source).statements if isinstance(statement, Account)]
        check(source, statements, True, lambda: pauses.append(None))
        return len(pauses)
