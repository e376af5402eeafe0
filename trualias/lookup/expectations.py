"""The answers that a configuration says it must give: its ``EXPECT`` statements, held against what it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from trualias.configuration import ConfigurationErrors
from trualias.language.source import one_of
from trualias.language.tree import Answer as Expected
from trualias.language.tree import Name
from trualias.lookup import Ambiguous, Answer, Found, NotFound, OverBudget, Reason, Snapshot


def check_expectations(snapshot: Snapshot, pause: Callable[[], None] = lambda: None) -> None:
    """Ask for every address that the configuration has an expectation of: with ``@`` as the virtual server would be
    asked, otherwise as the table server. ``pause`` is called after each.

    Raises:
        ConfigurationErrors: some are not met; it has all of them, each at the place of its address.
    """
    configuration = snapshot.configuration
    errors = []
    for expectation in configuration.expectations:
        for address in expectation.addresses:
            came = _disappointment(snapshot, address.text, expectation.answer)
            if came:
                wanted = (
                    expectation.answer.value if isinstance(expectation.answer, Expected) else expectation.answer.text
                )
                message = f"'{address.text}' is expected to give {wanted}, but {came}"
                errors.append(configuration.error(address.offset, message))
            pause()
    if errors:
        raise ConfigurationErrors(errors)


def _disappointment(snapshot: Snapshot, key: str, expected: Name | Expected) -> str:
    """What came instead of what was expected, and why; empty where it did come."""
    lookup = snapshot.virtual if "@" in key else snapshot.table
    try:
        answer = lookup(key)
    except Exception as error:
        return f"a hook raised {type(error).__name__}: {error}".replace("\n", " ")
    return "" if _meets(answer, expected) else _told(answer)


def _meets(answer: Answer, expected: Name | Expected) -> bool:
    match answer:
        case Found(value):
            return isinstance(expected, Name) and expected.text in (value, value.rpartition("@")[0])
        case NotFound():
            return expected is Expected.NOTHING
        case Ambiguous(_, value):
            return expected is (Expected.NOTHING if value is None else Expected.DEBUG)
        case OverBudget():
            return False
        case _:
            assert_never(answer)


def _told(answer: Answer) -> str:
    match answer:
        case Found(value, account):
            through = "" if account == value.rpartition("@")[0] or account == value else f" (account {account})"
            return f"it gives {value}{through}"
        case NotFound(Reason.NO_MATCH, near_misses) if near_misses:
            accounts = one_of(sorted(set(near_misses)))
            return f"it is not found: it has the shape of an alias of {accounts}, but its code is wrong"
        case NotFound(reason):
            return f"it is not found: {reason.value}"
        case Ambiguous(accounts, value):
            goes = "no DEBUG ACCOUNT is set, so it is not found" if value is None else f"it gives {value} (DEBUG)"
            return f"it verifies for several accounts ({', '.join(accounts)}): {goes}"
        case OverBudget():
            return "the lookup took too many steps"
        case _:
            assert_never(answer)
