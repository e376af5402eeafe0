"""The release of a PROCESSOR module without a garbage collection.

A module's functions refer to its namespace, which refers to them. A collection would find these cycles among the
millions of objects of a large configuration, and stop all threads meanwhile: 94 ms for 30,000 statements, 296 ms for
100,000. The cycles of a module that has functions and plain data alone are broken here instead.
"""

import gc
import sys
from collections import defaultdict
from functools import cache
from types import CellType, FunctionType, ModuleType

_EMPTIED = (dict, list, set)
_CONTAINERS = (*_EMPTIED, tuple, frozenset, CellType, type(cache(len)))

_WITHOUT_CYCLES = frozenset(
    ["builtins", "types", "typing", "re", "pathlib", "pathlib._local", "ipaddress", "decimal", "_thread", "logging"]
)
"""Modules whose objects are in no cycle, or have references to what is examined here; loggers are never freed."""


def release_namespace(last_references: list[dict[str, object]]) -> bool:
    """Empty the namespace in a list and the data in it, so that all are freed; return False, and do nothing, if unsure.

    The list has the last reference to the namespace. Unsure are a reference from elsewhere, as that of a running
    function, and what can be in a cycle that cannot be broken, as a class and an object of one.
    """
    owned: list[object] = []
    if not _find_owned(last_references.pop(), owned) or _are_referred_to(owned):
        return False
    for each in owned:
        if isinstance(each, _EMPTIED):
            each.clear()
        elif isinstance(each, CellType):
            del each.cell_contents
    return True


def _find_owned(namespace: dict[str, object], owned: list[object]) -> bool:
    """Put the namespace, its functions and the data that refer to other objects into a list; return False if unsure."""
    owned.append(namespace)
    seen = {id(namespace), *(id(namespace.get(name)) for name in ("__builtins__", "__loader__", "__spec__"))}
    for owner in owned:  # which grows
        for each in gc.get_referents(owner):
            if id(each) in seen or not gc.is_tracked(each):
                continue
            seen.add(id(each))
            kind = type(each)
            if kind is FunctionType:
                if each.__globals__ is namespace:
                    owned.append(each)
            elif kind in _CONTAINERS:
                # What refers to no other object is in no cycle, and others may use it. `map` would let no thread run.
                if any(gc.is_tracked(referent) for referent in gc.get_referents(each)):
                    owned.append(each)
            elif isinstance(each, type):
                if each.__module__ == namespace.get("__name__"):
                    return False
            elif kind is not ModuleType and kind.__module__ not in _WITHOUT_CYCLES:
                return False
    return True


def _are_referred_to(owned: list[object]) -> bool:
    """Return whether an object outside of a list refers to one in it."""
    inner = _inner_references(owned)
    # An object that nothing but the list refers to shows how many references the count itself makes.
    owned.append([])
    outer = [sys.getrefcount(each) - inner[id(each)] for each in owned]
    return max(outer) > outer[-1]


def _inner_references(owned: list[object]) -> defaultdict[int, int]:
    """Return how often the objects in a list refer to each object, by its id; in a function, which keeps none."""
    inner: defaultdict[int, int] = defaultdict(int)
    for each in owned:
        for referent in gc.get_referents(each):
            inner[id(referent)] += 1
    return inner
