"""Tests of trualias.analysis.lint."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.lint import ADVISERS, Advice, advise
from trualias.configuration import parse_configuration


def advice(text: str, name: str = "policy.conf") -> list[Advice]:
    """The warnings about a configuration."""
    return list(advise(parse_configuration(text, name))[0])


class AdviceTests(SynchronousTestCase):
    """Each kind of warning: when it is given, and what it says."""

    def told(self, kind: str, text: str, name: str = "policy.conf") -> list[tuple[str, str, str, str]]:
        """The warnings of one kind: the text at the place, message, reason and mend."""
        return [
            (text[one.offset :][:7], one.message, one.reason, one.fix) for one in advice(text, name) if one.kind == kind
        ]

    def test_nothing(self) -> None:
        """A configuration that is wise in all these ways has no warning."""
        text = """
            CASE SENSITIVE: no
            ALIAS DOMAINS: example.com
            ACCOUNT foo, bar MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();
            ACCOUNT foo ALIASED pinky, griselda MATCHES %alias%-%ident%-%code% WITH CHAR(1,-), CHARS(), x;
        """
        self.assertEqual([], advice(text, "tcp_virtual_server.conf"))

    CASE = (
        "Postfix asks in lower case when the sender names the recipient, and as the sender wrote it when the mail "
        "comes in: with a capital, mail is let in and then bounced"
    )

    def test_case_sensitive(self) -> None:
        """The virtual server should not tell capitals; its file is known by its domains, or by its name."""
        message = "capital letters make a difference to the virtual server"
        statement = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHARS();"
        text = f"ALIAS DOMAINS: example.com\nCASE SENSITIVE: yes\n{statement}"
        expected = [("CASE SE", message, self.CASE, "CASE SENSITIVE: no")]
        self.assertEqual(expected, self.told("case-sensitive", text))
        expected = [("ACCOUNT", message, self.CASE, "CASE SENSITIVE: no")]
        self.assertEqual(expected, self.told("case-sensitive", statement, "/etc/trualias/tcp_virtual_server.conf"))
        self.assertEqual([], self.told("case-sensitive", statement, "/etc/trualias/trualias.conf"))

    STATEMENTS = (
        "ACCOUNT foo MATCHES %alpha%=%alnum%.%code% WITH CHARS(1);\n"
        "ACCOUNT baz MATCHES %alnum%=%alpha%.%code% WITH CHARS(2);"
    )

    def test_two_accounts(self) -> None:
        """Two statements that share addresses are told, with an address that proves it and what becomes of it."""
        message = "'b=b.1' is right for foo and for baz, the account of the statement in line 2"
        fix = "write %account% into one of the expressions, or make them differ in a literal"
        self.assertEqual(
            [("foo MAT", message, "nobody can tell who is meant, and the address is not found", fix)],
            self.told("two-accounts", self.STATEMENTS),
        )
        text = self.STATEMENTS + "\nDEBUG ACCOUNT: postmaster\n"
        self.assertEqual(
            [("foo MAT", message, "nobody can tell who is meant, and the mail goes to postmaster", fix)],
            self.told("two-accounts", text),
        )
        self.assertEqual(["b=b.1"], [one.address for one in advice(text) if one.kind == "two-accounts"])

    def test_two_accounts_of_one_statement(self) -> None:
        """So are two accounts of one statement."""
        (told,) = self.told("two-accounts", "ACCOUNT a, axb MATCHES %account%x%alnum%x%code% WITH CHAR(-1,-);")
        self.assertEqual("'axbxbxb' is right for a and for axb, which both are of this statement", told[1])

    def test_no_debug_account(self) -> None:
        """Where an address may be of two accounts there should be a debug account."""
        self.assertEqual(
            [
                (
                    "foo MAT",
                    "addresses may be of several accounts, such as 'b=b.1', and there is no DEBUG ACCOUNT",
                    "mail for them is refused, and nobody but the log gets to know",
                    "DEBUG ACCOUNT: postmaster, or another mailbox that a person reads",
                )
            ],
            self.told("no-debug-account", self.STATEMENTS),
        )
        self.assertEqual([], self.told("no-debug-account", self.STATEMENTS + "\nDEBUG ACCOUNT: postmaster\n"))

    def test_delimiter(self) -> None:
        """The account, or another mailbox, should not stand before a sign that mail servers split addresses at."""
        fix = "leave recipient_delimiter empty, or use another sign here, such as . or _"
        for sign in "+-":
            reason = (
                f"with recipient_delimiter = {sign} Postfix delivers mail for a wrong address to foo all the same, as "
                "if there were no code"
            )
            message = f"'{sign}' behind the account is what many mail servers split addresses at"
            for statement in (
                "ACCOUNT foo MATCHES %account%{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT foo MATCHES %alias%{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT foo MATCHES foo{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT bar ALIASED joe, foo MATCHES %alias%{}%alnum%.%code% WITH CHARS();"
                "ACCOUNT foo MATCHES %account%_%code% WITH x;",
            ):
                text = statement.format(sign)
                offset = text.index(sign)
                told = self.told("recipient-delimiter", text)
                self.assertEqual([(text[offset : offset + 7], message, reason, fix)], told, text)
        for statement in (
            "ACCOUNT foo MATCHES %account%.%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %account%.-%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES bar-%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %code% WITH x;",
            "ACCOUNT foo ALIASED joe MATCHES %alias%-%alnum%-%code% WITH CHARS();",
        ):
            self.assertEqual([], self.told("recipient-delimiter", statement))

    def test_unreached(self) -> None:
        """An account that no address reaches is told, and why."""
        fix = "change its code or its expression, or leave it out"
        self.assertEqual(
            [
                (
                    "0123456",
                    "no address reaches 0123456789",
                    "NONE(account) finds no character that does not occur in '0123456789'",
                    fix,
                )
            ],
            self.told("unreached", "ACCOUNT 1, 0123456789 USING number MATCHES %account%.%code% WITH NONE(account);"),
        )
        self.assertEqual(
            [
                (
                    "foo MAT",
                    "no address was found that reaches foo alone",
                    "each of the 3 that were tried is also right for bar",
                    fix,
                )
            ],
            self.told(
                "unreached",
                "ACCOUNT foo MATCHES %number%.%code% WITH CHARS(); ACCOUNT bar MATCHES %alnum%.%code% WITH CHARS();",
            ),
        )

    def test_constant_code(self) -> None:
        """A code should depend on a word in the address, if there is one."""
        reason = "whoever has seen one address can make up others"
        fix = "add an item that reads an identifier, such as CHARS(1)"
        self.assertEqual(
            [("q, CHAR", "the code q, CHARS(account) does not depend on the word in the address", reason, fix)],
            self.told("constant-code", "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q, CHARS(account);"),
        )
        self.assertEqual(
            [("CHAR(2,", "the code CHAR(2,64,z) does not depend on the words in the address", reason, fix)],
            self.told("constant-code", "ACCOUNT foo MATCHES %alpha%.%alnum%.%code% WITH CHAR(2,64,z);"),
        )
        for statement in (
            "ACCOUNT foo MATCHES %account%.%code% WITH q;",
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q, CHAR(-1,x);",
            "ACCOUNT foo MATCHES %alpha%.%alnum%.%code% WITH q, NONE(2);",
        ):
            self.assertEqual([], self.told("constant-code", statement))

    def test_names_that_differ_in_case(self) -> None:
        """Names that only differ in case are told, once each, whether or not that makes two of them."""
        text = (
            "ACCOUNT Foo, bar ALIASED joe, Joe MATCHES %account%.%alias%.%alnum%.%code% WITH CHARS();\n"
            "ACCOUNT foo MATCHES %account%_%alnum%.%code% WITH CHARS();\n"
            "ACCOUNT foo MATCHES %account%=%alnum%.%code% WITH CHARS();\n"
        )
        message = "the {} is spelled {} in line 1"
        reason, fix = "they are two, and people and mail servers mix them up", "give them different names"
        self.assertEqual(
            [
                ("Joe MAT", message.format("alias Joe", "joe"), reason, fix),
                ("foo MAT", message.format("account foo", "Foo"), reason, fix),
            ],
            self.told("names-differ-in-case", text),
        )
        text += "CASE SENSITIVE: no\n"
        self.assertEqual(
            [
                (
                    "Joe MAT",
                    message.format("alias Joe", "joe"),
                    "they are one alias, which trualias spells joe",
                    "write joe here, too",
                ),
                (
                    "foo MAT",
                    message.format("account foo", "Foo"),
                    "they are one account, which trualias spells Foo",
                    "write Foo here, too",
                ),
            ],
            self.told("names-differ-in-case", text),
        )

    def test_guessable_code(self) -> None:
        """One code should not be right for many words; where no word fits, or all have one code, that is not said."""
        reason = "whoever tries one code with many words gets in without knowing the rule"
        fix = "add an item that tells words apart, such as CHAR(1,-); 'trualias strength' shows what it gains"
        for items, code, share in (("CHARS()", "6", "14.6"), ("x, VOWELS(), CHARS(account)", "x23", "27.3")):
            message = f"always sending {code} gets through for {share} % of names"
            text = f"ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH {items};"
            self.assertEqual([(items[:7], message, reason, fix)], self.told("guessable-code", text))
        for statement in (
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();",
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH x;",
            "ACCOUNT foo MATCHES %account%.%code% WITH CHARS(account);",
        ):
            self.assertEqual([], self.told("guessable-code", statement))

    def test_order(self) -> None:
        """Warnings stand in the order of the file, whatever their kind."""
        text = (
            "ACCOUNT foo MATCHES %account%+%alnum%.%code% WITH q;\n"
            "ACCOUNT FOO MATCHES %account%-%alnum%.%code% WITH CHAR(1,-), CHARS();\n"
            "CASE SENSITIVE: yes\nALIAS DOMAINS: example.com\n"
        )
        kinds = [
            "recipient-delimiter",
            "constant-code",
            "names-differ-in-case",
            "recipient-delimiter",
            "case-sensitive",
        ]
        self.assertEqual(kinds, [one.kind for one in advice(text)])

    def test_all_kinds(self) -> None:
        """Every adviser has its place in the table; the tests above are about all of them."""
        self.assertEqual(8, len(ADVISERS))
