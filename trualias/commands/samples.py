"""``trualias samples``: where the sample configurations are."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import trualias
from trualias.commands.overview import add_command
from trualias.commands.terminal import Terminal

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_FOUND = 0
_MISSING = 1


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "samples",
        description="Print the path of the folder that came with this installation: conf/ has the commented samples, "
        "install/ the guides and the files for mail servers, systemd, Prometheus and Grafana, and tac/ the servers for "
        "twistd -y.",
        exit_status="0, 1 if they are not installed",
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Print the folder and return the exit status."""
    folders = list(sample_folders())
    for folder in folders:
        if (folder / "conf").is_dir():
            terminal.output.write(f"{folder}\n")
            return _FOUND
    searched = ", ".join(map(str, folders))
    terminal.errors.write(f"the samples are not installed; they are not in {searched}\n")
    return _MISSING


def sample_folders() -> Iterable[Path]:
    """Yield the folders that may have the samples: of a source tree, a virtual environment, and the Debian package."""
    tree = Path(trualias.__file__).resolve().parent.parent
    if (tree / "pyproject.toml").is_file():
        yield tree
    yield Path(sys.prefix) / "share" / "trualias"
    yield Path("/usr/share/doc/trualias/examples")
