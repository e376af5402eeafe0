"""The page about the memory: what it shows about mail is the output of the commands."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Iterator
from io import BytesIO, StringIO

from trualias.commands.terminal import Terminal
from trualias.main import run
from trualias.store.records import Use
from trualias.store.sqlite import SqliteStore
from trualias.test.examples import Block, read_rst
from trualias.test.test_alias_command import MACYS, MemoryCase
from trualias.testing.requirements import source_tree

NOON, DAY = 1_800_000_000, 86_400
GOOGLE = "foo-google-g6@example.com"
CONFIGURATION = """
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: example.com
LISTEN: policy unix:/run/trualias/policy
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""


def shown(first: str, last: str) -> Iterator[tuple[int, str, str]]:
    """Yield the commands between two headings of the page, with their lines and what is printed."""
    text = (source_tree() / "docs" / "memory.rst").read_text("utf-8")
    start, end = (text.index(f"\n{heading}\n{'-' * len(heading)}\n") for heading in (first, last))
    for part in read_rst(text[start:end]):
        if isinstance(part, Block):
            for command, printed in re.findall(r"^# (trualias .*)\n((?:(?!# ).*\n?)*)", part.text, re.MULTILINE):
                yield text[:start].count("\n") + part.line, command, printed


class MemoryPageTests(MemoryCase):
    """The sections about mail, leaks and locks."""

    def setUp(self) -> None:
        """Count the mails of the page, in its time zone."""
        super().setUp()
        self.path.write_text(CONFIGURATION, "utf-8")
        self.addCleanup(time.tzset)
        zone = os.environ.get("TZ")
        self.addCleanup(os.environ.pop, "TZ") if zone is None else self.addCleanup(os.environ.__setitem__, "TZ", zone)
        os.environ["TZ"] = "UTC"
        time.tzset()
        store = SqliteStore(str(self.store))
        for key, sender, first, last, accepted, word in (
            (MACYS, "mail.macys.com", 0, 10, 12, "macys"),
            (GOOGLE, "google.com", 1, 5, 3, "google"),
            (MACYS, "spam.test", 30, 40, 2, "macys"),
        ):
            use = Use(key, key, "foo", sender, NOON + first * DAY, NOON + last * DAY, accepted, 0, (word,))
            store.count([use], use.last, keeps_senders=True)
        store.close()

    def test_commands(self) -> None:
        """Each command prints the lines after it."""
        names = []
        for line, command, printed in shown("Who writes to an alias", "Kept aliases"):
            output = StringIO()
            options = ["-c", str(self.path), "--state-directory", str(self.folder)]
            run([*shlex.split(command)[1:], *options], Terminal(BytesIO(), output, output))
            self.assertEqual(printed.rstrip("\n"), output.getvalue().rstrip("\n"), f"line {line}: {command}")
            names.append(command.split()[1:3])
        self.assertEqual(
            [["alias", "list"], ["alias", "show"], ["senders", "macys.com"], ["leaks"], ["alias", "lock"]],
            names[:5],
        )
