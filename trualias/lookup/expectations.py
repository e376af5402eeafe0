"""The answers that a configuration says it must give: its ``EXPECT`` statements, held against what it gives."""

from __future__ import annotations

from collections.abc import Callable

from trualias.configuration import ConfigurationErrors
from trualias.configuration.tables import Table
from trualias.language.tree import ExpectedAnswer, Name
from trualias.lookup.answers import describe
from trualias.lookup.snapshot import Snapshot
from trualias.matching.outcome import Ambiguous, Found, NotFound


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
                    expectation.answer.value
                    if isinstance(expectation.answer, ExpectedAnswer)
                    else expectation.answer.text
                )
                message = f"'{address.text}' is expected to give {wanted}, but {came}"
                errors.append(configuration.error(address.offset, message))
            pause()
    if errors:
        raise ConfigurationErrors(errors)


def _disappointment(snapshot: Snapshot, key: str, expected: Name | ExpectedAnswer) -> str:
    """Describe the answer that is not the expected one; empty where it is."""
    lookup = snapshot.tables[Table.VIRTUAL if "@" in key else Table.LOCAL_PART]
    try:
        answer = lookup(key)
    except Exception as error:
        return f"a hook raised {type(error).__name__}: {error}".replace("\n", " ")
    match answer:
        case Found(value, account):
            if isinstance(expected, Name) and expected.text in (value, value.rpartition("@")[0]):
                return ""
            through = "" if account == value.rpartition("@")[0] or account == value else f" (account {account})"
            return f"it gives {value}{through}"
        case NotFound() if expected is ExpectedAnswer.NOTHING:
            return ""
        case Ambiguous(_, value) if expected is (ExpectedAnswer.NOTHING if value is None else ExpectedAnswer.DEBUG):
            return ""
        case _:
            return f"it {describe(answer)}"
