"""The check of a configuration's ``EXPECT`` statements against the answers of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from attrs import evolve

from trualias.configuration import ConfigurationErrors, PolicyError
from trualias.configuration.tables import Table
from trualias.language.addresses import split_address
from trualias.language.domains import fold_domain
from trualias.language.name_list import Name
from trualias.language.source import MOST_ERRORS
from trualias.language.tree import ExpectedAnswer
from trualias.lookup.answers import describe, describe_hook_exception
from trualias.lookup.snapshot import Snapshot
from trualias.lookup.tables import Lookup, VirtualLookup
from trualias.matching.outcome import Ambiguous, Found, NotFound
from trualias.messages import printable, quoted


def check_expectations(snapshot: Snapshot, pause: Callable[[], None] = lambda: None) -> None:
    """Look up every address that the configuration has an expectation of, and compare the answers.

    An address with ``@`` is looked up in the virtual table, as if there were no ``DELIVER`` statements, any other in
    the local-part table. ``pause`` is called after each. The check stops after more than ``MOST_ERRORS`` errors.

    Raises:
        ConfigurationErrors: some are not met; it has one error for each, at the offset of its address.
    """
    errors = list(islice(_unmet(snapshot, pause), MOST_ERRORS + 1))
    if errors:
        raise ConfigurationErrors(errors)


def _unmet(snapshot: Snapshot, pause: Callable[[], None]) -> Iterator[PolicyError]:
    virtual = snapshot.tables[Table.VIRTUAL]
    if isinstance(virtual, VirtualLookup):
        virtual = evolve(virtual, deliveries=None)
    for expectation in snapshot.configuration.expectations:
        answer = expectation.answer
        for address in expectation.addresses:
            lookup = virtual if "@" in address.text else snapshot.tables[Table.LOCAL_PART]
            actual = _unexpected_answer(lookup, address.text, answer)
            if actual:
                expected = answer.value if isinstance(answer, ExpectedAnswer) else printable(answer.text)
                message = f"{quoted(address.text)} is expected to give {expected}, but {actual}"
                message += _hint(snapshot, address.text)
                yield snapshot.configuration.error(address.offset, message)
            pause()


def _hint(snapshot: Snapshot, address: str) -> str:
    """Say that a retired statement accepts an address; without the hook ``preprocess``, which may have changed it."""
    retired = snapshot.configuration.policy.retired
    local_part, domain = split_address(address)
    if retired is None or not retired.accepting(local_part, None if domain is None else fold_domain(domain)):
        return ""
    return "; a RETIRED statement accepts it, which EXPECT does not count: it never asks the store"


def _unexpected_answer(lookup: Lookup, key: str, expected: Name | ExpectedAnswer) -> str:
    """Describe the answer to a key; return an empty text if it is the expected one."""
    try:
        answer = lookup(key)
    except Exception as error:
        return describe_hook_exception(error)
    match answer:
        case Found(value, account):
            if isinstance(expected, Name) and expected.text in (value, value.rpartition("@")[0]):
                return ""
            is_account = account in (value.rpartition("@")[0], value)
            return f"it gives {printable(value)}" + ("" if is_account else f" (account {printable(account)})")
        case NotFound() if expected is ExpectedAnswer.NOTHING:
            return ""
        case Ambiguous(_, value) if expected is (ExpectedAnswer.NOTHING if value is None else ExpectedAnswer.DEBUG):
            return ""
        case _:
            return f"it {describe(answer)}"
