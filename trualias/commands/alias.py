"""``trualias alias``: take addresses back, pause them, and show what was decided about them."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve

from trualias.commands import alias_ends, alias_export, alias_import, alias_locks
from trualias.commands.alias_ends import check_future, date, day_or_time
from trualias.commands.alias_report import Report, add_address, add_report, typed_alias
from trualias.commands.alias_text import Card, describe_lock, describe_state, print_card, print_entries
from trualias.commands.dates import local_time
from trualias.commands.memory import DONE, Memory, MemoryAction, Refused, add_memory, with_memory
from trualias.commands.options import add_json
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.owners import add_account, entries_of, known_owner, with_account
from trualias.commands.terminal import Terminal
from trualias.commands.typed_aliases import Alias, is_found, other_entries, typed_addresses, unchanged
from trualias.lookup.alias_states import AliasState
from trualias.lookup.locks import Lock
from trualias.messages import number_of, quoted
from trualias.store.records import Change, Entry, Order

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_STATES = {
    "active": frozenset({AliasState.ACTIVE}),
    "paused": frozenset(state for state in AliasState if state.is_paused),
    "revoked": frozenset({AliasState.REVOKED}),
}


_EXIT_STATUS = (
    "0 if it is done, 1 if it was refused and nothing is changed, 2 for a configuration or a store that cannot be used"
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command and its actions."""
    command = add_command(
        commands,
        "alias",
        description="Change and show the states of aliases in the STORE of the configuration. Running servers follow "
        "within a second.",
        exit_status=_EXIT_STATUS,
    )
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(
        name: str, function: MemoryAction, text: str, description: str, example: str, *, to_change: bool = True
    ) -> ArgumentParser:
        epilog = f"Example: trualias alias {name} {example}".rstrip() + f". Exit status: {_EXIT_STATUS}."
        action: ArgumentParser = actions.add_parser(name, help=text, description=description, epilog=epilog)
        add_memory(action)
        action.set_defaults(run=with_memory(function, to_change=to_change))
        return action

    address = "foo-macys-m5@example.com"
    revoking = add(
        "revoke",
        _revoke,
        "take aliases back",
        "Take aliases back: no server finds them, and the policy service refuses mail to them.",
        f"{address} --note leaked",
    )
    pausing = add(
        "pause",
        _pause,
        "pause aliases",
        "Pause aliases: their mail is refused, deferred or discarded until resume.",
        f"{address} --answer defer",
    )
    pausing.add_argument(
        "--answer",
        choices=("refuse", "defer", "quiet"),
        default="refuse",
        help="what becomes of the mail: refused, deferred, so that its senders try again for some days, or discarded "
        "without notice; by default it is refused",
    )
    pausing.add_argument(
        "--until",
        metavar="DATE",
        type=date,
        help="the end of the pause: a day, such as 2027-01-31, to its end, or a time of RFC 3339",
    )
    resuming = add("resume", _resume, "end a pause or a revocation", "Make aliases work again.", address)
    for action in (revoking, pausing, resuming):
        add_report(action)
        action.add_argument(
            "addresses", metavar="ADDRESS", nargs="+", help="the aliases; - reads them from standard input, one a line"
        )
        action.add_argument("--note", metavar="TEXT", type=_note_text, help="a note that is kept with the alias")
        action.add_argument(
            "--force", action="store_true", help="also for what neither the configuration accepts nor the store knows"
        )
    alias_ends.add_to(add)
    alias_locks.add_to(add)
    alias_import.add_to(add)
    alias_export.add_to(add)
    listing = add(
        "list", _list, "list the aliases of the store", "List the aliases that the store knows.", "", to_change=False
    )
    listing.add_argument("--state", choices=tuple(_STATES), dest="shown", help="only those in this state")
    listing.add_argument(
        "--since", metavar="DATE", type=day_or_time, help="only those that accepted mail on this day or later"
    )
    listing.add_argument(
        "--sort",
        choices=("last", "first", "count", "name"),
        default="name",
        help="the order: the one with the latest mail first, the one with the latest first mail, the one with most "
        "mails, or by name, which is the default",
    )
    add_account(listing)
    add_json(listing)
    showing = add(
        "show",
        _show,
        "show an alias, its senders and its changes",
        "Show the state of an alias, its dates and mails, who wrote to it, and each change of it.",
        address,
        to_change=False,
    )
    add_report(showing)
    noting = add(
        "note",
        _note,
        "keep a note with an alias",
        "Keep a note with an alias, in place of an earlier one.",
        f"{address} 'for the invoice'",
    )
    forgetting = add(
        "forget",
        _forget,
        "remove an alias from the store",
        "Remove an alias and its changes from the store. If the configuration accepts it, it works again.",
        f"{address} --yes",
    )
    for action in (showing, noting, forgetting):
        add_address(action)
    add_report(noting)
    add_report(forgetting)
    noting.add_argument("text", metavar="TEXT", type=_note_text, help="the note")
    forgetting.add_argument("--yes", action="store_true", required=True, help="confirm that its changes are lost")


