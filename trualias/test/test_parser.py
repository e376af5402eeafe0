"""Tests of the parser: every production of the grammar, and the whole text of every error."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.name_list import Name
from trualias.language.parser import parse
from trualias.language.source import ConfigurationErrors, Source
from trualias.language.tree import (
    IDENTIFIER_CLASSES,
    Account,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    Deliver,
    Expect,
    ExpectedAnswer,
    Expression,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Refuse,
    Setting,
    Statement,
    Token,
)
from trualias.test.complaints import complaints

STATEMENT = "expected a setting (NAME: value), ACCOUNT, EXPECT, REFUSE, DELIVER or END, found"
AFTER_ACCOUNTS = "expected ALIASED, AT, MATCHES, USING or ',', found"
CLASSES = "alnum, alpha, number, ident, fqdn or mailbox"
FIELDS = "account, alias, alnum, alpha, number, ident, fqdn or code"
OWN_LINES = "a comment stands on lines of its own"


class ParserCase(SynchronousTestCase):
    """Parses texts."""

    def statements(self, text: str) -> list[Statement]:
        """Return the statements of a text without errors."""
        parsed = parse(Source(text, "test.conf"))
        self.assertEqual("", str(ConfigurationErrors(parsed.errors)))
        self.assertEqual((), parsed.partial)
        return list(parsed.statements)

    def account(self, text: str) -> Account:
        """Return the account statement that is a whole text."""
        (statement,) = self.statements(text)
        assert isinstance(statement, Account)
        return statement

    def assert_error(self, text: str, column: int, message: str, line: int = 1) -> None:
        """Assert the complete text of the only error."""
        errors = parse(Source(text, "test.conf")).errors
        self.assertEqual(complaints(text, (line, column, message)), str(ConfigurationErrors(errors)))


class SettingTests(ParserCase):
    """``setting = setting-name ":" value end-of-line``."""

    def test_setting(self) -> None:
        """A setting is a name, a colon and a value up to the end of the line; blanks around them do not count."""
        for text in ("HOST: a b:c#", "HOST:a b:c#", "  HOST \t: \t a b:c# \t", "HOST: a b:c#\r"):
            self.assertEqual([Setting("HOST", "a b:c#")], self.statements(text), text)

    def test_name_of_two_words(self) -> None:
        """The words of a name may have more than one blank between them."""
        self.assertEqual([Setting("DEBUG ACCOUNT", "x")], self.statements("DEBUG \t ACCOUNT: x"))

    def test_any_name(self) -> None:
        """The parser accepts settings of any name; the names are checked later."""
        for name in ("host", "HOST-NAME", "HOST_2", "ACCOUNT", "EXPECT", "x"):
            self.assertEqual([Setting(name, "y")], self.statements(f"{name}: y"))

    def test_no_value(self) -> None:
        """The parser accepts a setting without a value; the offset of the value is then the end of the name."""
        for text in ("PORT:", "PORT: \t ", "PORT:\r\n"):
            (setting,) = self.statements(text)
            assert isinstance(setting, Setting)
            self.assertEqual(("PORT", "", 0, 4), (setting.name, setting.value, setting.offset, setting.value_offset))

    def test_one_line(self) -> None:
        """A value ends with its line."""
        text = "ALIAS DOMAINS: example.com\n  example.org\n"
        self.assert_error(text, 3, f"{STATEMENT} 'example.org'", line=2)

    def test_after_a_statement(self) -> None:
        """A setting may follow an account statement on the same line."""
        statements = self.statements("ACCOUNT a\nMATCHES %code% WITH b; PORT: 1;2\nHOST: c")
        self.assertEqual([Setting("PORT", "1;2"), Setting("HOST", "c")], statements[1:])

    def test_offsets(self) -> None:
        """A setting has the offsets of its name and its value."""
        _, setting = self.statements("X: y\n  PORT:  1")
        assert isinstance(setting, Setting)
        self.assertEqual((7, 14), (setting.offset, setting.value_offset))

    def test_no_colon(self) -> None:
        """A name and a value without a colon are no setting."""
        self.assert_error("HOST 127.0.0.1", 1, f"{STATEMENT} 'HOST'")
        self.assert_error("HOST = 127.0.0.1", 1, f"{STATEMENT} 'HOST'")

    def test_no_name(self) -> None:
        """A setting without a name that starts with a letter is an error."""
        self.assert_error(": x", 1, f"{STATEMENT} ':'")
        self.assert_error("2PORT: x", 1, f"{STATEMENT} '2PORT'")
        self.assert_error("PORT.: x", 1, f"{STATEMENT} 'PORT.'")


class AccountTests(ParserCase):
    """``account = "ACCOUNT" names ["USING" class] ["ALIASED" ("*" | names)] "MATCHES" expression "WITH" items ";"``."""

    def test_shortest(self) -> None:
        """The shortest statement has accounts, an expression and items."""
        wanted = Account((Name("foo"),), FieldClass.IDENT, (), (CodeField(),), (CodeLiteral("x"),))
        self.assertEqual([wanted], self.statements("ACCOUNT foo MATCHES %code% WITH x;"))

    def test_longest(self) -> None:
        """The longest statement has every part."""
        wanted = Account(
            (Name("a.b"), Name("c.d")),
            FieldClass.FQDN,
            (Name("e.f"), Name("g.h")),
            (NameField(NameKind.ACCOUNT), Literal("-"), NameField(NameKind.ALIAS), Literal("+"), CodeField()),
            (Call("DIGITS", (Argument("account"),)), CodeLiteral("x")),
        )
        names = "ACCOUNT a.b , c.d USING fqdn ALIASED e.f,g.h"
        self.assertEqual(
            [wanted], self.statements(f"{names} MATCHES %account%-%alias%+%code% WITH DIGITS(account), x;")
        )

    def test_free_form(self) -> None:
        """White space, line ends and comment lines may stand between any two words."""
        close = (
            "ACCOUNT foo , bar USING alpha ALIASED one , two MATCHES %account%-%alias%-%code% "
            "WITH CHAR ( account , 1 , - ) , x , DIGITS ( ) ;"
        )
        wanted = self.account(close)
        gaps = ["\n", "\r\n", "\t", " \n\n ", "\f\v", "\u00a0", "\n# comment\n", "\n#\n#\n"]
        gaps.append("\r\n  # one; two: ACCOUNT (,\r\n#\r\n\t")
        for gap in gaps:
            self.assertEqual(wanted, self.account(gap.join(close.split())), repr(gap))

    def test_no_space(self) -> None:
        """Commas, parentheses and the semicolon need no white space around them."""
        close = self.account("ACCOUNT a,b MATCHES %account%-%code% WITH CHAR(account,1,-),x,y;")
        wide = self.account("ACCOUNT a , b MATCHES %account%-%code% WITH CHAR ( account , 1 , - ) , x , y ;")
        self.assertEqual(wide, close)

    def test_offsets(self) -> None:
        """Every node has the offset of its first character."""
        text = "\nACCOUNT foo ALIASED bar MATCHES %%%alias%%%-%ident%.%code%\nWITH x, CHARS(1);"
        statement = self.account(text)
        call = statement.items[1]
        assert isinstance(call, Call)
        words = ["foo", "foo", "bar", "%%", "%alias%", "%%-", "%ident%", ".", "%code%", "x", "CHARS", "1"]
        offsets = [statement.offset, *[name.offset for name in (*statement.accounts, *statement.aliases)]]
        offsets += [statement.expression_offset + token.offset for token in statement.expression]
        offsets += [statement.items_offset + item.offset for item in statement.items]
        offsets += [statement.items_offset + argument.offset for argument in call.arguments]
        for offset, word in zip(offsets, words, strict=True):
            self.assertEqual(word, text[offset : offset + len(word)])

    def test_shared_parts(self) -> None:
        """Statements with the same expression and items share the objects of both, at whatever offsets."""
        text = "ACCOUNT a MATCHES %account%-%code% WITH q, CHARS(account);\nACCOUNT bcd" + (
            "\nMATCHES %account%-%code% WITH q, CHARS(account);"
        )
        first, second = self.statements(text)
        assert isinstance(first, Account)
        assert isinstance(second, Account)
        self.assertIs(first.expression, second.expression)
        self.assertIs(first.items, second.items)
        for statement in (first, second):
            item, token = statement.items[1], statement.expression[1]
            self.assertEqual("CHARS", text[statement.items_offset + item.offset :][:5])
            self.assertEqual("-%code%", text[statement.expression_offset + token.offset :][:7])

    def test_cached_items(self) -> None:
        """Cached items are used only after the ``WITH`` that comes before the items."""
        known = "ACCOUNT a MATCHES %code% WITH u, v;\n"
        for odd in (
            "%code%\n# WITH WITH u, v;\nWITH w;",
            "%code%\n# WITH u, v;\nWITH w;",
            "%code%\n#WITH u, v;\nWITH w;",
        ):
            wanted = self.account(f"ACCOUNT b MATCHES {odd}")
            self.assertEqual([wanted], self.statements(known + f"ACCOUNT b MATCHES {odd}")[1:], odd)
        self.assert_error(known + "ACCOUNT b WITH u, v;", 11, f"{AFTER_ACCOUNTS} 'WITH'", 2)
        self.assert_error(known + "ACCOUNT b MATCHES WITH u, v;", 19, "expected an expression, found 'WITH'", 2)
        self.assertEqual([Literal("aWITH")], list(self.account("ACCOUNT b MATCHES aWITH WITH u, v;").expression))
        self.account("ACCOUNT a MATCHES %code%\n# WITH\nWITH s;")
        self.assert_error("ACCOUNT a MATCHES %code% WITH\nWITH s;", 6, "expected ',', ';' or RETIRED, found 's'", 2)

    def test_order(self) -> None:
        """The parts of a statement have a fixed order."""
        self.assert_error(
            "ACCOUNT a ALIASED b USING alpha MATCHES %code% WITH x;", 21, "expected AT, MATCHES or ',', found 'USING'"
        )
        self.assert_error("ACCOUNT a WITH x MATCHES %code%;", 11, f"{AFTER_ACCOUNTS} 'WITH'")

    def test_keywords_in_upper_case(self) -> None:
        """The error for a misspelled keyword, or one in lower case, names the right one."""
        self.assert_error("account a MATCHES b WITH x;", 1, f"{STATEMENT} 'account'; did you mean 'ACCOUNT'?")
        self.assert_error("ACOUNT a MATCHES b WITH x;", 1, f"{STATEMENT} 'ACOUNT'; did you mean 'ACCOUNT'?")
        for word, meant in (("using", "USING"), ("ALIAS", "ALIASED"), ("MATCH", "MATCHES"), ("matches", "MATCHES")):
            message = f"{AFTER_ACCOUNTS} '{word}'; did you mean '{meant}'?"
            self.assert_error(f"ACCOUNT a {word} b WITH x;", 11, message)
        self.assert_error("ACCOUNT a MATCHES %code% wiht x;", 26, "expected WITH, found 'wiht'; did you mean 'WITH'?")

    def test_keywords_are_words(self) -> None:
        """A word that only begins with a keyword is no keyword."""
        self.assert_error("ACCOUNTfoo a;", 1, f"{STATEMENT} 'ACCOUNTfoo'; did you mean 'ACCOUNT'?")
        for word, meant in (("USINGalpha", "USING"), ("ALIASED*", "ALIASED"), ("MATCHES%code%", "MATCHES")):
            message = f"{AFTER_ACCOUNTS} '{word}'; did you mean '{meant}'?"
            self.assert_error(f"ACCOUNT a {word} WITH x;", 11, message)
        self.assert_error("ACCOUNT a MATCHES %code% WITHx;", 26, "expected WITH, found 'WITHx'; did you mean 'WITH'?")

    def test_comments(self) -> None:
        """A comment needs a line of its own; the error for one on another line says so."""
        text = "ACCOUNT a # mine\nMATCHES %code% WITH x;"
        self.assert_error(text, 11, f"{AFTER_ACCOUNTS} '#'; {OWN_LINES}")
        text = "ACCOUNT a MATCHES %code%\nWITH x, # the x\ny;"
        self.assert_error(text, 11, f"expected ',', ';' or RETIRED, found 'the'; {OWN_LINES}", line=2)
        text = "ACCOUNT a MATCHES %code%\nWITH x, #x\ny;"
        self.assert_error(text, 1, f"expected ',', ';' or RETIRED, found 'y'; {OWN_LINES}", line=3)
        text = "ACCOUNT a MATCHES %code%\n# 1 #2\nWITH x\n#\ny;"
        self.assert_error(text, 1, "expected ',', ';' or RETIRED, found 'y'", line=5)
        text = "ACCOUNT\n# a #b\n;"
        self.assert_error(text, 1, "expected a name, found ';'", line=3)


class NamesTests(ParserCase):
    """``names = name { "," name }``."""

    def test_names(self) -> None:
        """A list has one name or more, of any characters; their class is checked later."""
        self.assertEqual((Name("a"),), self.account("ACCOUNT a MATCHES %code% WITH x;").accounts)
        statement = self.account("ACCOUNT a, b.c ,d@é ALIASED e,f MATCHES %code% WITH x;")
        self.assertEqual((Name("a"), Name("b.c"), Name("d@é")), statement.accounts)
        self.assertEqual((Name("e"), Name("f")), statement.aliases)

    def test_keywords_as_names(self) -> None:
        """A keyword that cannot stand at its position is a name, and so is a word that only begins with a keyword."""
        names = "ACCOUNT, WITHOUT, USINGS, account ALIASED EXPECT, with"
        statement = self.account(f"ACCOUNT {names} MATCHES %code% WITH x;")
        self.assertEqual(["ACCOUNT", "WITHOUT", "USINGS", "account"], [name.text for name in statement.accounts])
        self.assertEqual(["EXPECT", "with"], [name.text for name in statement.aliases])

    def test_no_name(self) -> None:
        """A missing name is an error."""
        self.assert_error("ACCOUNT ;", 9, "expected a name, found ';'")
        self.assert_error("ACCOUNT MATCHES %code% WITH x;", 9, "expected a name, found 'MATCHES'")
        self.assert_error("ACCOUNT a, MATCHES %code% WITH x;", 12, "expected a name, found 'MATCHES'")
        self.assert_error("ACCOUNT a,, b MATCHES %code% WITH x;", 11, "expected a name, found ','")
        self.assert_error("ACCOUNT (a) MATCHES %code% WITH x;", 9, "expected a name, found '('")

    def test_no_comma(self) -> None:
        """Names without a comma between them are an error."""
        self.assert_error("ACCOUNT a b MATCHES %code% WITH x;", 11, f"{AFTER_ACCOUNTS} 'b'")
        self.assert_error("ACCOUNT a ALIASED b c MATCHES %code% WITH x;", 21, "expected AT, MATCHES or ',', found 'c'")

    def test_every(self) -> None:
        """``ALIASED *`` is the same as no ``ALIASED``."""
        plain = self.account("ACCOUNT a MATCHES %code% WITH x;")
        self.assertEqual(plain, self.account("ACCOUNT a ALIASED * MATCHES %code% WITH x;"))

    def test_every_and_names(self) -> None:
        """``*`` is an error among names; a name may begin with it."""
        self.assert_error("ACCOUNT a ALIASED *, b MATCHES %code% WITH x;", 20, "expected AT or MATCHES, found ','")
        aliases = self.account("ACCOUNT a USING mailbox ALIASED *b, * MATCHES %code% WITH x;").aliases
        self.assertEqual((Name("*b"), Name("*")), aliases)
        self.assert_error("ACCOUNT a ALIASED MATCHES %code% WITH x;", 19, "expected a name or '*', found 'MATCHES'")


class AtTests(ParserCase):
    """``[ "AT" domains ]``, ``domains = domain { "," domain }``."""

    def test_domains(self) -> None:
        """The domains follow the other names; any text without white space is one for the parser."""
        for text, domains in (
            ("ACCOUNT a AT b.c MATCHES %code% WITH x;", ("b.c",)),
            ("ACCOUNT a USING alpha ALIASED d AT b.c,\n e@f MATCHES %code% WITH x;", ("b.c", "e@f")),
            ("ACCOUNT a ALIASED * AT AT MATCHES %code% WITH x;", ("AT",)),
            ("ACCOUNT AT MATCHES %code% WITH x;", ()),
            ("ACCOUNT a ALIASED AT MATCHES %code% WITH x;", ()),
        ):
            account = self.account(text)
            self.assertEqual((text, domains), (text, tuple(name.text for name in account.domains)))

    def test_refused(self) -> None:
        """A missing domain, and AT in another place, are errors."""
        self.assert_error("ACCOUNT a AT MATCHES %code% WITH x;", 14, "expected a domain, found 'MATCHES'")
        self.assert_error("ACCOUNT a AT b, MATCHES %code% WITH x;", 17, "expected a domain, found 'MATCHES'")
        self.assert_error("ACCOUNT a AT b c MATCHES %code% WITH x;", 16, "expected MATCHES or ',', found 'c'")
        self.assert_error(
            "ACCOUNT a AT b USING alpha MATCHES %code% WITH x;", 16, "expected MATCHES or ',', found 'USING'"
        )


class ClassTests(ParserCase):
    """``name-class = class | "mailbox"``, ``class = "alnum" | "alpha" | "number" | "ident" | "fqdn"``."""

    def test_classes(self) -> None:
        """Each class may follow ``USING``; without ``USING`` the class is ``ident``."""
        for field_class in FieldClass:
            text = f"ACCOUNT a USING {field_class.value} MATCHES %code% WITH x;"
            self.assertEqual(field_class, self.account(text).using)
        self.assertEqual(FieldClass.IDENT, self.account("ACCOUNT a MATCHES %code% WITH x;").using)

    def test_unknown(self) -> None:
        """The error for an unknown class names all classes, and the one that was probably meant."""
        for word, hint in (("ALPHA", "; did you mean 'alpha'?"), ("fqnd", "; did you mean 'fqdn'?"), ("code", "")):
            message = f"unknown class '{word}'; expected {CLASSES}{hint}"
            self.assert_error(f"ACCOUNT a USING {word} MATCHES %code% WITH x;", 17, message)

    def test_no_class(self) -> None:
        """A missing class is an error."""
        self.assert_error("ACCOUNT a USING MATCHES %code% WITH x;", 17, "expected a class, found 'MATCHES'")
        self.assert_error("ACCOUNT a USING ;", 17, "expected a class, found ';'")

    def test_two_classes(self) -> None:
        """A second class is an error."""
        text = "ACCOUNT a USING alpha, ident MATCHES %code% WITH x;"
        self.assert_error(text, 22, "expected ALIASED, AT or MATCHES, found ','")


class ExpressionTests(ParserCase):
    """``expression = { literal | "%" field "%" | "%%" }``, ``field = "account" | "alias" | class | "code"``."""

    def expression(self, text: str) -> Expression:
        """Return the tree of an expression."""
        return self.account(f"ACCOUNT foo MATCHES {text} WITH x;").expression

    def test_fields(self) -> None:
        """Each field has a token of its own."""
        names = NameField(NameKind.ACCOUNT), NameField(NameKind.ALIAS)
        self.assertEqual(names, self.expression("%account%%alias%"))
        self.assertEqual((CodeField(),), self.expression("%code%"))
        for field_class in IDENTIFIER_CLASSES:
            self.assertEqual((Identifier(field_class),), self.expression(f"%{field_class.value}%"))
        message = f"unknown field '%mailbox%'; expected {FIELDS}"
        self.assert_error("ACCOUNT foo MATCHES %mailbox%-%code% WITH x;", 21, message)

    def test_literals(self) -> None:
        """All other text is one literal, words of the language included."""
        for text in ("account", "WITHOUT", "MATCHES", "*", "ACCOUNT", "a.b-+é@:"):
            self.assertEqual((Literal(text),), self.expression(text))
        self.assertEqual((Literal("a"), CodeField(), Literal("#")), self.expression("a%code%#"))

    def test_percent_signs(self) -> None:
        """``%%`` is one percent sign of a literal."""
        table: dict[str, list[Token]] = {
            "%%": [Literal("%")],
            "%%%%": [Literal("%%")],
            "%%a%%b": [Literal("%a%b")],
            "a%%%code%%%": [Literal("a%"), CodeField(), Literal("%")],
            "%code%%%%code%": [CodeField(), Literal("%"), CodeField()],
            "%%code%%": [Literal("%code%")],
        }
        for text, tokens in table.items():
            self.assertEqual(tuple(tokens), self.expression(text), text)

    def test_no_partner(self) -> None:
        """A percent sign without a second one is an error at its offset."""
        message = "this '%' has no partner; a percent sign is written '%%'"
        for text, column in (("%code", 19), ("code%", 23), ("%code%%", 25), ("%%%", 21)):
            self.assert_error(f"ACCOUNT a MATCHES {text} WITH x;", column, message)

    def test_unknown(self) -> None:
        """The error for an unknown field names all fields, and the one that was probably meant."""
        meant = {"Account": "account", "ALPHA": "alpha", "nummer": "number", "codes": "code", "cod": "code"}
        for word in (*meant, "-", "foo"):
            hint = f"; did you mean '{meant[word]}'?" if word in meant else ""
            message = f"unknown field '%{word}%'; expected {FIELDS}{hint}"
            self.assert_error(f"ACCOUNT a MATCHES %{word}% WITH x;", 19, message)

    def test_no_expression(self) -> None:
        """A missing expression is an error."""
        self.assert_error("ACCOUNT a MATCHES WITH x;", 19, "expected an expression, found 'WITH'")
        self.assert_error("ACCOUNT a MATCHES ;", 19, "expected an expression, found ';'")

    def test_white_space(self) -> None:
        """White space within an expression, or a second expression, is an error."""
        message = "expected WITH, found '.%code%'; an expression has no white space inside"
        self.assert_error("ACCOUNT a MATCHES %alpha% .%code% WITH x;", 27, message)
        self.assert_error("ACCOUNT a MATCHES %alpha% ;", 27, "expected WITH, found ';'")
        self.assert_error("ACCOUNT a MATCHES %code%, %alpha%%code% WITH x;", 25, "expected WITH, found ','")


class ItemTests(ParserCase):
    """``item = function "(" [ argument { "," argument } ] ")" | literal``."""

    def items(self, text: str) -> tuple[Item, ...]:
        """Return the tree of a code's items."""
        return self.account(f"ACCOUNT foo MATCHES %code% WITH {text};").items

    def assert_refused(self, items: str, column: int, message: str) -> None:
        """Assert the error of a code's items; the column counts from their start."""
        self.assert_error(f"ACCOUNT a MATCHES %code% WITH {items};", 30 + column, message)

    def test_calls(self) -> None:
        """A function has any number of arguments; they are checked later."""
        self.assertEqual((Call("CHARS", ()),), self.items("CHARS()"))
        self.assertEqual((Call("CHARS", (Argument("1"),)),), self.items("CHARS(1)"))
        self.assertEqual((Call("CHAR", (Argument("-1"), Argument("*"))),), self.items("CHAR(-1,*)"))

    def test_literals(self) -> None:
        """A percent sign in a literal stands for itself."""
        self.assertEqual((CodeLiteral("x.y"), CodeLiteral("%code%"), CodeLiteral("*")), self.items("x.y, %code%, *"))

    def test_any_function(self) -> None:
        """The parser accepts functions of any name, and their bare names; these are checked later."""
        self.assertEqual((Call("chars", ()), Call("x", ()), CodeLiteral("CHARS")), self.items("chars(), x(), CHARS"))

    def test_no_item(self) -> None:
        """A missing item is an error."""
        expected = "expected a function or a literal, found"
        self.assert_refused("", 1, f"{expected} ';'")
        self.assert_refused("x,", 3, f"{expected} ';'")
        self.assert_refused(",x", 1, f"{expected} ','")
        self.assert_refused("(1)", 1, f"{expected} '('")

    def test_no_comma(self) -> None:
        """Items without a comma between them are an error."""
        self.assert_refused("x y", 3, "expected ',', ';' or RETIRED, found 'y'")
        self.assert_refused("ANY()x", 6, "expected ',', ';' or RETIRED, found 'x'")
        self.assert_refused("ANY())", 6, "expected ',', ';' or RETIRED, found ')'")

    def test_unclosed(self) -> None:
        """The error for a missing parenthesis is at the offset where it is expected."""
        self.assert_refused("CHARS(", 7, "expected an argument or ')', found ';'")
        self.assert_refused("CHARS(1", 8, "expected ')' or ',', found ';'")
        self.assert_refused("CHAR(1,", 8, "expected an argument, found ';'")
        self.assert_refused("CHARS(1, ANY()", 13, "expected ')' or ',', found '('")

    def test_arguments(self) -> None:
        """An empty argument, or a missing comma, is an error."""
        self.assert_refused("CHAR(1 2)", 8, "expected ')' or ',', found '2'")
        self.assert_refused("CHAR(1,)", 8, "expected an argument, found ')'")
        self.assert_refused("CHAR(,1)", 6, "expected an argument or ')', found ','")
        self.assert_refused("CHAR(1,,2)", 8, "expected an argument, found ','")


