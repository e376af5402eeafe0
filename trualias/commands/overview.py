"""The commands in their groups, as ``trualias --help`` shows them: none of their modules is imported for it."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Mapping
from typing import NamedTuple


class Summary(NamedTuple):
    """A command's help in one line, and a command line that is an example of it."""

    help: str
    example: str


GROUPS: Mapping[str, Mapping[str, Summary]] = {
    "begin": {
        "init": Summary("write a first configuration, from three questions", "trualias init --yes"),
        "serve": Summary(
            "run the server of a configuration in the foreground", "trualias serve -c conf/tcp_table_server.conf.sample"
        ),
        "status": Summary(
            "show whether the servers run, and with what configuration",
            "trualias status -c conf/tcp_table_server.conf.sample",
        ),
    },
    "look up and compose addresses": {
        "query": Summary(
            "answer lookup keys as a server would, without a server",
            "trualias query -c conf/tcp_table_server.conf.sample pinky-macys-m5",
        ),
        "explain": Summary(
            "explain why an address is accepted or not",
            "trualias explain -c conf/tcp_table_server.conf.sample pinky-macys-m6",
        ),
        "compose": Summary(
            "compose addresses of an account or an alias",
            "trualias compose -c conf/tcp_table_server.conf.sample pinky macys",
        ),
    },
    "judge a policy": {
        "check": Summary(
            "print the errors and warnings of a configuration", "trualias check conf/tcp_virtual_server.conf.sample"
        ),
        "strength": Summary(
            "measure how hard the addresses of a policy are to guess",
            "trualias strength -c conf/tcp_table_server.conf.sample baz",
        ),
        "replay": Summary(
            "show what would change for the addresses of a mail log",
            "trualias replay --virtual new.conf --against /etc/trualias/trualias.conf /var/log/mail.log*",
        ),
    },
    "take addresses back": {
        "alias": Summary(
            "take addresses back, pause them, and show what was decided about them",
            "trualias alias revoke foo-macys-m5@example.com --note leaked",
        ),
        "senders": Summary("list the senders of mail, and forget them", "trualias senders macys.com"),
        "leaks": Summary("list the aliases that strangers wrote to", "trualias leaks --account ann"),
        "guesses": Summary(
            "list the accounts whose aliases were guessed at, and the networks that guessed",
            "trualias guesses --account ann",
        ),
        "store": Summary(
            "check, back up and adopt the store of alias states", "trualias store backup /var/backups/memory.sqlite"
        ),
    },
    "more": {
        "config": Summary(
            "print a configuration in the layout of the samples, or with its included files and defaults",
            "trualias config format conf/tcp_table_server.conf.sample",
        ),
        "samples": Summary("print where the sample configurations and the guides are", "ls $(trualias samples)/conf"),
        "completion": Summary(
            "print a completion script for a shell", "trualias completion bash > /etc/bash_completion.d/trualias"
        ),
    },
}
SUMMARIES: Mapping[str, Summary] = {name: one for group in GROUPS.values() for name, one in group.items()}


def add_command(
    commands: _SubParsersAction[ArgumentParser], name: str, *, description: str, exit_status: str
) -> ArgumentParser:
    """Declare a command, and return its parser. ``exit_status`` says what each status means."""
    one = SUMMARIES[name]
    epilog = f"Example: {one.example}. Exit status: {exit_status}."
    command: ArgumentParser = commands.add_parser(name, help=one.help, description=description, epilog=epilog)
    return command
