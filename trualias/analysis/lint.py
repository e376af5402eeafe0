"""Warnings about a configuration that is valid but unwise, each with a reason and a fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from os.path import basename

from attrs import frozen

from trualias.analysis.constant_code import ConstantShares
from trualias.analysis.lookup_cost import find_costly
from trualias.analysis.overlap import STEPS, Overlap, Search, find_overlaps
from trualias.analysis.reachability import find_unreached
from trualias.analysis.words.lists import shipped_word_list
from trualias.configuration import Configuration
from trualias.configuration.tables import Table
from trualias.language.name_list import Name
from trualias.language.rule import CodeItem, Rule
from trualias.language.tree import CodeLiteral, Literal, NameField, NameKind, item_text
from trualias.matching.policy import LONGEST
from trualias.messages import quoted

DELIMITERS = "+-"
"""Common recipient delimiters: Debian installs Postfix with ``+``; qmail uses ``-``."""

_OVERLAPS = 20
"""The most addresses of two accounts that are reported; more would not help to find the cause."""

_STEPS_OF_STATEMENT = 10
"""How many steps of the search for addresses of two accounts take about as long as all else for one statement."""

GUESSABLE = 0.05
"""The largest share of names for which one code may be right before it counts as too easy to guess."""


@frozen
class LintWarning:
    """A warning about an offset in the text. ``kind`` is its name in JSON.

    ``address`` is a local part that proves the warning, if there is one.
    """

    kind: str
    offset: int
    message: str
    reason: str
    fix: str
    address: str | None = None


@frozen(eq=False)
class _Subject:
    """A configuration, and the search result that several kinds of warnings share."""

    configuration: Configuration
    search: Search
    is_virtual: bool
    """True if the file is the virtual server's, by its name or according to the caller."""
    advance: Callable[[float], None]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The statements."""
        return self.configuration.policy.rules

    @property
    def is_for_virtual(self) -> bool:
        """True if the configuration is probably the virtual server's."""
        return self.is_virtual or bool(self.configuration.settings.alias_domains)


def work_of(configuration: Configuration) -> float:
    """Return how much work ``lint`` has: the most steps of the search, and ten for each statement."""
    return STEPS + _STEPS_OF_STATEMENT * len(configuration.policy.rules)


def lint(
    configuration: Configuration, is_virtual: bool = False, advance: Callable[[float], None] = lambda part: None
) -> tuple[tuple[LintWarning, ...], Search]:
    """Return the warnings in the order of the file, and the result of the search for addresses of two accounts.

    ``is_virtual``: the file is the virtual server's, also if its name does not say so. ``advance`` is called with each
    part of the work that is done.
    """
    is_virtual = is_virtual or basename(configuration.name) == Table.VIRTUAL.file_name
    search = find_overlaps(configuration.policy, most=_OVERLAPS, advance=advance)
    subject = _Subject(configuration, search, is_virtual, advance)
    found = [warning for linter in LINTERS for warning in linter(subject)]
    return tuple(sorted(found, key=lambda warning: warning.offset)), subject.search


_Linter = Callable[[_Subject], Iterator[LintWarning]]


def _no_statements(subject: _Subject) -> Iterator[LintWarning]:
    if not subject.rules:
        yield LintWarning(
            "no-statements",
            0,
            "the file has no account statement",
            "no address is found, which is also what a file says whose statements were lost",
            "write a statement, or see whether this is the file that you mean",
        )


def _no_alias_domains(subject: _Subject) -> Iterator[LintWarning]:
    if subject.is_virtual and not subject.configuration.settings.alias_domains:
        yield LintWarning(
            "no-alias-domains",
            subject.configuration.offset("ALIAS DOMAINS"),
            "the virtual server's file has no ALIAS DOMAINS",
            "the virtual server answers for these domains only, so it finds no address",
            "ALIAS DOMAINS: example.com, with the domains of your addresses",
        )


def _case_sensitive(subject: _Subject) -> Iterator[LintWarning]:
    if subject.configuration.settings.case_sensitive and subject.is_for_virtual:
        yield LintWarning(
            "case-sensitive",
            subject.configuration.offset("CASE SENSITIVE"),
            "capital letters make a difference to the virtual server",
            "Postfix looks an address up in lower case to check a recipient, and as written to deliver the mail: mail "
            "for an address with a capital letter is accepted and then bounced",
            "CASE SENSITIVE: no",
        )


def _overlaps(subject: _Subject) -> Iterator[LintWarning]:
    debug_account = subject.configuration.settings.debug_account
    consequence = f"its mail goes to {debug_account}" if debug_account else "it is not found"
    for overlap in subject.search.overlaps:
        yield LintWarning(
            "two-accounts",
            _offset(overlap.one.rule),
            f"'{overlap.address}' is right for {overlap.one.account} and for {overlap.other.account}, "
            f"{_origin(subject, overlap)}",
            f"the address does not say which account is meant, and {consequence}",
            "write %account% into one of the expressions, or make them differ in a literal",
            overlap.local_part,
        )


