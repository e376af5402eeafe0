"""Warnings about configurations."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trualias.analysis.lint import LINTERS, lint
from trualias.analysis.lint_warning import LintWarning
from trualias.configuration import parse_configuration


def warnings(text: str, name: str = "policy.conf") -> list[LintWarning]:
    """Return the warnings about a configuration."""
    return list(lint(parse_configuration(text, name))[0])


class LintTests(SynchronousTestCase):
    """Each kind of warning, its conditions and its text."""

    def warnings_of_kind(self, kind: str, text: str, name: str = "policy.conf") -> list[tuple[str, str, str, str]]:
        """Return the warnings of one kind: the text at the offset, message, reason and fix."""
        return [
            (text[one.offset :][:7], one.message, one.reason, one.fix)
            for one in warnings(text, name)
            if one.kind == kind
        ]

    def test_nothing(self) -> None:
        """A configuration without any of these problems has no warning."""
        text = """
            CASE SENSITIVE: no
            ALIAS DOMAINS: example.com
            ACCOUNT foo, bar MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();
            ACCOUNT foo ALIASED pinky, griselda MATCHES %alias%-%ident%-%code% WITH CHAR(1,-), CHARS(), x;
        """
        self.assertEqual([], warnings(text, "tcp_virtual_server.conf"))

    def test_no_statements(self) -> None:
        """A file without account statements, which finds no address, has a warning."""
        expected = [
            (
                "PORT: 1",
                "the file has no account statement",
                "no address is found, which is also what a file says whose statements were lost",
                "write a statement, or see whether this is the file that you mean",
            )
        ]
        self.assertEqual(expected, self.warnings_of_kind("no-statements", "PORT: 1\nEXPECT a NOTHING;"))
        self.assertEqual([], self.warnings_of_kind("no-statements", self.STATEMENTS))

    def test_no_alias_domains(self) -> None:
        """A file of the virtual server, by its name or as the caller says, without ALIAS DOMAINS has a warning."""
        expected = [
            (
                "ACCOUNT",
                "the virtual server's file has no ALIAS DOMAINS",
                "the virtual server answers for these domains only, so it finds no address",
                "ALIAS DOMAINS: example.com, with the domains of your addresses",
            )
        ]
        name, domains = "/etc/trualias/tcp_virtual_server.conf", "ALIAS DOMAINS: example.com\n"
        self.assertEqual(expected, self.warnings_of_kind("no-alias-domains", self.STATEMENTS, name))
        self.assertEqual([], self.warnings_of_kind("no-alias-domains", domains + self.STATEMENTS, name))
        self.assertEqual([], self.warnings_of_kind("no-alias-domains", self.STATEMENTS, "/etc/trualias/trualias.conf"))
        configuration = parse_configuration(self.STATEMENTS, "policy.conf")
        self.assertIn("no-alias-domains", [one.kind for one in lint(configuration, is_virtual=True)[0]])

    CASE = (
        "Postfix looks an address up in lower case to check a recipient, and as written to deliver the mail: mail for "
        "an address with a capital letter is accepted and then bounced"
    )

    def test_case_sensitive(self) -> None:
        """A case-sensitive file of the virtual server, recognised by its domains or its name, has a warning."""
        message = "capital letters make a difference to the virtual server"
        statement = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHARS();"
        text = f"ALIAS DOMAINS: example.com\nCASE SENSITIVE: yes\n{statement}"
        expected = [("CASE SE", message, self.CASE, "CASE SENSITIVE: no")]
        self.assertEqual(expected, self.warnings_of_kind("case-sensitive", text))
        expected = [("ACCOUNT", message, self.CASE, "CASE SENSITIVE: no")]
        self.assertEqual(
            expected, self.warnings_of_kind("case-sensitive", statement, "/etc/trualias/tcp_virtual_server.conf")
        )
        self.assertEqual([], self.warnings_of_kind("case-sensitive", statement, "/etc/trualias/trualias.conf"))

    STATEMENTS = (
        "ACCOUNT foo MATCHES %alpha%=%alnum%.%code% WITH CHARS(1);\n"
        "ACCOUNT baz MATCHES %alnum%=%alpha%.%code% WITH CHARS(2);"
    )

    def test_two_accounts(self) -> None:
        """Two statements that share addresses have a warning with an address, and where its mail goes."""
        message = "'b=b.1' is right for foo and for baz, the account of the statement in line 2"
        fix = "write %account% into one of the expressions, or make them differ in a literal"
        self.assertEqual(
            [("foo MAT", message, "the address does not say which account is meant, and it is not found", fix)],
            self.warnings_of_kind("two-accounts", self.STATEMENTS),
        )
        text = self.STATEMENTS + "\nDEBUG ACCOUNT: postmaster\n"
        self.assertEqual(
            [
                (
                    "foo MAT",
                    message,
                    "the address does not say which account is meant, and its mail goes to postmaster",
                    fix,
                )
            ],
            self.warnings_of_kind("two-accounts", text),
        )
        self.assertEqual(["b=b.1"], [one.address for one in warnings(text) if one.kind == "two-accounts"])

    def test_two_accounts_of_one_statement(self) -> None:
        """Two accounts of one statement that share addresses have a warning."""
        (warning,) = self.warnings_of_kind(
            "two-accounts", "ACCOUNT a, axb MATCHES %account%x%alnum%x%code% WITH CHAR(-1,-);"
        )
        self.assertEqual("'axbxbxb' is right for a and for axb, both accounts of this statement", warning[1])

    def test_no_debug_account(self) -> None:
        """Addresses of two accounts have a second warning if there is no debug account."""
        self.assertEqual(
            [
                (
                    "foo MAT",
                    "addresses may be of several accounts, such as 'b=b.1', and there is no DEBUG ACCOUNT",
                    "mail for them is refused, and only the log shows it",
                    "DEBUG ACCOUNT: postmaster, or another mailbox that a person reads",
                )
            ],
            self.warnings_of_kind("no-debug-account", self.STATEMENTS),
        )
        self.assertEqual(
            [], self.warnings_of_kind("no-debug-account", self.STATEMENTS + "\nDEBUG ACCOUNT: postmaster\n")
        )

    def test_delimiter(self) -> None:
        """A recipient delimiter after the account, or after another mailbox, has a warning."""
        fix = "leave recipient_delimiter empty, or use another sign here, such as . or _"
        for sign in "+-":
            reason = (
                f"with recipient_delimiter = {sign} Postfix delivers mail for a wrong address to foo all the same, as "
                "if there were no code"
            )
            message = f"many mail servers split addresses at the '{sign}' after the account"
            for statement in (
                "ACCOUNT foo MATCHES %account%{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT foo MATCHES %alias%{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT foo MATCHES foo{}%alnum%.%code% WITH CHARS();",
                "ACCOUNT bar ALIASED joe, foo MATCHES %alias%{}%alnum%.%code% WITH CHARS();"
                "ACCOUNT foo MATCHES %account%_%code% WITH x;",
            ):
                text = statement.format(sign)
                offset = text.index(sign)
                found = self.warnings_of_kind("recipient-delimiter", text)
                self.assertEqual([(text[offset : offset + 7], message, reason, fix)], found, text)
        for statement in (
            "ACCOUNT foo MATCHES %account%.%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %account%.-%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES bar-%alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %alnum%-%code% WITH CHARS();",
            "ACCOUNT foo MATCHES %code% WITH x;",
            "ACCOUNT foo ALIASED joe MATCHES %alias%-%alnum%-%code% WITH CHARS();",
        ):
            self.assertEqual([], self.warnings_of_kind("recipient-delimiter", statement))

    def test_unreached(self) -> None:
        """An account that no address reaches has a warning with the reason."""
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
            self.warnings_of_kind(
                "unreached", "ACCOUNT 1, 0123456789 USING number MATCHES %account%.%code% WITH NONE(account);"
            ),
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
            self.warnings_of_kind(
                "unreached",
                "ACCOUNT foo MATCHES %number%.%code% WITH CHARS(); ACCOUNT bar MATCHES %alnum%.%code% WITH CHARS();",
            ),
        )

    def test_constant_code(self) -> None:
        """A code that does not depend on a word in the address has a warning if the address has words."""
        reason = "one leaked address is enough to make up others"
        fix = "add an item that reads an identifier, such as CHARS(1)"
        self.assertEqual(
            [("q, CHAR", "the code q, CHARS(account) does not depend on the word in the address", reason, fix)],
            self.warnings_of_kind(
                "constant-code", "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q, CHARS(account);"
            ),
        )
        self.assertEqual(
            [("CHAR(2,", "the code CHAR(2,64,z) does not depend on the words in the address", reason, fix)],
            self.warnings_of_kind("constant-code", "ACCOUNT foo MATCHES %alpha%.%alnum%.%code% WITH CHAR(2,64,z);"),
        )
        for statement in (
            "ACCOUNT foo MATCHES %account%.%code% WITH q;",
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH q, CHAR(-1,x);",
            "ACCOUNT foo MATCHES %alpha%.%alnum%.%code% WITH q, NONE(2);",
        ):
            self.assertEqual([], self.warnings_of_kind("constant-code", statement))

    def test_names_that_differ_in_case(self) -> None:
        """Each name that differs from another only in case has one warning, whether or not case matters."""
        text = (
            "ACCOUNT Foo, bar ALIASED joe, Joe MATCHES %account%.%alias%.%alnum%.%code% WITH CHARS();\n"
            "ACCOUNT foo MATCHES %account%_%alnum%.%code% WITH CHARS();\n"
            "ACCOUNT foo MATCHES %account%=%alnum%.%code% WITH CHARS();\n"
        )
        message = "the {} is spelled {} in line 1"
        reason, fix = "they are different names, which people and mail servers confuse", "give them different names"
        self.assertEqual(
            [
                ("Joe MAT", message.format("alias Joe", "joe"), reason, fix),
                ("foo MAT", message.format("account foo", "Foo"), reason, fix),
            ],
            self.warnings_of_kind("names-differ-in-case", text),
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
            self.warnings_of_kind("names-differ-in-case", text),
        )

    def test_guessable_code(self) -> None:
        """A code that is right for many words has a warning, unless no word fits or the code is the same for all."""
        reason = "an attacker who tries one code with many words succeeds without knowing the rule"
        fix = "add an item that tells words apart, such as CHAR(1,-); 'trualias strength' shows what it gains"
        for items, code, share in (("CHARS()", "6", "14.6"), ("x, VOWELS(), CHARS(account)", "x23", "27.3")):
            message = f"always sending {code} gets through for {share} % of names"
            text = f"ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH {items};"
            self.assertEqual([(items[:7], message, reason, fix)], self.warnings_of_kind("guessable-code", text))
        for statement in (
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), CHARS();",
            "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH x;",
            "ACCOUNT foo MATCHES %account%.%code% WITH CHARS(account);",
        ):
            self.assertEqual([], self.warnings_of_kind("guessable-code", statement))

    def test_costly_lookup(self) -> None:
        """A policy with an ordinary address that needs more than a tenth of the steps of a lookup has a warning."""
        fix = "tell the statements apart by literals or by %account%"
        reason = "it is like many other statements, and a lookup that takes too many steps ends with a temporary error"
        parts = "abcdefghijklmno"
        names = ",".join(".".join(parts[start:end]) for start in range(15) for end in range(start + 2, 16))
        statement = f"ACCOUNT {names} USING fqdn ALIASED {names} MATCHES %account%.%alias%.%code% WITH CHARS(account);"
        address = f"{'.'.join(parts)}.{'.'.join(parts)}.29"
        message = f"the lookup of '{address}' takes 747 of the 2,500 steps that it may take"
        self.assertEqual([("a.b,a.b", message, reason, fix)], self.warnings_of_kind("costly-lookup", statement))
        apart = statement.replace("%account%.%alias%", "%account%-%alias%")
        self.assertEqual([], self.warnings_of_kind("costly-lookup", apart))

    def test_comment_in_expression(self) -> None:
        """An expression that ends with a # and a word has a warning; one with a # elsewhere has none."""
        text = "ACCOUNT foo MATCHES %account%-%ident%-%code%#shape WITH CHARS();"
        expected = [
            (
                "#shape ",
                "'#shape' is the end of the expression, and no comment",
                "each address must end with it",
                "write a comment on a line of its own; if the addresses end so on purpose, leave it",
            )
        ]
        self.assertEqual(expected, self.warnings_of_kind("comment-in-expression", text))
        for expression in ("%account%#shape-%ident%-%code%", "%ident%-%code%#", "%ident%-%code%-#shape"):
            text = f"ACCOUNT foo MATCHES {expression} WITH CHARS();"
            self.assertEqual([], self.warnings_of_kind("comment-in-expression", text), expression)

    def test_order(self) -> None:
        """Warnings of all kinds are in the order of the file."""
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
        self.assertEqual(kinds, [one.kind for one in warnings(text)])

    def test_all_kinds(self) -> None:
        """The table has the twelve kinds of warnings that the tests above cover."""
        self.assertEqual(12, len(LINTERS))
