"""``trualias init``: a first configuration, from three questions."""

from __future__ import annotations

import errno
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from trualias.commands.output import Output
from trualias.commands.overview import add_command
from trualias.commands.terminal import Terminal
from trualias.configuration import SETTINGS
from trualias.configuration.setting_values import InvalidValue
from trualias.configuration.tables import Table
from trualias.messages import did_you_mean, escaped, one_of, quoted

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.commands.init_policies import OfferedPolicy

_T = TypeVar("_T")

_WRITTEN = 0
_UNUSABLE = 2
_FILE_NAME = "trualias.conf"
_NO_DOMAIN = "none"
_DEFAULT_DOMAIN = "example.com"
_DEFAULT_ACCOUNTS = "foo"


class _NoAnswer(Exception):
    """A question has no valid answer, and none can be asked for; ``str()`` is the reason."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "init",
        description="Ask for the domain, the accounts and one of five policies, whose strength is shown, and write "
        f"{_FILE_NAME} into a directory: a configuration without errors and warnings, with the answers that it must "
        "give. An existing file is left alone.",
        exit_status="0 if the file was written, 2 if not",
    )
    command.add_argument("--domain", metavar="NAME", help=f"the domain; {_NO_DOMAIN} for a file of the table server")
    command.add_argument("--accounts", metavar="NAMES", help="the accounts, separated by spaces or commas")
    command.add_argument("--policy", metavar="NAME", help="the policy: first, third, three, hidden or sentence")
    command.add_argument(
        "--yes", action="store_true", help="ask nothing, and take the defaults where no option is given"
    )
    command.add_argument("folder", metavar="DIR", nargs="?", default=".", help="the directory; by default this one")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Ask the questions, write the file, and return the exit status."""
    from trualias.commands.init_policies import DEFAULT_POLICY, combination_problem, make_configuration

    path = os.path.join(arguments.folder, _FILE_NAME)
    if os.path.lexists(path):
        terminal.errors.write(
            f"{escaped(path)} exists already, and is left alone; {_program(terminal.program)} check {escaped(path)}\n"
        )
        return _UNUSABLE
    if problem := _folder_problem(arguments.folder):
        terminal.errors.write(f"cannot write {escaped(path)}: {problem}\n")
        return _UNUSABLE

    ask = partial(_ask, terminal, arguments.yes)

    try:
        domain = ask(arguments.domain, f"The domain of the addresses, or {_NO_DOMAIN}", _DEFAULT_DOMAIN, _parse_domain)
        accounts = ask(
            arguments.accounts, "The accounts, the mailboxes that they lead to", _DEFAULT_ACCOUNTS, _parse_accounts
        )

        def parse_policy(text: str) -> OfferedPolicy:
            chosen = _parse_policy(text)
            if problem := combination_problem(chosen, accounts):
                raise InvalidValue(problem)
            return chosen

        if arguments.policy is None and not arguments.yes:
            _print_policies(domain, accounts[0], terminal)
        policy = ask(arguments.policy, "The policy", DEFAULT_POLICY, parse_policy)
    except _NoAnswer as error:
        terminal.errors.write(f"{error}; nothing was written\n")
        return _UNUSABLE
    text = make_configuration(domain, accounts, policy, path)
    try:
        _write_new(path, text)
    except OSError as error:
        terminal.errors.write(f"cannot write {escaped(path)}: {error.strerror}\n")
        return _UNUSABLE
    _print_next(path, domain, accounts[0], policy, terminal)
    return _WRITTEN


