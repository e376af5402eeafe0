"""The output of ``trualias compose``, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from attrs import frozen

from trualias.analysis.composition import Target
from trualias.commands.output import Output, place
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration
from trualias.lookup import Ambiguous, Answer, BudgetExceeded, Deferred, Found, NotFound, NotFoundReason, describe


@frozen
class TargetResult:
    """The result for one target: an address with the value that a lookup answers, or a remark on why there is none.

    An address may have a remark, too.
    """

    target: Target
    address: str = ""
    value: str = ""
    spelled: str = ""
    remark: str = ""


def describe_failure(answer: Answer) -> str:
    """Describe an answer other than the target's account, as a predicate whose subject is the address."""
    match answer:
        case Found(is_kept=True):
            return f"{describe(answer)}; try other words"
        case Found(value):
            return f"goes to {value}, because a hook changes it"
        case NotFound(NotFoundReason.REFUSED):
            return "is not found, because REFUSE takes it back; try other words"
        case NotFound(NotFoundReason.REVOKED):
            return "is revoked or paused; try other words"
        case NotFound(NotFoundReason.REFUSED_BY_HOOK):
            return "is not found, because a hook refuses it"
        case NotFound():
            return "is not found, because a hook changes it"
        case Ambiguous() | BudgetExceeded() | Deferred():
            return f"{describe(answer)}; try other words"
        case _:
            assert_never(answer)


def remark_on_dots(local_part: str) -> str:
    """Return a remark on a local part that is not a dot-atom, empty for others."""
    if ".." in local_part or local_part[0] == "." or local_part[-1] == ".":
        return "other mail servers may refuse it, because of its dots (RFC 5322, section 3.2.3)"
    return ""


def print_results(
    configuration: Configuration, results: Sequence[TargetResult], spell: bool, terminal: Terminal
) -> None:
    """Print the addresses to standard output, and the distinct remarks to standard error."""
    out, errors = Output(terminal.output), Output(terminal.errors)
    for result in results:
        if result.value:
            out.print(result.address, style="bold green", folded=False)
            if spell:
                out.print(f"  {result.spelled}")
    remarks: dict[str, None] = {}
    for result in results:
        if result.remark:
            statement = f"statement at {configuration.line_text(result.target.rule.statement.offset)}"
            remarks[f"{statement}: {f'{result.address}: ' if result.address else ''}{result.remark}"] = None
    for remark in remarks:
        errors.print(remark)


def for_programs(configuration: Configuration, results: Sequence[TargetResult]) -> dict[str, object]:
    """Return all results, to be written as JSON."""
    return {
        "configuration": configuration.name,
        "statements": [
            {
                **place(configuration, result.target.rule.statement.offset),
                "account": result.target.account,
                "alias": result.target.alias or None,
                "address": result.address or None,
                "value": result.value or None,
                "spelled": result.spelled or None,
                "remark": result.remark or None,
            }
            for result in results
        ],
    }
