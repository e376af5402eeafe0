"""A bounded cache of a function's results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_MOST = 32_768


class FunctionCache(dict[_K, _V]):
    """The results of a function of one argument, by the argument; it is emptied when it has ``most`` of them."""

    def __init__(self, function: Callable[[_K], _V], most: int = _MOST) -> None:
        super().__init__()
        self._function = function
        self._most = most

    def __missing__(self, argument: _K) -> _V:
        if len(self) >= self._most:
            self.clear()
        result = self[argument] = self._function(argument)
        return result
