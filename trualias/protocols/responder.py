"""From a request for a key to its reply, in the form of a protocol, and as what it counts."""

from __future__ import annotations

from trualias.log import logger
from trualias.lookup import Ambiguous, Found, Lookup, NotFound, OverBudget, Reason, Replies
from trualias.monitoring.counters import RequestCounters, Result
from trualias.monitoring.statistics import Outcome
from trualias.protocols import wire
from trualias.protocols.answering import Fault, lookup_safely
from trualias.protocols.reply import Reply

_log = logger(__name__)

_RESULTS = {
    Reason.NO_MATCH: Result.NO_SHAPE,
    Reason.NO_DOMAIN: Result.NO_DOMAIN,
    Reason.FOREIGN_DOMAIN: Result.FOREIGN_DOMAIN,
}


class Responder:
    """Replies in one form. ``tally`` counts them for the metrics; None where there are none."""

    __slots__ = ("_faults", "_form", "_not_found", "_tally")

    def __init__(self, form: wire.Form, tally: RequestCounters | None) -> None:
        self._form = form
        self._tally = tally
        self._not_found = {
            reason: self.make(form.not_found, Outcome.NOT_FOUND, result) for reason, result in _RESULTS.items()
        }
        self._faults = {
            result: self.make(form.fault, Outcome.BAD, result)
            for result in (Result.FAULT, Result.HOOK, Result.OVER_BUDGET)
        }

    def make(self, octets: bytes, outcome: Outcome, result: Result, near: tuple[str, ...] = ()) -> Reply:
        """Make a reply that counts as an outcome and a result, and as a wrong code of the accounts that are near."""
        tally = self._tally
        if tally is None:
            return Reply(octets, outcome)
        return Reply(octets, outcome, tally, tally.buckets[result], tuple(map(tally.wrong_codes.number, near)))

    def reply(self, request: bytes, key: str, lookup: Lookup, replies: Replies) -> Reply:
        """Give the reply to a request for a key, the one that was given before where that is known."""
        known = replies.get(request)
        if known is not None:
            return known
        match lookup_safely(lookup, key):
            case NotFound() as missing:
                reply = (
                    self._wrong_code(missing.near_misses, replies)
                    if missing.near_misses
                    else self._not_found[missing.reason]
                )
                replies.keep(request, reply)
                return reply
            case Found() as found:
                reply = self._found(found.value, replies)
                if found.readings == 1 and reply.outcome is Outcome.SUCCESS:
                    replies.keep(request, reply)
                return reply
            case Ambiguous(_, value):
                if value is None:
                    return self.make(self._form.not_found, Outcome.NOT_FOUND, Result.AMBIGUOUS)
                return self._value(value, Result.AMBIGUOUS)
            case OverBudget():
                return self._faults[Result.OVER_BUDGET]
            case Fault(in_hook):
                return self._faults[Result.HOOK if in_hook else Result.FAULT]

    def _wrong_code(self, near: tuple[str, ...], replies: Replies) -> Reply:
        reply = replies.shared.get((self, near))
        if reply is None:
            reply = self.make(self._form.not_found, Outcome.NOT_FOUND, Result.WRONG_CODE, near)
            replies.shared[self, near] = reply
        return reply

    def _found(self, value: str, replies: Replies) -> Reply:
        reply = replies.shared.get((self, value))
        if reply is None:
            reply = self._value(value, Result.FOUND)
            if reply.outcome is Outcome.SUCCESS:
                replies.shared[self, value] = reply
        return reply

    def _value(self, value: str, result: Result) -> Reply:
        try:
            return self.make(self._form.found(value), Outcome.SUCCESS, result)
        except wire.Unsendable as error:
            _log.error("a value was not answered: {error}", error=str(error))
            return self._faults[Result.FAULT]
