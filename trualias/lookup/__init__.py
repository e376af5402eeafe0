"""What a table answers to a key: no bytes, no sockets."""

from trualias.lookup.answers import (
    Ambiguous,
    Answer,
    CurrentSnapshot,
    Found,
    Hooks,
    Lookup,
    NotFound,
    OverBudget,
    Reason,
    Replies,
    Snapshot,
    TableLookup,
    Unanswerable,
    VirtualLookup,
)

__all__ = [
    "Ambiguous",
    "Answer",
    "CurrentSnapshot",
    "Found",
    "Hooks",
    "Lookup",
    "NotFound",
    "OverBudget",
    "Reason",
    "Replies",
    "Snapshot",
    "TableLookup",
    "Unanswerable",
    "VirtualLookup",
]