def _write_new(path: str, text: str) -> None:
    """Write a new file, or none if the disk is full; raise OSError."""
    with open(path, "x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            os.unlink(path)
            raise


def _folder_problem(folder: str) -> str | None:
    """Return why no file can be written into a folder, so that no question is asked in vain."""
    inside = os.path.join(folder, ".")  # with the dot it is an error for a file, too
    try:
        os.stat(inside)
    except OSError as error:
        return error.strerror
    return None if os.access(inside, os.W_OK) else os.strerror(errno.EACCES)


def _ask(
    terminal: Terminal, is_silent: bool, given: str | None, question: str, default: str, parse: Callable[[str], _T]
) -> _T:
    """Return a parsed answer: the given one, else the default if nothing may be asked, else a typed one.

    An invalid answer that was typed is asked for again. Raises ``_NoAnswer``.
    """
    if given is not None or is_silent:
        try:
            return parse(default if given is None else given)
        except InvalidValue as error:
            raise _NoAnswer(str(error)) from None
    while True:
        terminal.output.write(f"{question} [{default}]: ")
        terminal.output.flush()
        line = terminal.input.readline()
        if not line:
            terminal.output.write("\n")
            raise _NoAnswer("the answers ended; --yes takes the defaults")
        try:
            return parse(line.decode("utf-8", "replace").strip() or default)
        except InvalidValue as error:
            terminal.output.write(f"{error}\n")


def _parse_domain(text: str) -> str | None:
    if text.lower() == _NO_DOMAIN:
        return None
    parsed: frozenset[str] = SETTINGS["ALIAS DOMAINS"].metadata["parse"](text)
    if len(parsed) != 1:
        raise InvalidValue("one domain, please; the file can have more later, in ALIAS DOMAINS")
    (domain,) = parsed
    return domain


def _parse_accounts(text: str) -> list[str]:
    from trualias.commands.init_policies import account_problem

    names = list(dict.fromkeys(name.lower() for name in text.replace(",", " ").split()))
    if not names:
        raise InvalidValue("there is no account")
    for problem in filter(None, map(account_problem, names)):
        raise InvalidValue(problem)
    return names


def _parse_policy(text: str) -> OfferedPolicy:
    from trualias.commands.init_policies import POLICIES

    named = {policy.name: policy for policy in POLICIES}
    numbered = {str(number): policy for number, policy in enumerate(POLICIES, 1)}
    policy = numbered.get(text) or named.get(text.lower())
    if policy is None:
        known = list(named)
        raise InvalidValue(f"unknown policy {quoted(text)}; expected {one_of(known)}{did_you_mean(text, known)}")
    return policy


def _print_policies(domain: str | None, account: str, terminal: Terminal) -> None:
    from trualias.commands.init_policies import POLICIES, example_address

    out = Output(terminal.output)
    for number, policy in enumerate(POLICIES, 1):
        out.print(f"  {number} {policy.name}: {example_address(policy, account, domain)}")
        out.print(f"      {policy.rule}\n      {policy.strength}")


def _program(called: str) -> str:
    """Return what runs this program from a shell: its name if PATH leads to it, otherwise as it was called."""
    from shlex import quote
    from shutil import which

    folder, name = os.path.split(called)
    if name == "__main__.py":
        return f"{quote(sys.executable)} -m trualias"
    found = which(name)
    is_on_path = not folder or (found is not None and os.path.samefile(found, called))
    return name if is_on_path else quote(called)


def _print_next(path: str, domain: str | None, account: str, policy: OfferedPolicy, terminal: Terminal) -> None:
    from shlex import quote

    table, port = (Table.VIRTUAL, 3048) if domain else (Table.LOCAL_PART, 3047)
    virtual = "--virtual " if table is Table.VIRTUAL else ""
    shown = quote(path)
    used = os.path.join(os.path.dirname(path), table.file_name)
    # Where it exists, a server uses that file first: that of the Debian package runs already.
    program = _program(terminal.program)
    last = f"mv {shown} {quote(used)}" if os.path.lexists(used) else f"{program} serve -c {shown}"
    terminal.output.write(
        f"{escaped(path)} is written. Next:\n"
        f"  {program} check {virtual}{shown}\n"
        f"  {program} compose -c {shown} {account} {' '.join(policy.words)}\n"
        f"  {last}\n"
    )
    if table is Table.VIRTUAL:
        terminal.output.write(
            f"and in Postfix' main.cf:\n  virtual_alias_maps = tcp:127.0.0.1:{port}\n  virtual_alias_domains =\n"
            "  recipient_delimiter =\n"
        )
