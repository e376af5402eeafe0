"""A bounded cache for what repeats between statements."""

from __future__ import annotations

from typing import TypeVar

MOST = 1024
"""Entries that a cache holds at most."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedMemo(dict[_Key, _Value]):
    """A dictionary that is emptied when it is full; entries that repeat often are soon back."""

    def __setitem__(self, key: _Key, value: _Value) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(key, value)
