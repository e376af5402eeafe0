"""``trualias alias lock`` and ``unlock``: the senders that an alias takes mail from."""

from __future__ import annotations

from argparse import Namespace

from attrs import evolve

from trualias.commands.alias_report import Report, add_address, add_report, typed_alias
from trualias.commands.alias_text import describe_lock, describe_state
from trualias.commands.memory import AddAction, Memory, Refused, has_policy_service
from trualias.commands.senders import sender_named
from trualias.commands.terminal import Terminal
from trualias.commands.typed_aliases import Alias, other_entries, unchanged
from trualias.configuration.setting_values import KeptSenders
from trualias.lookup.alias_states import AliasState
from trualias.lookup.expected_senders import registrable_domain
from trualias.lookup.locks import MALFORMED_SENDER, Lock
from trualias.store.records import OTHER_SENDERS


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
    senders.add_argument(
        "--known",
        action="store_true",
        help="the senders that mail was accepted from until now: their registered domains",
    )
    unlocking = add("unlock", _unlock, "take mail from all senders", "Take mail from all senders again.", address)
    for action in (locking, unlocking):
        add_report(action)
        add_address(action)


def _lock(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias = typed_alias(memory, arguments, arguments.address)
    if arguments.first:
        lock = Lock(first=True)
    elif arguments.known:
        lock = Lock(_known_senders(memory, alias))
    else:
        lock = Lock(tuple(dict.fromkeys(map(sender_named, arguments.to))))
    report = Report(memory, arguments, terminal)
    _change(memory, report, alias, lock)
    if not has_policy_service(memory.snapshot):
        report.remark(
            f"{memory.snapshot.configuration.name} has no LISTEN for a policy service, which refuses the other "
            "senders; without one, all of them get in."
        )
    return report.finish([alias])


def _known_senders(memory: Memory, alias: Alias) -> tuple[str, ...]:
    """Return the registrable domains of the senders whose mail an alias accepted."""
    if memory.snapshot.configuration.settings.senders is KeptSenders.NONE:
        raise Refused("SENDERS is none: no senders are kept")
    accepted = {sender.sender for sender in memory.store.senders(alias.key) if sender.accepted}
    if OTHER_SENDERS in accepted:
        raise Refused(f"{alias.address} has more senders than are kept: name them with --to")
    domains = {sender.rpartition("@")[2] for sender in accepted - {"", MALFORMED_SENDER}}
    if not domains:
        raise Refused(f"no sender of accepted mail to {alias.address} is known")
    return tuple(sorted({registrable_domain(domain) or domain for domain in domains}))


def _unlock(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias, report = typed_alias(memory, arguments, arguments.address), Report(memory, arguments, terminal)
    _change(memory, report, alias, None)
    return report.finish([alias])


def _change(memory: Memory, report: Report, alias: Alias, lock: Lock | None) -> None:
    """Change the lock of an alias, and say what holds."""
    change = unchanged(alias, memory.store.entry(alias.key))
    words = "unlocked" if lock is None else describe_lock(lock)
    memory.change([evolve(change, lock=lock, remark=words)])
    assert change.state is not None
    state = "" if change.state is AliasState.ACTIVE else f"; it is {describe_state(change.state)}"
    report.print_about(alias, f"is {words}{state}")
    for where, other in other_entries(memory, alias):
        if other.lock is not None:
            report.remark(f"  for {where} it is {describe_lock(other.lock)}, which holds too")
