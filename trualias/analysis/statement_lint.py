"""Warnings that can be seen in the settings and statements of a configuration, without a search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trualias.analysis.lint_warning import Linter, LintWarning, Subject, depends_on_identifier, items_offset
from trualias.language.name_list import Name
from trualias.language.rule import Rule
from trualias.language.tree import Literal, NameField, NameKind, item_text
from trualias.messages import quoted

DELIMITERS = "+-"
"""Common recipient delimiters: Debian installs Postfix with ``+``; qmail uses ``-``."""


def _no_statements(subject: Subject) -> Iterator[LintWarning]:
    if not subject.rules:
        yield LintWarning(
            "no-statements",
            0,
            "the file has no account statement",
            "no address is found, which is also what a file says whose statements were lost",
            "write a statement, or see whether this is the file that you mean",
        )


def _no_alias_domains(subject: Subject) -> Iterator[LintWarning]:
    if subject.is_virtual and not subject.configuration.settings.alias_domains:
        yield LintWarning(
            "no-alias-domains",
            subject.configuration.offset("ALIAS DOMAINS"),
            "the virtual server's file has no ALIAS DOMAINS",
            "the virtual server answers for these domains only, so it finds no address",
            "ALIAS DOMAINS: example.com, with the domains of your addresses",
        )


def _case_sensitive(subject: Subject) -> Iterator[LintWarning]:
    if subject.configuration.settings.case_sensitive and subject.is_for_virtual:
        yield LintWarning(
            "case-sensitive",
            subject.configuration.offset("CASE SENSITIVE"),
            "capital letters make a difference to the virtual server",
            "Postfix looks an address up in lower case to check a recipient, and as written to deliver the mail: mail "
            "for an address with a capital letter is accepted and then bounced",
            "CASE SENSITIVE: no",
        )


def _delimiter(subject: Subject) -> Iterator[LintWarning]:
    mailboxes = {subject.configuration.policy.fold(name) for name in subject.configuration.policy.accounts}
    for rule in subject.rules:
        for before, offset, sign in _delimiters(rule):
            owners = [name for name in before if subject.configuration.policy.fold(name) in mailboxes]
            if owners:
                yield LintWarning(
                    "recipient-delimiter",
                    offset,
                    f"many mail servers split addresses at the '{sign}' after the account",
                    f"with recipient_delimiter = {sign} Postfix delivers mail for a wrong address to {owners[0]} all "
                    "the same, as if there were no code",
                    "leave recipient_delimiter empty, or use another sign here, such as . or _",
                )
                break


def _delimiters(rule: Rule) -> Iterator[tuple[Sequence[str], int, str]]:
    """Yield the recipient delimiters in a statement's addresses: the names before it, its offset, and the sign."""
    first, second = rule.expression[0], rule.expression[1] if len(rule.expression) > 1 else None
    if isinstance(first, NameField) and isinstance(second, Literal) and second.text[0] in DELIMITERS:
        names = rule.accounts if first.kind is NameKind.ACCOUNT else rule.aliases
        yield names, rule.statement.expression_offset + second.offset, second.text[0]
    elif isinstance(first, Literal):
        for at, sign in enumerate(first.text):
            if sign in DELIMITERS:
                yield (first.text[:at],), rule.statement.expression_offset + first.offset + at, sign


def _comment_in_expression(subject: Subject) -> Iterator[LintWarning]:
    for rule in subject.rules:
        last = rule.statement.expression[-1]
        if isinstance(last, Literal) and re.match(r"#\w", last.text):
            yield LintWarning(
                "comment-in-expression",
                rule.statement.expression_offset + last.offset,
                f"{quoted(last.text)} is the end of the expression, and no comment",
                "each address must end with it",
                "write a comment on a line of its own; if the addresses end so on purpose, leave it",
            )


def _constant_code(subject: Subject) -> Iterator[LintWarning]:
    for rule in subject.rules:
        if rule.identifiers and not any(map(depends_on_identifier, rule.items)):
            code = ", ".join(map(item_text, rule.statement.items))
            yield LintWarning(
                "constant-code",
                items_offset(rule),
                f"the code {code} does not depend on the word{'s' * (len(rule.identifiers) > 1)} in the address",
                "one leaked address is enough to make up others",
                "add an item that reads an identifier, such as CHARS(1)",
            )


def _names_differ_in_case(subject: Subject) -> Iterator[LintWarning]:
    for kind in NameKind:
        first: dict[str, Name] = {}
        reported: set[str] = set()
        for rule in subject.rules:
            statement = rule.statement
            for name in statement.accounts if kind is NameKind.ACCOUNT else statement.aliases:
                other = first.setdefault(name.text.lower(), name)
                if other.text != name.text and name.text not in reported:
                    reported.add(name.text)
                    yield _two_spellings(subject, kind.value, name, other)


def _two_spellings(subject: Subject, kind: str, name: Name, other: Name) -> LintWarning:
    line = subject.configuration.line_text(other.offset, name.offset)
    message = f"the {kind} {name.text} is spelled {other.text} in {line}"
    if subject.configuration.settings.case_sensitive:
        reason, fix = "they are different names, which people and mail servers confuse", "give them different names"
    else:
        reason, fix = f"they are one {kind}, which trualias spells {other.text}", f"write {other.text} here, too"
    return LintWarning("names-differ-in-case", name.offset, message, reason, fix)


STATEMENT_LINTERS: tuple[Linter, ...] = (
    _no_statements,
    _no_alias_domains,
    _case_sensitive,
    _delimiter,
    _comment_in_expression,
    _constant_code,
    _names_differ_in_case,
)
"""A function for each kind of these warnings."""
