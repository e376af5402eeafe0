"""The copy of the states in force that a server keeps, so that a store which lost them shows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from trualias.lookup.alias_states import RECORDS, AliasKey, AliasRecord, AliasState, AliasStates
from trualias.state_files import name_of
from trualias.store.lock_text import decode_lock, encode_lock
from trualias.store.records import Position

_FORMAT = 2

_READABLE = (1, 2)
"""Format 1 has states alone."""

_RECORDS = {state.value: record for state, record in RECORDS.items()}


class UnusableStatesCopy(Exception):
    """A copy is damaged or cannot be read; ``str()`` is the reason."""


@frozen(eq=False, repr=False)
class StatesCopy:
    """The states of the store at ``path`` at a position."""

    path: str
    position: Position
    states: AliasStates


def copy_file_name(table: str, path: str) -> str:
    """Return the name of the copy, in the state directory, of the server of a table with the store at an absolute path.

    Servers of one table with different stores have different copies.
    """
    return f"{_PREFIX}{table}-{name_of(path)}{_SUFFIX}"


def related_copies(copy: str) -> list[str]:
    """Return the paths of other copies in the folder of a copy: those of its store, and those of its table.

    Where there is one, a store that is missing could be a lost one, or was named otherwise before. Raises OSError.
    """
    folder, name = os.path.split(copy)
    table, _, store = name.removeprefix(_PREFIX).rpartition("-")
    return [
        os.path.join(folder, other)
        for other in sorted(os.listdir(folder))
        if other != name
        and other.endswith(_SUFFIX)
        and (other.startswith(f"{_PREFIX}{table}-") or (other.startswith(_PREFIX) and other.endswith(f"-{store}")))
    ]


_PREFIX = "alias-states-"
_SUFFIX = ".jsonl"


def encode(copy: StatesCopy, pause: Callable[[], None] = lambda: None) -> bytes:
    """Encode a copy: a line of JSON for each alias, between a head and the digest of all; ``pause`` is called often."""
    content = bytearray()
    digest = hashlib.sha256()
    for number, line in enumerate(_lines(copy)):
        content += line
        digest.update(line)
        if number % 1_000 == 0:
            pause()
    content += f"{digest.hexdigest()}\n".encode("ascii")
    return bytes(content)


def _lines(copy: StatesCopy) -> Iterator[bytes]:
    head = {
        "format": _FORMAT,
        "path": copy.path,
        "identity": copy.position.identity,
        "revision": copy.position.revision,
    }
    yield json.dumps(head).encode("ascii") + b"\n"
    for key, record in copy.states.items():
        state = record.state.value
        if record.kept_for or record.locks or record.has_time:
            locks = [encode_lock(lock) for lock in record.locks]
            line = json.dumps([key, state, record.kept_for, record.expires, record.resumes, *locks]) + "\n"
        elif key.isascii() and key.isprintable() and '"' not in key and "\\" not in key:
            # Nearly all keys need no escapes, and the formatting of a million takes a quarter of the time.
            line = f'["{key}", "{state}"]\n'
        else:
            line = json.dumps([key, state]) + "\n"
        yield line.encode("ascii")


def decode(content: bytes) -> StatesCopy:
    """Decode a copy; raise `UnusableStatesCopy`."""
    body, newline, digest = content.removesuffix(b"\n").rpartition(b"\n")
    if hashlib.sha256(body + newline).hexdigest().encode("ascii") != digest:
        raise UnusableStatesCopy("it is damaged or incomplete")
    first, *lines = body.split(b"\n")
    try:
        head = json.loads(first)
        if head["format"] not in _READABLE:
            raise UnusableStatesCopy("it is of another version of trualias")
        states = AliasStates.collect(map(_record, json.loads(b"[%s]" % b",".join(lines))))
        return StatesCopy(head["path"], Position(head["identity"], head["revision"]), states)
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableStatesCopy("it is of another version of trualias") from error


def _record(line: list[Any]) -> tuple[AliasKey, AliasRecord]:
    if len(line) == 2:
        return line[0], _RECORDS[line[1]]
    key, state, kept_for, expires, resumes, *locks = line
    return key, AliasRecord(AliasState(state), kept_for, tuple(map(decode_lock, locks)), expires, resumes)


def read_states_copy(path: str) -> StatesCopy | None:
    """Read a copy; return None if there is none; raise `UnusableStatesCopy`."""
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableStatesCopy(f"it cannot be read: {error.strerror}") from error
