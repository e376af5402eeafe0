"""The check of a configuration's ``EXPECT`` statements against the answers of its tables."""

from __future__ import annotations

from collections.abc import Callable

from trualias.configuration import ConfigurationErrors
from trualias.configuration.tables import Table
from trualias.language.tree import ExpectedAnswer, Name
from trualias.lookup.answers import describe
from trualias.lookup.snapshot import Snapshot
from trualias.matching.outcome import Ambiguous, Found, NotFound


def check_expectations(snapshot: Snapshot, pause: Callable[[], None] = lambda: None) -> None:
    """Look up every address that the configuration has an expectation of, and compare the answers.

    An address with ``@`` is looked up in the virtual table, any other in the local-part table. ``pause`` is called
    after each.

    Raises:
        ConfigurationErrors: some are not met; it has one error for each, at the offset of its address.
    """
    configuration = snapshot.configuration
    errors = []
    for expectation in configuration.expectations:
        for address in expectation.addresses:
            actual = _unexpected_answer(snapshot, address.text, expectation.answer)
            if actual:
                expected = (
                    expectation.answer.value
                    if isinstance(expectation.answer, ExpectedAnswer)
                    else expectation.answer.text
                )
                message = f"'{address.text}' is expected to give {expected}, but {actual}"
                errors.append(configuration.error(address.offset, message))
            pause()
    if errors:
        raise ConfigurationErrors(errors)


def _unexpected_answer(snapshot: Snapshot, key: str, expected: Name | ExpectedAnswer) -> str:
    """Describe the answer to a key; return an empty text if it is the expected one."""
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