def _origin(subject: _Subject, overlap: Overlap) -> str:
    if overlap.one.rule is overlap.other.rule:
        return "both accounts of this statement"
    line = subject.configuration.line_text(_offset(overlap.other.rule), _offset(overlap.one.rule))
    return f"the account of the statement in {line}"


def _no_debug_account(subject: _Subject) -> Iterator[LintWarning]:
    overlaps = subject.search.overlaps
    if overlaps and subject.configuration.settings.debug_account is None:
        yield LintWarning(
            "no-debug-account",
            _offset(overlaps[0].one.rule),
            f"addresses may be of several accounts, such as '{overlaps[0].address}', and there is no DEBUG ACCOUNT",
            "mail for them is refused, and only the log shows it",
            "DEBUG ACCOUNT: postmaster, or another mailbox that a person reads",
            overlaps[0].local_part,
        )


def _delimiter(subject: _Subject) -> Iterator[LintWarning]:
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


def _unreached(subject: _Subject) -> Iterator[LintWarning]:
    for unreached in find_unreached(subject.configuration.policy):
        target = unreached.target
        name = next(
            (n for n in target.rule.statement.accounts if n.text == target.account), target.rule.statement.accounts[0]
        )
        if unreached.reasons:
            message, reason = f"no address reaches {target.account}", "; ".join(unreached.reasons)
        else:
            message = f"no address was found that reaches {target.account} alone"
            owners = " or ".join(unreached.shared)
            reason = f"each of the {unreached.tried} that were tried is also right for {owners}"
        yield LintWarning(
            "unreached", name.offset, message, reason, "change its code or its expression, or leave it out"
        )


def _comment_in_expression(subject: _Subject) -> Iterator[LintWarning]:
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


def _constant_code(subject: _Subject) -> Iterator[LintWarning]:
    for rule in subject.rules:
        if rule.identifiers and not any(map(_depends, rule.items)):
            code = ", ".join(map(item_text, rule.statement.items))
            yield LintWarning(
                "constant-code",
                _items_offset(rule),
                f"the code {code} does not depend on the word{'s' * (len(rule.identifiers) > 1)} in the address",
                "one leaked address is enough to make up others",
                "add an item that reads an identifier, such as CHARS(1)",
            )


def _depends(item: CodeItem) -> bool:
    """Return whether an item's contribution depends on an identifier; with an index too high for any address, not."""
    return not isinstance(item, CodeLiteral) and isinstance(item.reads, int) and abs(item.index) < LONGEST


def _guessable_code(subject: _Subject) -> Iterator[LintWarning]:
    shares = ConstantShares(shipped_word_list().words, subject.configuration.settings.case_sensitive, GUESSABLE)
    for rule in subject.rules:
        subject.advance(_STEPS_OF_STATEMENT)
        found = shares.of(rule) if rule.identifiers and any(map(_depends, rule.items)) else None
        if found is not None:
            yield LintWarning(
                "guessable-code",
                _items_offset(rule),
                f"always sending {found.code} gets through for {100 * found.share:.1f} % of names",
                "an attacker who tries one code with many words succeeds without knowing the rule",
                "add an item that tells words apart, such as CHAR(1,-); 'trualias strength' shows what it gains",
            )


def _costly_lookup(subject: _Subject) -> Iterator[LintWarning]:
    if found := find_costly(subject.configuration.policy):
        yield LintWarning(
            "costly-lookup",
            _offset(found.rule),
            f"the lookup of '{found.local_part}' {found.cost}",
            "it is like many other statements, and a lookup that takes too many steps ends with a temporary error",
            "tell the statements apart by literals or by %account%",
            found.local_part,
        )


def _names_differ_in_case(subject: _Subject) -> Iterator[LintWarning]:
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


def _two_spellings(subject: _Subject, kind: str, name: Name, other: Name) -> LintWarning:
    line = subject.configuration.line_text(other.offset, name.offset)
    message = f"the {kind} {name.text} is spelled {other.text} in {line}"
    if subject.configuration.settings.case_sensitive:
        reason, fix = "they are different names, which people and mail servers confuse", "give them different names"
    else:
        reason, fix = f"they are one {kind}, which trualias spells {other.text}", f"write {other.text} here, too"
    return LintWarning("names-differ-in-case", name.offset, message, reason, fix)


def _offset(rule: Rule) -> int:
    return rule.statement.offset


def _items_offset(rule: Rule) -> int:
    return rule.statement.items_offset + rule.statement.items[0].offset


LINTERS: tuple[_Linter, ...] = (
    _no_statements,
    _no_alias_domains,
    _case_sensitive,
    _overlaps,
    _no_debug_account,
    _delimiter,
    _unreached,
    _comment_in_expression,
    _constant_code,
    _guessable_code,
    _costly_lookup,
    _names_differ_in_case,
)
"""A function for each kind of warning."""
