"""The aliases that a store knows."""

from __future__ import annotations

from collections.abc import Iterable


class KnownAliases:
    """The keys of the aliases that a store knows, in whatever state.

    One thread fills it while others ask. ``is_complete`` is False until a store was read: before that, an alias that is
    missing may be a known one.
    """

    __slots__ = ("_keys", "is_complete")

    def __init__(self, keys: Iterable[str] = (), *, is_complete: bool = False) -> None:
        self._keys = set(keys)
        self.is_complete = is_complete

    def __len__(self) -> int:
        """Return the number of known aliases."""
        return len(self._keys)

    def has(self, local_part: str, domain: str) -> bool:
        """Return whether an alias is known in a domain or in all domains; both are in lower case."""
        keys = self._keys
        return f"{local_part}@{domain}" in keys or f"{local_part}@" in keys

    def clear(self) -> None:
        """Forget all of them, until the store is read again."""
        self.is_complete = False
        self._keys.clear()

    def put(self, key: str, *, is_known: bool) -> None:
        """Add an alias that became known, or remove one that was forgotten."""
        if is_known:
            self._keys.add(key)
        else:
            self._keys.discard(key)
