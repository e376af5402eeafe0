"""A process that is killed while it changes a store: nothing that it acknowledged is lost."""

import random
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.lookup.alias_states import AliasState
from trualias.store.sqlite import SqliteStore, create
from trualias.test.states import pairs_of
from trualias.testing.live import ENVIRONMENT

WRITER = """
import sys
from trualias.lookup.alias_states import AliasState
from trualias.store.interface import Change
from trualias.store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
for number in range(int(sys.argv[2]), 10**9):
    pair = [Change(f"{name}{number}@", f"{name}{number}", AliasState.REVOKED) for name in "ab"]
    print(number, store.change(pair, "root", 1), flush=True)
"""


class CrashTests(SynchronousTestCase):
    """Crashes of a writer."""

    ROUNDS = 5

    def test_kill(self) -> None:
        """After each SIGKILL the store is whole, has every acknowledged change, and half of none."""
        path = str(Path(self.mktemp()).absolute())
        create(path)
        acknowledged, chance = -1, random.Random(7)
        for _ in range(self.ROUNDS):
            command = [sys.executable, "-c", WRITER, path, str(acknowledged + 1)]
            writer = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True)
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 40)):
                number, revision = map(int, writer.stdout.readline().split())
            writer.kill()
            rest = writer.stdout.read().split("\n")[:-1]
            writer.wait()
            writer.stdout.close()
            if rest:
                number, revision = map(int, rest[-1].split())
            store = SqliteStore(path)
            self.assertEqual([], store.check())
            self.assertGreaterEqual(store.position().revision, revision)
            states = dict(pairs_of(store.states()))
            store.close()
            last = max(int(key[1:-1]) for key in states)
            self.assertGreaterEqual(last, number)
            expected = {f"{name}{one}@": AliasState.REVOKED for name in "ab" for one in range(last + 1)}
            self.assertEqual(expected, states)
            acknowledged = last
