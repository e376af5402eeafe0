"""What repeats between statements is worked out once, and remembered for a while."""

from __future__ import annotations

from typing import TypeVar

MOST = 1024
"""How much of one kind is remembered."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedMemo(dict[_Key, _Value]):
    """A dictionary that is emptied when it is full: what repeats often is soon there again."""

    def __setitem__(self, key: _Key, value: _Value) -> None:
        if len(self) >= MOST:
            self.clear()
        super().__setitem__(key, value)
