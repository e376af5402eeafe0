"""What the commands and a server import: a module that is not needed makes every call and every start slower."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.testing.command_line import PROGRAM
from trualias.testing.live import ENVIRONMENT

CONFIGURATION = "ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();\nEND\n"

# Each takes 20 to 200 ms to import: four times as long as an interpreter takes to start.
_SERVER = ("twisted", "zope", "prometheus_client", "h11", "asyncio")
_STORE = ("sqlite3", "trualias.store")
_PARSER = ("lark",)  # for tests alone
_TERMINAL = ("rich",)
_ALL = ("attr", "json", "trualias.configuration", "trualias.lookup", *_PARSER, *_SERVER, *_STORE, *_TERMINAL)

NOT_IMPORTED = {
    ("--version",): (*_ALL, "difflib", "trualias.commands.query"),
    ("--help",): (*_ALL, "difflib", "trualias.commands.query"),
    ("-h",): (*_ALL, "trualias.commands.query"),
    ("samples",): _ALL,
    ("query", "--help"): (*_PARSER, *_SERVER, *_STORE, *_TERMINAL, "trualias.analysis"),
    ("completion", "bash"): (*_PARSER, *_SERVER, *_TERMINAL),
    ("completion", "accounts"): (*_SERVER, *_STORE, *_TERMINAL, "trualias.lookup", "trualias.analysis"),
    ("query", "foo-macys-m5"): (*_SERVER, *_STORE, *_TERMINAL, "trualias.analysis"),
    ("compose", "foo", "macys"): (*_SERVER, *_STORE, *_TERMINAL),
    ("explain", "foo-macys-m5"): (*_SERVER, *_STORE, *_TERMINAL),
}
"""Command lines, with the modules and packages that they do without."""


MAKE_SERVER = """\
from trualias.tap_table import Options, makeService
options = Options()
options.parseOptions(["--config", "trualias.conf", "--endpoint", "tcp:0:interface=127.0.0.1"])
makeService(options)
"""
"""Does what twistd does until a server runs."""


class ImportTests(SynchronousTestCase):
    """The modules that a process imports, with standard output in no terminal."""

    def setUp(self) -> None:
        """Write a configuration where the commands find it."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        (self.folder / "trualias.conf").write_text(CONFIGURATION)

    def modules_of(self, *arguments: str) -> set[str]:
        """Run a command that succeeds, and return the modules that it imports."""
        python, *program = PROGRAM
        return self.imported(python, *program, *arguments)

    def imported(self, python: str, *arguments: str, status: int = 0) -> set[str]:
        """Run Python, which exits with a status, and return the modules that it imports."""
        command = (python, "-X", "importtime", *arguments)
        done = subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        lines = done.stderr.decode().splitlines()
        self.assertEqual(status, done.returncode, lines)
        return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}

    def test_not_imported(self) -> None:
        """A command imports only what it needs, so that it starts in 0.2 s."""
        needless = {
            arguments: sorted(self.modules_of(*arguments).intersection(without))
            for arguments, without in NOT_IMPORTED.items()
        }
        self.assertEqual({arguments: [] for arguments in NOT_IMPORTED}, needless)

    def test_imported(self) -> None:
        """A query imports the parser: the modules of a command are found."""
        self.assertEqual(set(), {"trualias.language.parser", "attr", "json"} - self.modules_of("query", "foo-macys-m5"))

    def test_sockets(self) -> None:
        """The command that asks the sockets of a server, where none listens, finds them without Twisted."""
        python, *program = PROGRAM
        found = self.imported(python, *program, "status", "-c", "trualias.conf", status=1)
        self.assertEqual(set(), found.intersection((*_SERVER, *_STORE)))
        self.assertIn("trualias.commands.status_by_sockets", found)

    def test_server(self) -> None:
        """A server imports nothing of a store, a status, metrics or policies without them, and its parser at once."""
        found = self.imported(sys.executable, "-c", MAKE_SERVER)
        without = {*_PARSER, *_STORE, "h11", "prometheus_client", "trualias.web", "trualias.web.site"}
        without |= {"trualias.protocols.policy_delegation", "trualias.protocols.socketmap"}
        without |= {"trualias.lookup.recipients", "trualias.observers"}
        without |= {"trualias.monitoring.status", "trualias.server.status_service"}
        self.assertEqual(set(), found & without)
        self.assertEqual(set(), {"trualias.language.parser", "trualias.tap"} - found)
