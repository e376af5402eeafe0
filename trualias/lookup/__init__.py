"""What a table answers to a key: no bytes, no sockets."""

from trualias.lookup.answers import (
    Ambiguous,
    Answer,
    Found,
    Hooks,
    Lookup,
    NotFound,
    OverBudget,
    Reason,
    Replies,
    Snapshot,
    Snapshots,
    TableLookup,
    Unanswerable,
    VirtualLookup,
)

__all__ = [
    "Ambiguous",
    "Answer",
    "Found",
    "Hooks",
    "Lookup",
    "NotFound",
    "OverBudget",
    "Reason",
    "Replies",
    "Snapshot",
    "Snapshots",
    "TableLookup",
    "Unanswerable",
    "VirtualLookup",
]
