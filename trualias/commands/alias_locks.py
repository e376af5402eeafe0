"""``trualias alias lock`` and ``unlock``: the senders that an alias takes mail from."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from attrs import evolve

from trualias.commands.alias_text import describe_lock, describe_state
from trualias.commands.memory import (
    DONE,
    AddAction,
    Alias,
    Memory,
    Refused,
    has_policy_service,
    other_entries,
    resolve,
    unchanged,
)
from trualias.commands.terminal import Terminal
from trualias.language.domains import fold_domain, is_domain
from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.messages import escaped, quoted

_LONGEST_LOCAL_PART = 64
"""Octets of a sender's local part (RFC 5321, section 4.5.3.1.1)."""


def add_to(add: AddAction) -> None:
    """Declare the actions."""
    address = "foo-macys-m5@example.com"
    locking = add(
        "lock",
        _lock,
        "take mail from some senders alone",
        "Take mail for an alias from some senders alone, in place of those of an earlier lock. The policy service "
        "refuses all others. Bounces, which have no sender, always get in.",
        f"{address} --to macys.com",
    )
    senders = locking.add_mutually_exclusive_group(required=True)
    senders.add_argument(
        "--to",
        metavar="SENDER",
        nargs="+",
        help="the senders: domains, with their subdomains, and addresses",
    )
    senders.add_argument("--first", action="store_true", help="the sender of the next accepted mail")
    unlocking = add("unlock", _unlock, "take mail from all senders", "Take mail from all senders again.", address)
    for action in (locking, unlocking):
        _add_address(action)


def _add_address(action: ArgumentParser) -> None:
    action.add_argument("address", metavar="ADDRESS", help="the alias; with one alias domain, it may be left out")


def _sender(text: str) -> str:
    """Return a sender as locks compare it."""
    local_part, _, domain = text.strip().removesuffix(".").rpartition("@")
    folded = fold_domain(domain)
    is_local_part = local_part.isprintable() and " " not in local_part and "@" not in local_part
    if not folded.isascii() or not is_domain(folded) or not is_local_part or len(local_part) > _LONGEST_LOCAL_PART:
        raise Refused(f"{quoted(text)} is neither a domain nor an address, such as macys.com or news@macys.com")
    return f"{local_part.lower()}@{folded}" if local_part else folded


def _lock(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias = resolve(memory.snapshot, memory.store, arguments.address)
    lock = Lock(first=True) if arguments.first else Lock(tuple(dict.fromkeys(map(_sender, arguments.to))))
    _change(memory, terminal, alias, lock)
    if not has_policy_service(memory.snapshot):
        terminal.output.write(
            f"{escaped(memory.snapshot.configuration.name)} has no LISTEN for a policy service, which refuses the "
            "other senders; without one, all of them get in.\n"
        )
    return DONE


def _unlock(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    _change(memory, terminal, resolve(memory.snapshot, memory.store, arguments.address), None)
    return DONE


def _change(memory: Memory, terminal: Terminal, alias: Alias, lock: Lock | None) -> None:
    """Change the lock of an alias, and say what holds."""
    change = unchanged(alias, memory.store.entry(alias.key))
    words = "unlocked" if lock is None else describe_lock(lock)
    memory.change([evolve(change, lock=lock, remark=words)])
    assert change.state is not None
    state = "" if change.state is AliasState.ACTIVE else f"; it is {describe_state(change.state)}"
    terminal.output.write(escaped(f"{alias.address} is {words}{state}") + "\n")
    for where, other in other_entries(memory, alias):
        if other.lock is not None:
            terminal.output.write(escaped(f"  for {where} it is {describe_lock(other.lock)}, which holds too") + "\n")
