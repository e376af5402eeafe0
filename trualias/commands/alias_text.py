"""The output of ``trualias alias`` for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from trualias.commands.dates import local_day, local_time, rfc3339, rfc3339_or_none
from trualias.commands.output import Columns, write_items, write_json, write_json_array
from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.messages import escaped, number_of
from trualias.store.records import Entry, Sender, TrailLine

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


_COLUMNS: Columns[Entry] = {
    "alias": (0, lambda entry: entry.address),
    "account": (100, lambda entry: entry.account),
    "state": (0, lambda entry: _short_state(entry)),
    "first mail": (120, lambda entry: local_day(entry.first_seen)),
    "last mail": (60, lambda entry: local_day(entry.last_seen)),
    "accepted": (80, lambda entry: str(entry.accepted)),
    "refused": (120, lambda entry: str(entry.refused)),
    "senders": (100, lambda entry: str(entry.senders)),
    "note": (80, lambda entry: entry.note),
}


def _short_state(entry: Entry) -> str:
    """Return the state of an alias for a list, where the answer of a pause is one word."""
    state = f"paused, {entry.state.value}" if entry.state.is_paused else entry.state.value
    return state if entry.lock is None else f"{state}, locked"


def print_entries(entries: Iterable[Entry], terminal: Terminal, *, as_json: bool) -> None:
    """Print the aliases, one a line."""
    if as_json:
        write_json_array(terminal.output, map(entry_json, entries))
        return
    write_items(terminal.output, _COLUMNS, entries)


@frozen
class Card:
    """The card of an alias: its entry, its states elsewhere, its senders and its changes.

    ``entry`` is None if only what is elsewhere is known.
    """

    address: str
    entry: Entry | None
    others: Sequence[tuple[str, Entry]]
    senders: Sequence[Sender]
    trail: Sequence[TrailLine]


def print_card(card: Card, terminal: Terminal, *, as_json: bool) -> None:
    """Print what is known of an alias."""
    if as_json:
        write_json(terminal.output, _card_json(card))
        return
    entry = card.entry
    lines = [f"{card.address} is active" if entry is None else f"{entry.address} is {describe_state(entry.state)}"]
    if entry is not None:
        lines += [f"  {text}" for text in _facts(entry)]
    for where, other in card.others:
        locked = "" if other.lock is None else f", {describe_lock(other.lock)}"
        lines.append(f"  for {where} it is {describe_state(other.state)}{locked}")
    if entry is not None and entry.note:
        lines.append(f"  note: {entry.note}")
    if card.senders:
        lines.append(f"  {number_of(len(card.senders), 'sender')}:")
    for sender in card.senders:
        mails = f"{sender.accepted} accepted" + (f", {sender.refused} refused" if sender.refused else "")
        stranger = "" if sender.expected else ", a stranger"
        days = f"{local_day(sender.first_seen)} to {local_day(sender.last_seen)}"
        lines.append(f"    {sender_name(sender)}: {days}, {mails}{stranger}")
    for line in card.trail:
        after = "forgotten" if line.after is None else describe_state(line.after)
        lines.append(f"  {local_time(line.at)}  {after}, by {line.actor}{': ' if line.note else ''}{line.note}")
    for text in lines:
        terminal.output.write(f"{escaped(text)}\n")


def _facts(entry: Entry) -> Iterator[str]:
    """Yield what the card of an alias says of its account, its mail, and the times to come."""
    if entry.account:
        kept = ", for which it is kept" if entry.kept else ""
        yield f"account: {entry.account}{kept}"
    if entry.words:
        yield f"made for: {', '.join(entry.words)}"
    if entry.first_seen is not None and entry.last_seen is not None:
        yield f"first mail: {local_time(entry.first_seen)}"
        yield f"last mail: {local_time(entry.last_seen)}"
    if entry.accepted or entry.refused:
        yield f"{number_of(entry.accepted, 'mail')} accepted, {entry.refused} refused"
    if entry.resumes is not None:
        yield f"active again at {local_time(entry.resumes)}"
    if entry.expires is not None:
        yield f"expires at {local_time(entry.expires)}"
    if entry.expires_after is not None:
        yield f"expires after {number_of(entry.expires_after, 'accepted mail')}"
    if entry.expires_idle is not None:
        yield f"expires after {number_of(entry.expires_idle, 'day')} without mail"
    if entry.lock is not None:
        yield describe_lock(entry.lock)


def _card_json(card: Card) -> dict[str, object]:
    """Return what is known of an alias for programs."""
    entry = card.entry or Entry(card.address, card.address, AliasState.ACTIVE, "", 0)
    known: dict[str, object] = {} if card.entry else {"origin": None, "created": None, "changed": None}
    elsewhere = [
        {"domain": where, **state_json(other.state), "lock": lock_json(other.lock)} for where, other in card.others
    ]
    return {
        **entry_json(entry),
        **known,
        "senders": [sender_json(sender) for sender in card.senders],
        "elsewhere": elsewhere,
        "trail": [_trail_json(line) for line in card.trail],
    }


def entry_json(entry: Entry) -> dict[str, object]:
    """Return an alias for programs."""
    return {
        "address": entry.address,
        "account": entry.account or None,
        **state_json(entry.state),
        "origin": entry.origin.value,
        "kept": entry.kept,
        "words": list(entry.words),
        "created": rfc3339(entry.created),
        "changed": rfc3339(entry.changed),
        "first_seen": rfc3339_or_none(entry.first_seen),
        "last_seen": rfc3339_or_none(entry.last_seen),
        "accepted": entry.accepted,
        "refused": entry.refused,
        "senders": entry.senders,
        "resumes": rfc3339_or_none(entry.resumes),
        "expires": rfc3339_or_none(entry.expires),
        "expires_after": entry.expires_after,
        "expires_idle": entry.expires_idle,
        "lock": lock_json(entry.lock),
        "note": entry.note,
    }


def sender_name(sender: Sender) -> str:
    """Return a sender for people; the null sender is ``<>``, as in the logs of mail servers."""
    return sender.sender or "<>"


def sender_json(sender: Sender) -> dict[str, object]:
    """Return a sender for programs."""
    return {
        "sender": sender.sender,
        "first_seen": rfc3339(sender.first_seen),
        "last_seen": rfc3339(sender.last_seen),
        "accepted": sender.accepted,
        "refused": sender.refused,
        "expected": sender.expected,
    }


def state_json(state: AliasState) -> dict[str, object]:
    """Return a state for programs, with the answer of a pause."""
    return {"state": state_name(state), "answer": state.value if state.is_paused else None}


def lock_json(lock: Lock | None) -> dict[str, object] | None:
    """Return a lock for programs."""
    return None if lock is None else {"senders": list(lock.senders), "first": lock.first}


def _trail_json(line: TrailLine) -> dict[str, object]:
    return {
        "at": rfc3339(line.at),
        "by": line.actor,
        "from": line.before and line.before.value,
        "to": line.after and line.after.value,
        "note": line.note,
    }
