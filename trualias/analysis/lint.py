"""Warnings about configurations that are legal but unwise, each with a reason and a mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os.path import basename

from attrs import frozen

from trualias.analysis.overlap import Overlap, Search, find_overlaps
from trualias.analysis.reachability import Unreached, find_unreached
from trualias.analysis.strength import ConstantShares
from trualias.analysis.words.lists import shipped
from trualias.configuration import Configuration
from trualias.configuration.tables import Table
from trualias.language.rule import CodeItem, Rule
from trualias.language.tree import CodeLiteral, Literal, Name, NameField, NameKind, item_text
from trualias.matching.policy import LONGEST

DELIMITERS = "+-"
"""What mail servers are told to split addresses at: Debian installs Postfix with ``+``; ``-`` is qmail's way."""

_OVERLAPS = 20
"""Addresses of two accounts that are looked for; whoever has more has a problem that needs no longer list."""


GUESSABLE = 0.05
"""The share of names for which one code may be right before it is too easy to guess."""


@frozen
class Advice:
    """A warning. ``place`` is an offset in the text, counted from 0; ``kind`` is its name for programs.

    ``address`` is a local part that proves it, where there is one.
    """

    kind: str
    offset: int
    message: str
    reason: str
    fix: str
    address: str | None = None


@frozen(eq=False)
class Subject:
    """What advice is given about: a configuration, and what was found out about it for several kinds of advice."""

    configuration: Configuration
    search: Search

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The statements."""
        return self.configuration.policy.rules

    @property
    def is_for_virtual(self) -> bool:
        """Whether the virtual server is likely to read it."""
        configuration = self.configuration
        return bool(configuration.settings.alias_domains) or basename(configuration.name) == Table.VIRTUAL.value


def advise(configuration: Configuration) -> tuple[tuple[Advice, ...], Search]:
    """Give the warnings in the order of the file, and what the search for addresses of two accounts found."""
    subject = Subject(configuration, find_overlaps(configuration.policy, most=_OVERLAPS))
    found = [advice for adviser in ADVISERS for advice in adviser(subject)]
    return tuple(sorted(found, key=lambda advice: advice.offset)), subject.search


Adviser = Callable[[Subject], Iterator[Advice]]


def _case_sensitive(subject: Subject) -> Iterator[Advice]:
    if subject.configuration.settings.case_sensitive and subject.is_for_virtual:
        yield Advice(
            "case-sensitive",
            subject.configuration.offset("CASE SENSITIVE"),
            "capital letters make a difference to the virtual server",
            "Postfix asks in lower case when the sender names the recipient, and as the sender wrote it when the mail "
            "comes in: with a capital, mail is let in and then bounced",
            "CASE SENSITIVE: no",
        )


def _overlaps(subject: Subject) -> Iterator[Advice]:
    debug_account = subject.configuration.settings.debug_account
    goes = f"the mail goes to {debug_account}" if debug_account else "the address is not found"
    for overlap in subject.search.overlaps:
        yield Advice(
            "two-accounts",
            _offset(overlap.one.rule),
            f"'{overlap.local_part}' is right for {overlap.one.account} and for {overlap.other.account}, "
            f"{_where(subject, overlap)}",
            f"nobody can tell who is meant, and {goes}",
            "write %account% into one of the expressions, or make them differ in a literal",
            overlap.local_part,
        )


def _where(subject: Subject, overlap: Overlap) -> str:
    if overlap.one.rule is overlap.other.rule:
        return "which both are of this statement"
    return f"the account of the statement in line {subject.configuration.line(_offset(overlap.other.rule))}"


def _no_debug_account(subject: Subject) -> Iterator[Advice]:
    overlaps = subject.search.overlaps
    if overlaps and subject.configuration.settings.debug_account is None:
        yield Advice(
            "no-debug-account",
            _offset(overlaps[0].one.rule),
            f"addresses may be of several accounts, such as '{overlaps[0].local_part}', and there is no DEBUG ACCOUNT",
            "mail for them is refused, and nobody but the log gets to know",
            "DEBUG ACCOUNT: postmaster, or another mailbox that a person reads",
            overlaps[0].local_part,
        )


def _delimiter(subject: Subject) -> Iterator[Advice]:
    mailboxes = {subject.configuration.policy.fold(name) for name in subject.configuration.policy.accounts}
    for rule in subject.rules:
        for before, offset, sign in _splits(rule):
            owners = [name for name in before if subject.configuration.policy.fold(name) in mailboxes]
            if owners:
                yield Advice(
                    "recipient-delimiter",
                    offset,
                    f"'{sign}' behind the account is what many mail servers split addresses at",
                    f"with recipient_delimiter = {sign} Postfix delivers mail for a wrong address to {owners[0]} all "
                    "the same, as if there were no code",
                    "leave recipient_delimiter empty, or use another sign here, such as . or _",
                )
                break


def _splits(rule: Rule) -> Iterator[tuple[Sequence[str], int, str]]:
    """Where a mail server would split the addresses of a statement: the names before, the place, and the sign."""
    first, second = rule.expression[0], rule.expression[1] if len(rule.expression) > 1 else None
    if isinstance(first, NameField) and isinstance(second, Literal) and second.text[0] in DELIMITERS:
        names = rule.accounts if first.kind is NameKind.ACCOUNT else rule.aliases
        yield names, rule.statement.expression_offset + second.offset, second.text[0]
    elif isinstance(first, Literal):
        for at, sign in enumerate(first.text):
            if sign in DELIMITERS:
                yield (first.text[:at],), rule.statement.expression_offset + first.offset + at, sign


def _unreached(subject: Subject) -> Iterator[Advice]:
    for unreached in find_unreached(subject.configuration.policy):
        target = unreached.target
        name = next(
            (n for n in target.rule.statement.accounts if n.text == target.account), target.rule.statement.accounts[0]
        )
        if unreached.reasons:
            message, reason = f"no address reaches {target.account}", "; ".join(unreached.reasons)
        else:
            message = f"no address was found that reaches {target.account} alone"
            reason = _shared(unreached)
        yield Advice("unreached", name.offset, message, reason, "change its code or its expression, or leave it out")


def _shared(unreached: Unreached) -> str:
    return f"each of the {unreached.tried} that were tried is also right for {' or '.join(unreached.shared)}"


def _constant_code(subject: Subject) -> Iterator[Advice]:
    for rule in subject.rules:
        if rule.identifiers and not any(map(_depends, rule.items)):
            code = ", ".join(map(item_text, rule.statement.items))
            reads = "word" if len(rule.identifiers) == 1 else "words"
            yield Advice(
                "constant-code",
                _items_offset(rule),
                f"the code {code} does not depend on the {reads} in the address",
                "whoever has seen one address can make up others",
                "add an item that reads an identifier, such as CHARS(1)",
            )


def _depends(item: CodeItem) -> bool:
    """Whether what an item contributes depends on an identifier; a character behind all that fit in does not."""
    return not isinstance(item, CodeLiteral) and isinstance(item.reads, int) and abs(item.index) < LONGEST


def _guessable_code(subject: Subject) -> Iterator[Advice]:
    shares = ConstantShares(shipped().words, subject.configuration.settings.case_sensitive)
    for rule in subject.rules:
        found = shares.of(rule) if rule.identifiers and any(map(_depends, rule.items)) else None
        if found is not None and found.share > GUESSABLE:
            yield Advice(
                "guessable-code",
                _items_offset(rule),
                f"always sending {found.code} gets through for {100 * found.share:.1f} % of names",
                "whoever tries one code with many words gets in without knowing the rule",
                "add an item that tells words apart, such as CHAR(1,-); 'trualias strength' shows what it gains",
            )


def _names_differ_in_case(subject: Subject) -> Iterator[Advice]:
    for kind in NameKind:
        first: dict[str, Name] = {}
        told: set[str] = set()
        for rule in subject.rules:
            statement = rule.statement
            for name in statement.accounts if kind is NameKind.ACCOUNT else statement.aliases:
                other = first.setdefault(name.text.lower(), name)
                if other.text != name.text and name.text not in told:
                    told.add(name.text)
                    yield _spelled_twice(subject, kind.value, name, other)


def _spelled_twice(subject: Subject, kind: str, name: Name, other: Name) -> Advice:
    message = f"the {kind} {name.text} is spelled {other.text} in line {subject.configuration.line(other.offset)}"
    if subject.configuration.settings.case_sensitive:
        reason, fix = "they are two, and people and mail servers mix them up", "give them different names"
    else:
        reason, fix = f"they are one {kind}, which trualias spells {other.text}", f"write {other.text} here, too"
    return Advice("names-differ-in-case", name.offset, message, reason, fix)


def _offset(rule: Rule) -> int:
    return rule.statement.offset


def _items_offset(rule: Rule) -> int:
    return rule.statement.items_offset + rule.statement.items[0].offset


ADVISERS: tuple[Adviser, ...] = (
    _case_sensitive,
    _overlaps,
    _no_debug_account,
    _delimiter,
    _unreached,
    _constant_code,
    _guessable_code,
    _names_differ_in_case,
)
"""All kinds of advice; one more is one function more."""
