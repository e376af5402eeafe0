"""From a request for a key to its reply, in the form of a protocol, and as what the metrics count it."""

from __future__ import annotations

from trualias import wire
from trualias.answering import Fault, ask
from trualias.log import logger
from trualias.lookup import Ambiguous, Found, Lookup, NotFound, OverBudget, Reason, Replies
from trualias.tally import Result, Tally

_log = logger(__name__)

_RESULTS = {
    Reason.NO_MATCH: Result.NO_SHAPE,
    Reason.NO_DOMAIN: Result.NO_DOMAIN,
    Reason.FOREIGN_DOMAIN: Result.FOREIGN_DOMAIN,
}


class Replier:
    """Replies in one form. ``tally`` is what counts these replies, None where there are no metrics."""

    __slots__ = ("_form", "tally")

    def __init__(self, form: wire.Form, tally: Tally | None) -> None:
        self._form = form
        self.tally = tally

    def reply(self, request: bytes, key: str, lookup: Lookup, replies: Replies) -> bytes:
        """Give the reply to a request for a key, the one that was given before where that is known."""
        known = replies.get(request)
        if known is not None:
            return known
        form = self._form
        match ask(lookup, key):
            case NotFound() as missing:
                near = missing.near
                reply = self.told(form.not_found, Result.WRONG_CODE if near else _RESULTS[missing.reason], near)
                replies.keep(request, reply)
                return reply
            case Found() as found:
                reply = self._found(found.value, Result.FOUND)
                if found.readings == 1 and reply != form.fault:
                    replies.keep(request, reply)
                return reply
            case Ambiguous(_, value):
                return (
                    self.told(form.not_found, Result.AMBIGUOUS)
                    if value is None
                    else self._found(value, Result.AMBIGUOUS)
                )
            case OverBudget():
                return self.told(form.fault, Result.OVER_BUDGET)
            case Fault(in_hook):
                return self.told(form.fault, Result.HOOK if in_hook else Result.FAULT)

    def told(self, reply: bytes, result: Result, near: tuple[str, ...] = ()) -> bytes:
        """Let a reply tell as what it counts, where that is asked."""
        return reply if self.tally is None else self.tally.tell(reply, result, near)

    def _found(self, value: str, result: Result) -> bytes:
        try:
            return self.told(self._form.found(value), result)
        except wire.Unsendable as error:
            _log.error("a value was not answered: {error}", error=str(error))
            return self.told(self._form.fault, Result.FAULT)