def _note_text(text: str) -> str:
    """Return a note that a person typed; raise `ArgumentTypeError` if its octets are not UTF-8."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ArgumentTypeError(f"{quoted(text)} is not UTF-8 text")
    return text


def _list(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    states = None if arguments.shown is None else _STATES[arguments.shown]
    owned = known_owner(memory, arguments.account)
    selection = evolve(owned, states=states, since=arguments.since, order=Order(arguments.sort))
    print_entries(entries_of(memory, selection), terminal, as_json=arguments.json)
    return DONE


def _show(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias = typed_alias(memory, arguments, arguments.address, force=True)
    entry = memory.store.entry(alias.key)
    others = list(other_entries(memory, alias))
    if entry is None and not others:
        raise Refused(f"{alias.address} is not in the store: nothing was decided about it, and no mail was counted")
    senders, trail = memory.store.senders(alias.key), memory.store.trail(alias.key)
    entry = None if entry is None else with_account(memory.snapshot, entry)
    print_card(Card(alias.address, entry, others, senders, trail), terminal, as_json=arguments.json)
    return DONE


_Decide = Callable[[Alias, Entry | None], Change]
"""Returns the change of an alias, given the entry that the store has of it."""


def _revoke(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    def revoke(alias: Alias, before: Entry | None) -> Change:
        return Change(
            alias.key, alias.address, AliasState.REVOKED, arguments.note, expires_after=None, expires_idle=None
        )

    return _change(memory, arguments, terminal, revoke)


def _pause(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    check_future(arguments.until)

    def pause(alias: Alias, before: Entry | None) -> Change:
        if before is not None and before.state is AliasState.REVOKED:
            raise Refused(f"{before.address} is revoked, which is stricter than a pause; resume it first")
        expires = None if before is None else before.expires
        return Change(alias.key, alias.address, AliasState(arguments.answer), arguments.note, expires, arguments.until)

    status = _change(memory, arguments, terminal, pause)
    report = Report(memory, arguments, terminal)
    if arguments.answer == AliasState.QUIET.value:
        domain = memory.snapshot.configuration.settings.quiet_domain
        report.remark(
            f"It is discarded only if Postfix has transport_maps = inline:{{ {{ {domain} = discard:quietly }} }}; "
            "without it, senders get their mail back. Test it with a mail to the alias: the log of Postfix has "
            "relay=none and (quietly)."
        )
    elif arguments.answer == AliasState.DEFER.value:
        report.remark("Most senders give up after five days, and return the mail.")
    return status


def _resume(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    def resume(alias: Alias, before: Entry | None) -> Change:
        trail = memory.store.trail(alias.key)
        return evolve(alias_ends.without_reached_ends(alias, before, trail), note=arguments.note)

    return _change(memory, arguments, terminal, resume)


def _change(memory: Memory, arguments: Namespace, terminal: Terminal, decide: _Decide) -> int:
    """Make what ``decide`` returns for all addresses, or for none of them."""
    made: dict[str, tuple[Alias, Change]] = {}
    locks: dict[str, Lock | None] = {}
    for typed in typed_addresses(arguments.addresses, terminal.input):
        alias = typed_alias(memory, arguments, typed, force=arguments.force)
        before = memory.store.entry(alias.key)
        made[alias.key] = alias, decide(alias, before)
        locks[alias.key] = None if before is None else before.lock
    memory.change([change for _, change in made.values()])
    report = Report(memory, arguments, terminal)
    for alias, change in made.values():
        assert change.state is not None
        remark = f", until {local_time(change.resumes)}" if change.resumes is not None else ""
        remark += f", and expires at {local_time(change.expires)}" if change.expires is not None else ""
        lock = locks[alias.key] if change.state is AliasState.ACTIVE else None
        remark += f", and {describe_lock(lock)}" if lock is not None else ""
        report.print_about(alias, f"is {describe_state(change.state)}{remark}")
        for where, other in other_entries(memory, alias):
            if other.state.strictness > change.state.strictness:
                report.remark(f"  but for {where} it is {describe_state(other.state)}, which holds")
    if len(made) > 1:
        report.print(f"{number_of(len(made), 'alias', 'aliases')} changed")
    return report.finish(alias for alias, _ in made.values())


def _note(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias = typed_alias(memory, arguments, arguments.address)
    memory.change([evolve(unchanged(alias, memory.store.entry(alias.key)), note=arguments.text)])
    report = Report(memory, arguments, terminal)
    report.print(f"the note of {alias.address} is kept{alias.in_brackets}")
    return report.finish([alias])


def _forget(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    alias = typed_alias(memory, arguments, arguments.address, force=True)
    if memory.store.entry(alias.key) is None:
        raise Refused(f"{alias.address} is not in the store")
    memory.change([Change(alias.key, alias.address, None)])
    is_accepted = is_found(memory.snapshot, alias.address)
    if arguments.json:
        write_json(terminal.output, {"address": alias.address, "accepted": is_accepted})
        return DONE
    fate = "it works again" if is_accepted else "the configuration does not accept it"
    Report(memory, arguments, terminal).print_about(alias, f"is forgotten; {fate}")
    return DONE
