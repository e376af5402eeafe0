"""``trualias senders``: who writes to which alias."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from trualias.commands.memory import DONE, Memory, Refused, add_memory, has_policy_service, with_memory
from trualias.commands.options import add_json
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.owners import add_account, known_owner
from trualias.commands.senders_text import print_domains, print_senders
from trualias.commands.terminal import Terminal
from trualias.configuration.setting_values import KeptSenders
from trualias.lookup.locks import MALFORMED_SENDER
from trualias.messages import escaped, number_of, quoted
from trualias.protocols.envelope import envelope_sender, kept_address

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_FORGET = "forget"


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "senders",
        description="List the domains that wrote to aliases, the one that wrote last first; with a domain, the aliases "
        "that it and its subdomains wrote to. forget removes what the store knows of an address, or of all senders in "
        "a domain; locks and the numbers of mails stay as they are.",
        exit_status="0 if it is done, 1 if it was refused and nothing is changed, 2 for a configuration or a "
        "store that cannot be used",
    )
    add_memory(command)
    add_json(command)
    add_account(command)
    command.add_argument("--yes", action="store_true", help="confirm to forget")
    command.add_argument("words", metavar="DOMAIN", nargs="*", help="a domain; or forget, and a domain or an address")
    command.set_defaults(run=_run)


def _run(arguments: Namespace, terminal: Terminal) -> int:
    forgets = arguments.words[:1] == [_FORGET]
    return with_memory(_forget if forgets else _list, to_change=forgets)(arguments, terminal)


def _list(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    selection = known_owner(memory, arguments.account)
    if len(arguments.words) > 1:
        raise Refused("one domain at a time")
    if arguments.yes:
        raise Refused("--yes is for forget")
    if arguments.words:
        domain = sender_named(arguments.words[0]).rpartition("@")[2]
        print_senders(memory.store.senders_of(domain, selection), terminal, as_json=arguments.json)
    else:
        print_domains(memory.store.sender_domains(selection), terminal, as_json=arguments.json)
    warn_if_none_kept(memory, terminal)
    return DONE


def warn_if_none_kept(memory: Memory, terminal: Terminal) -> None:
    """Write to standard error that the configuration keeps no senders, or counts no mail, if that is so."""
    configuration = memory.snapshot.configuration
    if configuration.settings.senders is KeptSenders.NONE:
        terminal.errors.write("SENDERS is none: no senders are kept, but for those from before\n")
    elif not has_policy_service(memory.snapshot) and not memory.store.has_senders():
        terminal.errors.write(
            f"{configuration.name} has no LISTEN for a policy service, such as policy unix:/run/trualias/policy, which "
            "counts the mails: no senders are known\n"
        )


def _forget(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    if len(arguments.words) != 2:
        raise Refused("forget takes one domain or address")
    if not arguments.yes:
        raise Refused("what is forgotten is lost: confirm it with --yes")
    named = arguments.words[1]
    sender = named if named == MALFORMED_SENDER else kept_address(sender_named(named))
    number = memory.store.forget_senders(sender, known_owner(memory, arguments.account))
    if arguments.json:
        write_json(terminal.output, {"sender": sender, "forgotten": number})
    else:
        terminal.output.write(f"{escaped(sender)}: {number_of(number, 'sender')} of aliases forgotten\n")
    return DONE


def sender_named(text: str) -> str:
    """Return a sender that a person typed, a domain or an address, as locks have it; raise `Refused`."""
    local_part, _, domain = text.strip().rpartition("@")
    sender = envelope_sender(f"{local_part or 'any'}@{domain}".encode("utf-8", "replace"))
    if sender == MALFORMED_SENDER:
        raise Refused(f"{quoted(text)} is neither a domain nor an address, such as macys.com or news@macys.com")
    return sender if local_part else sender.rpartition("@")[2]
