"""The output of ``trualias explain``, for people and as JSON."""

from __future__ import annotations

from typing import assert_never

from trualias.analysis.explanation import CheckedItem, Comparison, FirstMismatch, Reading
from trualias.commands.explain_case import Case
from trualias.commands.output import Output, place
from trualias.configuration import Configuration
from trualias.language.fields import RULES
from trualias.language.functions import FUNCTIONS
from trualias.language.tree import (
    Call,
    CodeField,
    Identifier,
    Literal,
    NameField,
    NameKind,
    expression_text,
    item_text,
)
from trualias.lookup import Ambiguous, Found, NotFound, NotFoundReason, describe
from trualias.messages import escaped, number_of, one_of, quoted

_LISTED = 8
"""The most characters that are listed where each of them would be right."""


def is_accepted(case: Case) -> bool:
    """Return whether the key is answered with a value."""
    return _value(case) is not None


def _value(case: Case) -> str | None:
    match case.answer:
        case Found(value) | Ambiguous(_, value):
            return value
        case _:
            return None


def _is_kept(case: Case) -> bool:
    return isinstance(case.answer, Found) and case.answer.is_kept


def describe_answer(case: Case, configuration: Configuration) -> str:
    """Describe the answer of a server and its reason, in more detail than ``lookup.describe``."""
    match case.answer:
        case str(error):
            return f"gets a temporary error: {error}"
        case NotFound(reason):
            return f"is not found: {_reason(reason, case, configuration)}"
        case answer:
            return describe(answer)


def _reason(reason: NotFoundReason, case: Case, configuration: Configuration) -> str:
    match reason:
        case NotFoundReason.NO_DOMAIN:
            return "it has no domain, and the virtual server is asked for whole addresses"
        case NotFoundReason.UNKNOWN_DOMAIN:
            domains = sorted(configuration.settings.alias_domains)
            listed = f"not one of ALIAS DOMAINS ({', '.join(domains)})" if domains else "no ALIAS DOMAINS are listed"
            return f"its domain, {quoted(case.domain or '')}, is {listed}" if domains else listed
        case NotFoundReason.REFUSED:
            where = "" if case.refused_at is None else f" in {configuration.line_text(case.refused_at)}"
            return f"REFUSE{where} takes it back"
        case NotFoundReason.REVOKED:
            return "it is revoked or paused in the store; 'trualias alias show' describes its state"
        case NotFoundReason.REFUSED_BY_HOOK:
            return f"{case.calls[-1].hook}() of the PROCESSOR module returned None"
        case NotFoundReason.NO_MATCH | NotFoundReason.WRONG_CODE if case.retired_at is not None:
            statement = configuration.line_text(case.retired_at)
            return f"the statement in {statement} is RETIRED, and the store does not know the address"
        case NotFoundReason.NO_MATCH | NotFoundReason.WRONG_CODE:
            if case.explanation and case.explanation.invalid:
                return case.explanation.invalid
            if case.explanation and any(one.readings for one in case.explanation.comparisons):
                return "it looks right, but its code is wrong"
            return "it does not look like any statement's addresses"
        case _:
            assert_never(reason)


def print_case(case: Case, configuration: Configuration, most: int, out: Output) -> None:
    """Print a case with at most ``most`` statements."""
    head = f"{escaped(case.key) or quoted('')} {describe_answer(case, configuration)}"
    out.print(head, style="bold green" if is_accepted(case) else "bold red")
    for call in case.calls:
        if call.returned is not None and call.given != call.returned:
            changed = f"{_address(call.given)} to {_address(call.returned)}"
            out.print(f"  {call.hook}() of the PROCESSOR module changed {changed}")
    if case.delivered_at is not None:
        out.print(f"  DELIVER in {configuration.line_text(case.delivered_at)} says where its mail goes")
    if case.explanation is None or case.explanation.invalid:
        return
    text = case.explanation.text
    for comparison in case.explanation.comparisons[:most]:
        _print_comparison(comparison, configuration, text, most, out)
    more = len(case.explanation.comparisons) - most
    if more > 0:
        out.print(f"  {number_of(more, 'more statement')}, no nearer; --all prints more")
    if case.explanation.not_compared:
        not_compared = number_of(case.explanation.not_compared, "statement")
        out.print(f"  {not_compared} not compared: the address lacks a name or a literal")
    if case.explanation.elsewhere:
        out.print(f"  {number_of(case.explanation.elsewhere, 'statement')} not compared: AT names other domains")


def _address(name: tuple[str, str | None]) -> str:
    return quoted(name[0] if name[1] is None else f"{name[0]}@{name[1]}")


