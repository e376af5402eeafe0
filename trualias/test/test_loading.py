"""Tests of trualias.lookup.loading."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors
from trualias.configuration.fingerprint import fingerprint
from trualias.configuration.tables import Table
from trualias.lookup import Found
from trualias.lookup.loading import STABLE_SECONDS, load_snapshot, wait_until_stable

STATEMENTS = "".join(f"ACCOUNT a{n} MATCHES %account%-%alpha%-%code% WITH CHARS();\n" for n in range(500))


class LoadTests(SynchronousTestCase):
    """From a path to a snapshot."""

    def setUp(self) -> None:
        """Give each test a path of its own."""
        self.path = Path(self.mktemp()).absolute()

    def test_whole(self) -> None:
        """The snapshot answers by the file and its hooks."""
        self.path.with_name("loading_hooks.py").write_text(
            "ACCOUNTS = ALIASES = reload = print\n"
            "def preprocess(alias, domain): return alias.removeprefix('x'), domain\n"
            "def postprocess(account, domain): return account.upper(), domain\n"
            "def reload(): pass\n",
            "utf-8",
        )
        self.path.write_text("PROCESSOR: loading_hooks\nALIAS DOMAINS: example.com\n" + STATEMENTS, "utf-8")
        snapshot = load_snapshot(str(self.path))
        self.assertEqual(snapshot.tables[Table.LOCAL_PART]("xa7-shop-4"), Found("A7", "a7"))
        self.assertEqual(snapshot.tables[Table.VIRTUAL]("xa7-shop-4@example.com"), Found("A7@example.com", "a7"))
        self.assertEqual(snapshot.configuration.name, str(self.path))

    def test_errors(self) -> None:
        """What is wrong in the file or with its hooks is raised alike."""
        self.path.write_text("PROT: 3047\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load_snapshot, str(self.path))
        self.path.write_text("PROCESSOR: nowhere_to_be_found\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load_snapshot, str(self.path))

    def test_pauses(self) -> None:
        """A load gives way often, and what happens then ends it."""
        self.path.write_text(STATEMENTS, "utf-8")
        pauses: list[None] = []
        load_snapshot(str(self.path), lambda: pauses.append(None))
        self.assertGreater(len(pauses), 20)

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, load_snapshot, str(self.path), abandon)


class RestTests(SynchronousTestCase):
    """What is loaded is a file that nobody is writing."""

    def setUp(self) -> None:
        """Give each test a path of its own, and something to write."""
        self.path = Path(self.mktemp()).absolute()
        self.path.touch()
        self.pieces = ["ACCOUNT ", "foo ", "MATCHES "]
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let somebody write the next piece meanwhile."""
        self.slept.append(seconds)
        if self.pieces:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self.pieces.pop(0))

    def test_half_written(self) -> None:
        """A file that is written piece by piece is waited for until a moment after the last piece."""
        rested = wait_until_stable(str(self.path), lambda: None, self.sleep)
        self.assertEqual(fingerprint(str(self.path)), rested)
        self.assertEqual("ACCOUNT foo MATCHES ", self.path.read_text("utf-8"))
        self.assertEqual([STABLE_SECONDS] * 4, self.slept)

    def test_at_rest(self) -> None:
        """A file that nobody writes costs one moment."""
        self.pieces.clear()
        wait_until_stable(str(self.path), lambda: None, self.sleep)
        self.assertEqual([STABLE_SECONDS], self.slept)

    def test_restless(self) -> None:
        """After two seconds of changes it is an error of the configuration; the next look tries again."""
        self.pieces = ["\n"] * 100
        errors = self.assertRaises(ConfigurationErrors, wait_until_stable, str(self.path), lambda: None, self.sleep)
        expected = f"{self.path}: changes again and again, and is loaded once it is left alone"
        self.assertEqual(expected, str(errors).splitlines()[0])
        self.assertEqual(2, sum(self.slept))

    def test_abandoned(self) -> None:
        """Who stops the server does not wait for the file."""

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, wait_until_stable, str(self.path), abandon, self.sleep)
        self.assertEqual(1, len(self.slept))
