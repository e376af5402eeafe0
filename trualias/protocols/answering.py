"""Asks a lookup on behalf of a client: whatever happens becomes an answer, and the log hears of what is remarkable."""

from __future__ import annotations

from typing import assert_never

from attrs import frozen

from trualias.log import logger
from trualias.lookup import Ambiguous, Answer, Found, Lookup, NotFound, OverBudget
from trualias.lookup.hooks import is_from_hook

_log = logger(__name__)


@frozen
class Fault:
    """The lookup raised; the log has the traceback. Something that may pass, so never a "not found".

    ``in_hook`` tells that it was the PROCESSOR module that failed.
    """

    in_hook: bool = False


def lookup_safely(lookup: Lookup, key: str) -> Answer | Fault:
    """Look up a key; whatever a hook raises, ``SystemExit`` as well, is a `Fault`. Only KeyboardInterrupt goes on."""
    try:
        answer = lookup(key)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _log.failure("the lookup of {key!r} failed; the client is told to try again later", key=key)
        return Fault(in_hook=is_from_hook(error))
    match answer:
        case NotFound():
            pass
        case Found() as found:
            if found.readings > 1:
                _log.warn("{key} can be read in several ways, all of account {account}", key=key, account=found.account)
        case Ambiguous(accounts, value):
            _log.warn(
                "{key} verifies for several accounts ({accounts}): {consequence}",
                key=key,
                accounts=", ".join(accounts),
                consequence="not found, as no DEBUG ACCOUNT is set" if value is None else f"goes to {value}",
            )
        case OverBudget():
            _log.warn(
                "the lookup of {key} took too many steps and was given up; the client is told to try again later",
                key=key,
            )
        case _:
            assert_never(answer)
    return answer
