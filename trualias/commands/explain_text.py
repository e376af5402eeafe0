"""What `trualias explain` says: the words for people, the names for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from trualias.analysis.explanation import Checked, Considered, FirstMismatch, Reading
from trualias.commands.explain_case import Case
from trualias.commands.output import shown
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
from trualias.messages import number_of, one_of

if TYPE_CHECKING:
    from rich.console import Console

_LISTED = 8
"""Characters that are named one by one where any of them would do."""


def is_accepted(case: Case) -> bool:
    """Tell whether the key is answered with a value."""
    return _value(case) is not None


def _value(case: Case) -> str | None:
    match case.answer:
        case Found(value) | Ambiguous(_, value):
            return value
        case _:
            return None


def outcome(case: Case, configuration: Configuration) -> str:
    """Say what a server answers, and why."""
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
            return f"its domain, {shown(case.domain or '')!r}, is {listed}" if domains else listed
        case NotFoundReason.NO_MATCH | NotFoundReason.WRONG_CODE:
            if case.explanation and case.explanation.invalid:
                return case.explanation.invalid
            if case.explanation and any(one.readings for one in case.explanation.considered):
                return "it looks right, but its code is wrong"
            return "it does not look like any statement's addresses"
        case _:
            assert_never(reason)


def print_case(case: Case, configuration: Configuration, most: int, out: Console) -> None:
    """Say everything about a key, with at most so many statements."""
    key = shown(case.key)
    out.print(f"{key} {outcome(case, configuration)}", style="bold green" if is_accepted(case) else "bold red")
    for call in case.calls:
        if call.given != call.gave:
            out.print(f"  {call.hook}() of the PROCESSOR module made {_named(call.given)} {_named(call.gave)}")
    if case.explanation is None or case.explanation.invalid:
        return
    text = case.explanation.text
    for considered in case.explanation.considered[:most]:
        _print_considered(considered, configuration, text, most, out)
    more = len(case.explanation.considered) - most
    if more > 0:
        out.print(f"  {number_of(more, 'statement')} further off; --all tells {'it' if more == 1 else 'them'}")
    if case.explanation.never:
        never = number_of(case.explanation.never, "statement")
        out.print(f"  {never} not compared, whose names and literals it does not have")


def _named(name: tuple[str, str | None]) -> str:
    return repr(name[0] if name[1] is None else f"{name[0]}@{name[1]}")


def _print_considered(considered: Considered, configuration: Configuration, text: str, most: int, out: Console) -> None:
    line = configuration.line(considered.rule.statement.offset)
    whose = f"account {considered.account}" + (f", alias {considered.alias}" if considered.alias else "")
    head = f"  statement at line {line}: {whose}"
    if considered.stuck:
        out.print(f"{head}; {_stuck(considered.stuck, text)}")
        _print_caret(text, considered.stuck.position, out)
        return
    for reading in considered.readings[:most]:
        words = "".join(f", {kind.value} {part.text}" for kind, part in reading.identifiers)
        out.print(f"{head}{words}")
        for item in reading.items:
            out.print(f"    {_item(item)}", style="green" if item.right else "red")
        if reading.extra.text:
            out.print(f"    the code ends here, the address goes on with {reading.extra.text}", style="red")
        if not reading.verifies:
            _print_caret(text, _first_fault(reading), out)
    more = considered.count - len(considered.readings)
    if more > 0:
        many = number_of(more, "more way") if considered.counted else f"more than {more} more ways"
        out.print(f"    {many} to read it, no nearer; --all tells more")


def _print_caret(text: str, position: int, out: Console) -> None:
    out.print(f"      {text}\n      {' ' * position}^")


def _item(checked: Checked) -> str:
    wants = f"{item_text(checked.item)} wants {_wants(checked)}"
    if checked.right:
        return f"{wants}: ok" if isinstance(checked.wants, str) else f"{wants}: {checked.given.text} is ok"
    return f"{wants}, the address has {checked.given.text or 'nothing'}"


def _wants(checked: Checked) -> str:
    if isinstance(checked.wants, str):
        return checked.wants
    if 0 < len(checked.wants) <= _LISTED:
        return one_of(sorted(checked.wants))
    assert isinstance(checked.item, Call)
    return f"{FUNCTIONS[checked.item.function].meaning} ({checked.read})"


def _first_fault(reading: Reading) -> int:
    faults = [item.given.position for item in reading.items if not item.right]
    return faults[0] if faults else reading.extra.position


def _stuck(stuck: FirstMismatch, text: str) -> str:
    found = f"finds {text[stuck.position]}" if stuck.position < len(text) else "the address ends"
    expected = _expected(stuck)
    if stuck.more_of is not None:
        expected += f", or more of the {stuck.more_of.value} before it ({RULES[stuck.more_of].meaning})"
    before = f"behind {text[: stuck.position]} it" if stuck.position else "it"
    return f"{before} expects {expected}, and {found}"


def _expected(stuck: FirstMismatch) -> str:
    match stuck.expected:
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
    """Everything about a key, for programs."""
    accounts = case.answer.accounts if isinstance(case.answer, Ambiguous) else ()
    explanation = case.explanation
    return {
        "key": case.key,
        "found": is_accepted(case),
        "value": _value(case),
        "account": case.answer.account if isinstance(case.answer, Found) else None,
        "accounts": list(accounts),
        "outcome": outcome(case, configuration),
        "hooks": [{"hook": call.hook, "given": call.given, "gave": call.gave} for call in case.calls],
        "statements": [_statement(one, configuration) for one in explanation.considered] if explanation else [],
        "not_compared": explanation.never if explanation else len(configuration.policy.rules),
    }


def _statement(considered: Considered, configuration: Configuration) -> dict[str, object]:
    stuck = considered.stuck
    return {
        "line": configuration.line(considered.rule.statement.offset),
        "expression": expression_text(considered.rule.statement.expression),
        "account": considered.account,
        "alias": considered.alias or None,
        "count": considered.count,
        "counted": considered.counted,
        "readings": [_reading(reading) for reading in considered.readings],
        "mismatch": stuck and {"place": stuck.position, "expected": _expected(stuck)},
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