def _print_comparison(comparison: Comparison, configuration: Configuration, text: str, most: int, out: Output) -> None:
    line = configuration.line_text(comparison.rule.statement.offset)
    names = f"account {comparison.account}" + (f", alias {comparison.alias}" if comparison.alias else "")
    head = f"  statement at {line}: {names}"
    if comparison.mismatch:
        out.print(f"{head}; {_describe_mismatch(comparison.mismatch, text)}")
        _print_caret(text, comparison.mismatch.position, out)
        return
    for reading in comparison.readings[:most]:
        words = "".join(f", {kind.value} {part.text}" for kind, part in reading.identifiers)
        out.print(f"{head}{words}")
        for item in reading.items:
            out.print(f"    {_item(item)}", style="green" if item.right else "red")
        if reading.extra.text:
            out.print(f"    the code ends here, the address goes on with {reading.extra.text}", style="red")
        if not reading.verifies:
            _print_caret(text, _first_error(reading), out)
    more = comparison.count - len(comparison.readings)
    if more > 0:
        many = number_of(more, "more reading") if comparison.is_complete else f"more than {more} more readings"
        out.print(f"    {many}, no nearer; --all prints more")


def _print_caret(text: str, position: int, out: Output) -> None:
    out.print(f"      {text}\n      {' ' * position}^", folded=False)


def _item(checked: CheckedItem) -> str:
    wants = f"{item_text(checked.item)} wants {_wants(checked)}"
    if checked.right:
        return f"{wants}: ok" if isinstance(checked.wants, str) else f"{wants}: {checked.given.text} is ok"
    return f"{wants}, the address has {checked.given.text or 'nothing'}"


def _wants(checked: CheckedItem) -> str:
    if isinstance(checked.wants, str):
        return checked.wants
    if 0 < len(checked.wants) <= _LISTED:
        return one_of(sorted(checked.wants))
    assert isinstance(checked.item, Call)
    return f"{FUNCTIONS[checked.item.function].meaning} ({checked.read})"


def _first_error(reading: Reading) -> int:
    return next((item.given.position for item in reading.items if not item.right), reading.extra.position)


def _describe_mismatch(mismatch: FirstMismatch, text: str) -> str:
    position = mismatch.position
    found = f"finds {text[position]}" if position < len(text) else "the address ends"
    expected = _expected(mismatch)
    if mismatch.more_of is not None:
        expected += f", or more of the {mismatch.more_of.value} before it ({RULES[mismatch.more_of].meaning})"
    before = f"after {text[:position]} it" if position else "it"
    return f"{before} expects {expected}, and {found}"


def _expected(mismatch: FirstMismatch) -> str:
    match mismatch.expected:
        case Literal(text):
            return text
        case NameField(NameKind.ACCOUNT):
            return "the account"
        case NameField(NameKind.ALIAS):
            return "the alias"
        case Identifier(field_class):
            return f"{'an' if field_class.value[0] in 'ai' else 'a'} {field_class.value}"
        case CodeField():
            return "the code"
        case _:
            return "the end"


def for_programs(case: Case, configuration: Configuration) -> dict[str, object]:
    """Return all results for a key, to be written as JSON."""
    accounts = case.answer.accounts if isinstance(case.answer, Ambiguous) else ()
    explanation = case.explanation
    return {
        "key": case.key,
        "found": is_accepted(case),
        "value": _value(case),
        "account": case.answer.account if isinstance(case.answer, Found) else None,
        "accounts": list(accounts),
        # Without a store, the output is as it was before there were any.
        **({"kept": _is_kept(case)} if configuration.settings.store else {}),
        "deliver_line": None if case.delivered_at is None else configuration.line(case.delivered_at),
        "outcome": describe_answer(case, configuration),
        "hooks": [{"hook": call.hook, "given": call.given, "gave": call.returned} for call in case.calls],
        "statements": [_statement(one, configuration) for one in explanation.comparisons] if explanation else [],
        "elsewhere": explanation.elsewhere if explanation else 0,
        "not_compared": explanation.not_compared if explanation else len(configuration.policy.rules),
    }


def _statement(comparison: Comparison, configuration: Configuration) -> dict[str, object]:
    mismatch = comparison.mismatch
    return {
        **place(configuration, comparison.rule.statement.offset),
        "expression": expression_text(comparison.rule.statement.expression),
        "account": comparison.account,
        "alias": comparison.alias or None,
        "count": comparison.count,
        "counted": comparison.is_complete,
        "readings": [_reading(reading) for reading in comparison.readings],
        "mismatch": mismatch and {"place": mismatch.position, "expected": _expected(mismatch)},
    }


def _reading(reading: Reading) -> dict[str, object]:
    return {
        "identifiers": [{"class": kind.value, "text": part.text} for kind, part in reading.identifiers],
        "code": reading.code.text,
        "verifies": reading.verifies,
        "items": [
            {
                "item": item_text(item.item),
                "wants": item.wants if isinstance(item.wants, str) else sorted(item.wants),
                "given": item.given.text,
                "place": item.given.position,
                "right": item.right,
            }
            for item in reading.items
        ],
        "extra": reading.extra.text,
    }
