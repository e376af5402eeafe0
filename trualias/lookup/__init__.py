"""Tables, from a lookup key to an answer: no bytes, no sockets."""

from trualias.lookup.answers import Answer, Deferred, DeferredReason, describe
from trualias.lookup.snapshot import CurrentSnapshot, Snapshot
from trualias.lookup.tables import Hooks, LocalPartLookup, Lookup, Unanswerable, VirtualLookup
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, NotFoundReason

__all__ = [
    "Ambiguous",
    "Answer",
    "BudgetExceeded",
    "CurrentSnapshot",
    "Deferred",
    "DeferredReason",
    "Found",
    "Hooks",
    "LocalPartLookup",
    "Lookup",
    "NotFound",
    "NotFoundReason",
    "Snapshot",
    "Unanswerable",
    "VirtualLookup",
    "describe",
]
