"""Warnings that are found by a search, which is bounded and tells what it left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trualias.analysis.composition import Target
from trualias.analysis.constant_code import ConstantShares
from trualias.analysis.lint_warning import Linter, LintWarning, Subject, depends_on_identifier, items_offset, offset_of
from trualias.analysis.lookup_cost import STEPS as COST_STEPS
from trualias.analysis.lookup_cost import find_costly
from trualias.analysis.overlap import Overlap
from trualias.analysis.reachability import STEPS as REACH_STEPS
from trualias.analysis.reachability import find_unreached
from trualias.analysis.step_limit import StepLimitReached
from trualias.analysis.words.lists import shipped_word_list
from trualias.language.rule import Rule
from trualias.matching.policy import Policy
from trualias.messages import one_of

GUESSABLE = 0.05
"""The largest share of names for which one code may be right before it counts as too easy to guess."""

_OWNERS = 5
"""The most accounts that a warning names."""

CODES = 10_000
"""Different codes for which the best constant code is searched, which takes 1 ms each."""

_STEPS_A_CODE = 20
"""Steps of the progress bar for each statement whose code is examined: for most, it is that of another one."""


def _overlaps(subject: Subject) -> Iterator[LintWarning]:
    debug_account = subject.configuration.settings.debug_account
    consequence = f"its mail goes to {debug_account}" if debug_account else "it is not found"
    for overlap in subject.search.overlaps:
        yield LintWarning(
            "two-accounts",
            offset_of(overlap.one.rule),
            f"'{overlap.address}' is right for {overlap.one.account} and for {overlap.other.account}, "
            f"{_origin(subject, overlap)}",
            f"the address does not say which account is meant, and {consequence}",
            "write %account% into one of the expressions, or make them differ in a literal",
            overlap.local_part,
        )


def _origin(subject: Subject, overlap: Overlap) -> str:
    if overlap.one.rule is overlap.other.rule:
        return "both accounts of this statement"
    line = subject.configuration.line_text(offset_of(overlap.other.rule), offset_of(overlap.one.rule))
    return f"the account of the statement in {line}"


def _no_debug_account(subject: Subject) -> Iterator[LintWarning]:
    overlaps = subject.search.overlaps
    if overlaps and subject.configuration.settings.debug_account is None:
        yield LintWarning(
            "no-debug-account",
            offset_of(overlaps[0].one.rule),
            f"addresses may be of several accounts, such as '{overlaps[0].address}', and there is no DEBUG ACCOUNT",
            "mail for them is refused, and only the log shows it",
            "DEBUG ACCOUNT: postmaster, or another mailbox that a person reads",
            overlaps[0].local_part,
        )


def _unreached(subject: Subject) -> Iterator[LintWarning]:
    result = find_unreached(subject.configuration.policy, REACH_STEPS, advance=subject.advance)
    subject.leave_out(
        "unreached",
        "accounts that no address reaches",
        result.unexamined,
        result.accounts,
        "account",
        f"{REACH_STEPS:,} steps",
    )
    offset = _NameOffsets()
    for unreached in result.unreached:
        account = unreached.target.account
        if unreached.reasons:
            message, reason = f"no address reaches {account}", "; ".join(unreached.reasons)
        else:
            message = f"no address was found that reaches {account} alone"
            reason = f"each of the {unreached.tried} that were tried is also right for {_owners(unreached.shared)}"
        yield LintWarning(
            "unreached",
            offset.of(unreached.target),
            message,
            reason,
            "change its code or its expression, or leave it out",
        )


class _NameOffsets:
    """The offsets of accounts, kept for the last statement: one may have a million accounts."""

    def __init__(self) -> None:
        self._rule: Rule | None = None
        self._offsets: dict[str, int] = {}

    def of(self, target: Target) -> int:
        """Return the offset of a target's account, or of the statement's first if it is spelled otherwise there."""
        if target.rule is not self._rule:
            self._rule = target.rule
            self._offsets = {name.text: name.offset for name in target.rule.statement.accounts}
        return self._offsets.get(target.account, target.rule.statement.accounts[0].offset)


def _owners(names: Sequence[str]) -> str:
    if len(names) <= _OWNERS:
        return one_of(names)
    return f"{', '.join(names[:_OWNERS])} or one of {len(names) - _OWNERS:,} others"


def _guessable_code(subject: Subject) -> Iterator[LintWarning]:
    words = shipped_word_list().words
    shares = ConstantShares(words, subject.configuration.settings.case_sensitive, GUESSABLE, CODES)
    examined = 0
    left_out = 0
    for rule in subject.rules:
        subject.advance(_STEPS_A_CODE)
        if not rule.identifiers or not any(map(depends_on_identifier, rule.items)):
            continue
        examined += 1
        try:
            found = shares.of(rule)
        except StepLimitReached:
            left_out += 1
            continue
        if found is not None:
            yield LintWarning(
                "guessable-code",
                items_offset(rule),
                f"always sending {found.code} gets through for {100 * found.share:.1f} % of names",
                "an attacker who tries one code with many words succeeds without knowing the rule",
                "add an item that tells words apart, such as CHAR(1,-); 'trualias strength' shows what it gains",
            )
    subject.leave_out(
        "guessable-code",
        "codes that are easily guessed",
        left_out,
        examined,
        "statement",
        f"{CODES:,} different codes",
    )


def _costly_lookup(subject: Subject) -> Iterator[LintWarning]:
    result = find_costly(subject.configuration.policy, COST_STEPS, advance=subject.advance)
    subject.leave_out(
        "costly-lookup",
        "costly lookups",
        result.unexamined,
        result.statements,
        "statement",
        f"{COST_STEPS:,} steps",
    )
    if found := result.costly:
        yield LintWarning(
            "costly-lookup",
            offset_of(found.rule),
            f"the lookup of '{found.local_part}' {found.cost}",
            "it is like many other statements, and a lookup that takes too many steps ends with a temporary error",
            "tell the statements apart by literals or by %account%",
            found.local_part,
        )


def work_of(policy: Policy) -> int:
    """Return the steps of all these searches."""
    return REACH_STEPS + COST_STEPS + _STEPS_A_CODE * len(policy.rules)


SEARCH_LINTERS: tuple[Linter, ...] = (_overlaps, _no_debug_account, _unreached, _guessable_code, _costly_lookup)
"""A function for each kind of these warnings."""
