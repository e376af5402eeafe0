"""Tests of trualias.loading."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors
from trualias.loading import load
from trualias.lookup import Found

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
        snapshot = load(str(self.path))
        self.assertEqual(snapshot.table("xa7-shop-4"), Found("A7", "a7"))
        self.assertEqual(snapshot.virtual("xa7-shop-4@example.com"), Found("A7@example.com", "a7"))
        self.assertEqual(snapshot.configuration.name, str(self.path))

    def test_errors(self) -> None:
        """What is wrong in the file or with its hooks is raised alike."""
        self.path.write_text("PROT: 3047\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load, str(self.path))
        self.path.write_text("PROCESSOR: nowhere_to_be_found\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load, str(self.path))

    def test_pauses(self) -> None:
        """A load gives way often, and what happens then ends it."""
        self.path.write_text(STATEMENTS, "utf-8")
        pauses: list[None] = []
        load(str(self.path), lambda: pauses.append(None))
        self.assertGreater(len(pauses), 20)

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, load, str(self.path), abandon)