class RefuseTests(ParserCase):
    """``refuse = "REFUSE" address { "," address } ";"``."""

    def test_addresses(self) -> None:
        """A statement has one address or several, over several lines if needed."""
        self.assertEqual([Refuse((Name("a"),))], self.statements("REFUSE a;"))
        self.assertEqual([Refuse((Name("a"), Name("b@c.d")))], self.statements("REFUSE\na,\n# why\nb@c.d\n;"))

    def test_refused(self) -> None:
        """A missing address, or two without a comma, is an error."""
        self.assert_error("REFUSE ;", 8, "expected an address, found ';'")
        self.assert_error("REFUSE a, ;", 11, "expected an address, found ';'")
        self.assert_error("REFUSE a b;", 10, "expected ',' or ';', found 'b'")
        self.assert_error("REFUSE a", 1, "this REFUSE statement has no ';' at its end")
        self.assert_error("REFUZE a;", 1, f"{STATEMENT} 'REFUZE'; did you mean 'REFUSE'?")


class DeliverTests(ParserCase):
    """``deliver = "DELIVER" name [ "AT" domains ] "TO" address { "," address } ";"``."""

    def test_statements(self) -> None:
        """A statement has an account, perhaps alias domains, and targets; its words may be names."""
        self.assertEqual([Deliver(Name("a"), (), (Name("b"),))], self.statements("DELIVER a TO b;"))
        self.assertEqual(
            [Deliver(Name("a-b"), (Name("c.d"), Name("e")), (Name("f@g"), Name("h")))],
            self.statements("DELIVER a-b AT c.d,\n e\n TO f@g, h ;"),
        )
        self.assertEqual(
            [Deliver(Name("AT"), (Name("AT"),), (Name("TO"),))], self.statements("DELIVER AT AT AT TO TO;")
        )

    def test_refused(self) -> None:
        """A missing name, domain or address, and a second account, are errors."""
        self.assert_error("DELIVER ;", 9, "expected a name, found ';'")
        self.assert_error("DELIVER a;", 10, "expected AT or TO, found ';'")
        self.assert_error("DELIVER a, b TO c;", 10, "expected AT or TO, found ','")
        self.assert_error("DELIVER a AT TO b;", 14, "expected a domain, found 'TO'")
        self.assert_error("DELIVER a AT b c;", 16, "expected TO or ',', found 'c'")
        self.assert_error("DELIVER a TO ;", 14, "expected an address, found ';'")
        self.assert_error("DELIVER a TO b c;", 16, "expected ',' or ';', found 'c'")
        self.assert_error("DELIVER a to b;", 11, "expected AT or TO, found 'to'; did you mean 'TO'?")


class ExpectTests(ParserCase):
    """``expect = "EXPECT" address { "," address } answer ";"``."""

    def test_answers(self) -> None:
        """The expected answer is an account, ``NOTHING`` or ``DEBUG``."""
        self.assertEqual([Expect((Name("a"),), Name("foo"))], self.statements("EXPECT a foo;"))
        self.assertEqual(
            [Expect((Name("a"), Name("b@c")), ExpectedAnswer.NOTHING)], self.statements("EXPECT a, b@c NOTHING;")
        )
        self.assertEqual([Expect((Name("a"),), ExpectedAnswer.DEBUG)], self.statements("EXPECT\na\n# why\nDEBUG\n;"))

    def test_refused(self) -> None:
        """A missing address or answer is an error."""
        self.assert_error("EXPECT ;", 8, "expected an address, found ';'")
        self.assert_error("EXPECT a;", 9, "expected an account, NOTHING, DEBUG or ',', found ';'")
        self.assert_error("EXPECT a, ;", 11, "expected an address, found ';'")
        self.assert_error("EXPECT a b c;", 12, "expected ';', found 'c'")
        self.assert_error("EXCEPT a b;", 1, f"{STATEMENT} 'EXCEPT'; did you mean 'EXPECT'?")
