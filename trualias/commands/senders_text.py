"""The output of ``trualias senders`` and ``trualias leaks`` for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from trualias.commands.alias_text import sender_json, sender_name
from trualias.commands.dates import local_day, rfc3339
from trualias.commands.output import Columns, Output, write_items, write_json
from trualias.commands.terminal import Terminal
from trualias.store.records import SenderDomain, SenderOfAlias

_DOMAINS: Columns[SenderDomain] = {
    "sender": (0, lambda one: one.domain or "<>"),
    "aliases": (0, lambda one: str(one.aliases)),
    "first mail": (80, lambda one: local_day(one.first_seen)),
    "last mail": (50, lambda one: local_day(one.last_seen)),
    "accepted": (60, lambda one: str(one.accepted)),
    "refused": (80, lambda one: str(one.refused)),
}
_OF_ALIASES: Columns[SenderOfAlias] = {
    "sender": (0, lambda one: sender_name(one.sender)),
    "alias": (0, lambda one: one.address),
    "account": (120, lambda one: one.account),
    "first mail": (100, lambda one: local_day(one.sender.first_seen)),
    "last mail": (70, lambda one: local_day(one.sender.last_seen)),
    "accepted": (80, lambda one: str(one.sender.accepted)),
    "refused": (120, lambda one: str(one.sender.refused)),
    "": (100, lambda one: "" if one.sender.expected else "stranger"),
}
_STRANGERS: Columns[SenderOfAlias] = {
    "sender": (0, lambda one: sender_name(one.sender)),
    "alias": (0, lambda one: one.address),
    "account": (120, lambda one: one.account),
    "made for": (90, lambda one: ", ".join(one.words)),
    "first mail": (60, lambda one: local_day(one.sender.first_seen)),
    "last mail": (110, lambda one: local_day(one.sender.last_seen)),
    "accepted": (80, lambda one: str(one.sender.accepted)),
    "refused": (120, lambda one: str(one.sender.refused)),
}
_UNCERTAIN = (
    "These aliases were written to by others than those that they seem to be made for. It is not certain that an "
    "address leaked: many companies send by service providers, one company has several domains, and anyone can forge "
    "the sender of a mail."
)


def print_domains(domains: Sequence[SenderDomain], terminal: Terminal, *, as_json: bool) -> None:
    """Print the domains of senders, one a line."""
    if as_json:
        write_json(terminal.output, [_domain_json(one) for one in domains])
    else:
        write_items(terminal.output, _DOMAINS, domains)


def print_senders(senders: Sequence[SenderOfAlias], terminal: Terminal, *, as_json: bool) -> None:
    """Print the aliases that some senders wrote to, one a line."""
    if as_json:
        write_json(terminal.output, [_of_alias_json(one) for one in senders])
    else:
        write_items(terminal.output, _OF_ALIASES, senders)


def print_strangers(senders: Sequence[SenderOfAlias], terminal: Terminal, *, as_json: bool) -> None:
    """Print the senders that were not expected, one a line, and what that means."""
    if as_json:
        write_json(terminal.output, [_of_alias_json(one) for one in senders])
    elif senders:
        write_items(terminal.output, _STRANGERS, senders)
        Output(terminal.output).print(f"\n{_UNCERTAIN}", hanging=0)


def _domain_json(one: SenderDomain) -> dict[str, object]:
    return {
        "domain": one.domain,
        "aliases": one.aliases,
        "first_seen": rfc3339(one.first_seen),
        "last_seen": rfc3339(one.last_seen),
        "accepted": one.accepted,
        "refused": one.refused,
    }


def _of_alias_json(one: SenderOfAlias) -> dict[str, object]:
    return {
        "address": one.address,
        "account": one.account or None,
        "words": list(one.words),
        **sender_json(one.sender),
    }
