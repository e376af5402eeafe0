"""The output of ``trualias alias`` for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.commands.dates import local_time, rfc3339
from trualias.commands.output import console, show, table_of, write_json
from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.messages import escaped, number_of
from trualias.store.interface import Entry, TrailLine

_DESCRIPTIONS = {
    AliasState.ACTIVE: "active",
    AliasState.QUIET: "paused, its mail is discarded",
    AliasState.DEFER: "paused, its mail is deferred",
    AliasState.REFUSE: "paused, its mail is refused",
    AliasState.REVOKED: "revoked",
}


def describe_state(state: AliasState) -> str:
    """Return a state in words."""
    return _DESCRIPTIONS[state]


def state_name(state: AliasState) -> str:
    """Return the name of a state, without the answer of a pause."""
    return "paused" if state.is_paused else state.value


def describe_lock(lock: Lock) -> str:
    """Return a lock in words."""
    return f"locked to {', '.join(lock.senders)}" if lock.senders else "locked to the sender of its next mail"


def print_entries(entries: Sequence[Entry], terminal: Terminal, *, as_json: bool) -> None:
    """Print the aliases, one a line."""
    if as_json:
        write_json(terminal.output, [_entry_json(entry) for entry in entries])
        return
    rows = table_of("alias", "state", "since", "note")
    for entry in entries:
        rows.add_row(
            escaped(entry.address), describe_state(entry.state), local_time(entry.changed), escaped(entry.note)
        )
    if entries:
        show(console(terminal.output), rows)


def print_entry(
    address: str,
    entry: Entry | None,
    trail: Sequence[TrailLine],
    others: Sequence[tuple[str, Entry]],
    terminal: Terminal,
    *,
    as_json: bool,
) -> None:
    """Print an alias, its states elsewhere, and its changes; the entry is None if only those elsewhere are known."""
    if as_json:
        unknown = {
            "address": address,
            **_state_json(AliasState.ACTIVE),
            "changed": None,
            "resumes": None,
            "expires": None,
            "expires_after": None,
            "expires_idle": None,
            "lock": None,
            "note": "",
        }
        found = unknown if entry is None else _entry_json(entry)
        elsewhere = [
            {"domain": where, **_state_json(other.state), "lock": _lock_json(other.lock)} for where, other in others
        ]
        write_json(terminal.output, {**found, "elsewhere": elsewhere, "trail": [_trail_json(line) for line in trail]})
        return
    lines = [f"{address} is active" if entry is None else f"{entry.address} is {describe_state(entry.state)}"]
    if entry is not None and entry.resumes is not None:
        lines.append(f"  active again at {local_time(entry.resumes)}")
    if entry is not None and entry.expires is not None:
        lines.append(f"  expires at {local_time(entry.expires)}")
    if entry is not None and entry.expires_after is not None:
        lines.append(f"  expires after {number_of(entry.expires_after, 'accepted mail')}")
    if entry is not None and entry.expires_idle is not None:
        lines.append(f"  expires after {number_of(entry.expires_idle, 'day')} without mail")
    if entry is not None and entry.lock is not None:
        lines.append(f"  {describe_lock(entry.lock)}")
    for where, other in others:
        locked = "" if other.lock is None else f", {describe_lock(other.lock)}"
        lines.append(f"  for {where} it is {describe_state(other.state)}{locked}")
    if entry is not None and entry.note:
        lines.append(f"  note: {entry.note}")
    for line in trail:
        after = "forgotten" if line.after is None else describe_state(line.after)
        lines.append(f"  {local_time(line.at)}  {after}, by {line.actor}{': ' if line.note else ''}{line.note}")
    for text in lines:
        terminal.output.write(f"{escaped(text)}\n")


def _entry_json(entry: Entry) -> dict[str, object]:
    return {
        "address": entry.address,
        **_state_json(entry.state),
        "changed": rfc3339(entry.changed),
        "resumes": None if entry.resumes is None else rfc3339(entry.resumes),
        "expires": None if entry.expires is None else rfc3339(entry.expires),
        "expires_after": entry.expires_after,
        "expires_idle": entry.expires_idle,
        "lock": _lock_json(entry.lock),
        "note": entry.note,
    }


def _state_json(state: AliasState) -> dict[str, object]:
    return {"state": state_name(state), "answer": state.value if state.is_paused else None}


def _lock_json(lock: Lock | None) -> dict[str, object] | None:
    return None if lock is None else {"senders": list(lock.senders), "first": lock.first}


def _trail_json(line: TrailLine) -> dict[str, object]:
    return {
        "at": rfc3339(line.at),
        "by": line.actor,
        "from": line.before and line.before.value,
        "to": line.after and line.after.value,
        "note": line.note,
    }
