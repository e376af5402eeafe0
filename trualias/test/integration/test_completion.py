"""Tests of ``trualias completion`` with real shells."""

import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import time
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.main import run
from trualias.store.records import Change
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.testing.live import ENVIRONMENT, PATIENCE
from trualias.testing.requirements import require_program

POLICIES = """\
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: example.com
ACCOUNT foo, fred, bar MATCHES %account%.%alnum%.%code% WITH CHARS();
ACCOUNT bar ALIASED griselda MATCHES %alias%.%alnum%.%code% WITH CHARS(), x;
"""


class CompletionTests(SynchronousTestCase):
    """The printed script for each shell, in that shell."""

    def setUp(self) -> None:
        """Create a folder with a file that can be completed."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        (self.folder / "policies.conf").write_text(POLICIES, "utf-8")
        create(str(self.folder / "memory.sqlite"))
        store = SqliteStore(str(self.folder / "memory.sqlite"))
        known = [f"{name}@example.com" for name in ("Foo.macys.5", "foo.ebay.4", "bar.macys.5")]
        store.change([Change(address.lower(), address, AliasState.REVOKED) for address in known], "root", 1)
        store.close()
        program = self.folder / "bin" / "trualias"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m trualias "$@"\n')
        program.chmod(0o755)
        self.environment = {**ENVIRONMENT, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def script(self, shell: str) -> Path:
        """Print the script for a shell into a file."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        self.assertEqual(0, run(["completion", shell], terminal))
        assert isinstance(terminal.output, StringIO)
        path = self.folder / "_trualias"
        path.write_text(terminal.output.getvalue(), "utf-8")
        return path

    def lines(self, *command: str | Path) -> list[str]:
        """Run a program in the folder and return what it prints, sorted."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            env=self.environment,
            text=True,
            timeout=PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        self.assertEqual("", done.stderr)
        return sorted(done.stdout.split("\n")[:-1])

    def test_bash(self) -> None:
        """bash completes commands, options, choices and files."""
        script = self.script("bash")
        source = (
            'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); '
            '_shtab_trualias; [[ -v COMPREPLY ]] && printf "%s\\n" "${COMPREPLY[@]}"'
        )

        def complete(*words: str) -> list[str]:
            return self.lines(require_program("bash"), "--norc", "-c", source, "bash", script, "trualias", *words)

        self.assertEqual(["check", "completion", "compose", "config"], complete("c"))
        self.assertEqual(["--against"], complete("replay", "--a"))
        self.assertEqual(["accounts", "addresses", "bash", "fish", "zsh"], complete("completion", ""))
        self.assertEqual(["foo", "fred"], complete("compose", "-c", "policies.conf", "f"))
        self.assertEqual(["bar"], complete("strength", "--config", "policies.conf", "b"))
        self.assertEqual(["policies.conf"], complete("strength", "-c", "pol"))
        options = ("-c", "policies.conf")
        self.assertEqual(["bar.macys.5@example.com"], complete("alias", "show", *options, "ba"))
        self.assertEqual(["foo.ebay.4@example.com"], complete("alias", "revoke", *options, "x", "foo."))
        self.assertEqual(["foo", "fred"], complete("leaks", *options, "--account", "f"))
        self.assertEqual(["policies.conf"], complete("replay", "pol"))

    def test_fish(self) -> None:
        """fish completes commands, options, choices and files, with descriptions."""
        script = self.script("fish")

        def complete(line: str) -> list[str]:
            command = f"source {script}; complete -C '{line}'"
            return self.lines(require_program("fish"), "--no-config", "-c", command)

        self.assertEqual(
            [
                "check\tprint the errors and warnings of a configuration",
                "completion\tprint a completion script for a shell",
                "compose\tcompose addresses of an account or an alias",
                "config\tprint a configuration in the layout of the samples, or with its included files and defaults",
            ],
            complete("trualias c"),
        )
        self.assertEqual(["--against"], [line.split("\t")[0] for line in complete("trualias replay --a")])
        self.assertEqual(["policies.conf"], [line.split("\t")[0] for line in complete("trualias strength -c pol")])
        self.assertEqual(
            ["foo", "fred"], [line.split("\t")[0] for line in complete("trualias compose -c policies.conf f")]
        )
        shown = "trualias alias show -c policies.conf ba"
        self.assertEqual(["bar.macys.5@example.com"], [line.split("\t")[0] for line in complete(shown)])

    def test_zsh(self) -> None:
        """zsh completes commands, options, choices and files at its prompt."""
        self.script("zsh")
        self.assertIn("print the errors and warnings of a configuration", self.typed("trualias c\t\t", "completion"))
        self.assertIn("--against", self.typed("trualias replay --a\t", "--against"))
        self.assertIn("policies.conf", self.typed("trualias strength -c pol\t", "policies.conf"))
        self.assertIn("griselda", self.typed("trualias compose -c policies.conf gri\t", "griselda"))
        self.assertIn("macys", self.typed("trualias alias show -c policies.conf ba\t", "macys"))

    def typed(self, line: str, awaited: str) -> str:
        """Type a line into zsh; return its output up to the text *awaited*."""
        zsh = require_program("zsh")
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.folder)
            os.execve(zsh, ["zsh", "-f", "-i"], {**self.environment, "TERM": "xterm", "COLUMNS": "200"})
        try:
            ready = "fpath=($PWD $fpath); autoload -Uz compinit && compinit -D -u; print rea''dy\n"
            os.write(terminal, ready.encode())
            self.read_until(terminal, "\nready")
            os.write(terminal, line.encode())
            return self.read_until(terminal, awaited)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(terminal)

    def read_until(self, terminal: int, awaited: str) -> str:
        """Read from a terminal until the output contains the text *awaited*, or time is up."""
        text, deadline = "", time.monotonic() + PATIENCE
        while awaited not in text and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                text += os.read(terminal, 65536).decode("utf-8", "replace")
        return text
