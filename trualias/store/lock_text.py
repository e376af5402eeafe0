"""Locks as a store and the copy of its states have them: a list of JSON, the senders after whether it waits for one."""

from __future__ import annotations

import json

from trualias.lookup.locks import Lock


def encode_lock(lock: Lock | None) -> str | None:
    """Return a lock as text; None for none."""
    return None if lock is None else json.dumps([lock.first, *lock.senders])


def decode_lock(text: str) -> Lock:
    """Return the lock of a text; raise `ValueError` for a text that is none."""
    first, *senders = json.loads(text)
    return Lock(tuple(senders), bool(first))
