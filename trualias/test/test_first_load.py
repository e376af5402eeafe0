"""Tests of ``trualias.server.first_load``."""

import os
from collections.abc import Callable
from pathlib import Path

from attrs import evolve
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors
from trualias.configuration.fingerprint import MissingFile, fingerprint
from trualias.lookup.loading import load_snapshot
from trualias.server.first_load import CannotStart, FirstLoad, FirstLoader
from trualias.server.kept_copy import KeptCopy, write_copy
from trualias.server.safeguards import Extent

ONE = "ACCOUNT one MATCHES %account%-%alpha%-%code% WITH CHARS();\n"
TWO = ONE.replace("one", "two")
BAD = "PROT: 3\n"


class FirstLoaderTests(SynchronousTestCase):
    """First loads, on a clock that only sleeping advances."""

    def setUp(self) -> None:
        """Write a configuration that has not changed for an hour."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(mode=0o700)
        self.path = folder / "trualias.conf"
        self.copy = str(folder / "virtual.kept")
        self.path.write_text(ONE, "utf-8")
        self.age = 3600.0
        self.slept: list[float] = []
        self.notified: list[tuple[str, ...]] = []
        self.on_sleep: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.slept.append(seconds)
        self.on_sleep()

    def load(self, check: Callable[[Configuration], None] = lambda configuration: None) -> FirstLoad:
        """Load the configuration; ``logged`` is what is logged meanwhile."""
        status = self.path.stat() if self.path.exists() else os.stat(".")
        changed = max(status.st_mtime, status.st_ctime)
        loader = FirstLoader(
            str(self.path),
            self.copy,
            check,
            lambda *assignments: self.notified.append(assignments),
            self.sleep,
            lambda: sum(self.slept),
            lambda: changed + self.age,
        )
        with capturedLogs() as events:
            try:
                return loader.load()
            finally:
                self.logged = [formatEvent(event).replace(str(self.path), "FILE") for event in events]

    def keep(self, text: str, *, ended: bool = False) -> KeptCopy:
        """Keep the copy of a configuration."""
        other = self.path.with_name("other.conf")
        other.write_text(text, "utf-8")
        extent = Extent.of(load_snapshot(str(other)).configuration)
        kept = KeptCopy(str(self.path), text, 1_000_000_000.0, evolve(extent, ended=ended))
        write_copy(self.copy, kept)
        return kept

    def accounts(self, loaded: FirstLoad) -> list[str]:
        """Return the accounts of a loaded snapshot."""
        return sorted(loaded.snapshot.configuration.policy.accounts)

    def test_included_files(self) -> None:
        """Included files are watched from the first load on; one that is lost starts the copy, which has its text."""
        folder = self.path.parent / "conf.d"
        folder.mkdir()
        included = folder / "one.conf"
        included.write_text(ONE, "utf-8")
        self.path.write_text("INCLUDE: conf.d/*.conf\n", "utf-8")
        loaded = self.load()
        self.assertEqual({"one"}, loaded.snapshot.configuration.policy.accounts)
        self.assertEqual(loaded.seen, loaded.files.fingerprint())
        configuration = loaded.snapshot.configuration
        extent = Extent.of(configuration)
        write_copy(self.copy, KeptCopy(str(self.path), configuration.text, 1.0, extent, configuration.included))
        included.unlink()
        self.assertNotEqual(loaded.seen, loaded.files.fingerprint())
        fallback = self.load()
        self.assertTrue(fallback.is_fallback)
        self.assertEqual({"one"}, fallback.snapshot.configuration.policy.accounts)
        self.assertIn("INCLUDE: no file matches", self.logged[0])

    def test_ordinary(self) -> None:
        """A file that has not changed lately is loaded without a wait."""
        before = fingerprint(str(self.path))
        loaded = self.load()
        self.assertEqual((["one"], before, False), (self.accounts(loaded), loaded.seen, loaded.is_fallback))
        self.assertEqual(([], [], []), (self.slept, self.notified, self.logged))

    def test_recent(self) -> None:
        """A file that changed within a second, or in the future, is examined again after 0.25 s."""
        for self.age in (0.9, -3600.0):
            self.slept.clear()
            self.load()
            self.assertEqual([0.25], self.slept)
        self.assertEqual([], self.logged)

    def test_half_written(self) -> None:
        """A file that is being written is loaded once it has not changed for 0.25 s."""
        self.age = 0.0
        self.path.write_text("ACCOUNT ", "utf-8")
        pieces = ["two MATCHES ", "%account%-%alpha%-%code% WITH ", "CHARS();\n"]

        def write_piece() -> None:
            if pieces:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(pieces.pop(0))

        self.on_sleep = write_piece
        loaded = self.load()
        self.assertEqual(["two"], self.accounts(loaded))
        self.assertEqual([0.25] * 4, self.slept)
        self.assertEqual(["waiting up to 30 s for FILE: it is being changed"], self.logged)
        self.assertEqual(
            [("EXTEND_TIMEOUT_USEC=10000000", f"STATUS=waiting for {self.path}: it is being changed")] * 3,
            self.notified,
        )

    def test_changed_during_the_load(self) -> None:
        """A file that changes while it is loaded with errors is loaded again."""
        self.path.write_text(BAD, "utf-8")
        changes = [TWO]

        def check(configuration: Configuration) -> None:
            raise ConfigurationErrors([configuration.error(0, "no")])

        def change(configuration: Configuration) -> None:
            if changes:
                self.path.write_text(changes.pop(), "utf-8")
                check(configuration)

        self.path.write_text(ONE, "utf-8")
        self.assertEqual(["two"], self.accounts(self.load(change)))

    def change_always(self) -> None:
        """Change the file during each sleep."""
        self.age = 0.0
        self.on_sleep = lambda: self.path.write_text(ONE + "\n" * len(self.slept), "utf-8")

    def test_restless(self) -> None:
        """A file that changes for 30 s is not loaded; the kept copy is, and the first check loads the file."""
        self.change_always()
        error = self.assertRaises(CannotStart, self.load)
        self.assertEqual(f"{self.path}: has been changing for 30 s", str(error))
        self.assertEqual(30, sum(self.slept))
        self.slept.clear()
        self.keep(TWO)
        loaded = self.load()
        self.assertEqual(["two"], self.accounts(loaded))
        self.assertIsInstance(loaded.seen, MissingFile)

    def test_errors(self) -> None:
        """A file with errors ends the start with all of them, if no copy was kept."""
        self.path.write_text(BAD + "PORT: x\n", "utf-8")
        error = self.assertRaises(CannotStart, self.load)
        self.assertIn(f"{self.path}:1:1: unknown setting 'PROT'", str(error))
        self.assertIn(f"{self.path}:2:7: PORT: 'x' is not a port", str(error))

    def test_fallback(self) -> None:
        """A file with errors is replaced by the kept copy; the log has the date, and the settings that differ."""
        kept = self.keep("ALLOW: 192.0.2.0/24\nMETRICS:  127.0.0.1:9347\n" + TWO)
        self.path.write_text(BAD + "LISTEN: tcp_table tcp:25\nMETRICS: 127.0.0.1:9347\n", "utf-8")
        loaded = self.load()
        self.assertEqual((["two"], kept, True), (self.accounts(loaded), loaded.kept, loaded.is_fallback))
        self.assertEqual(str(self.path), loaded.snapshot.configuration.name)
        self.assertEqual(fingerprint(str(self.path)), loaded.seen)
        [message] = self.logged
        self.assertIn(f"FILE cannot be used, and the server starts with {kept.description}", message)
        self.assertIn("in the file, ALLOW, LISTEN differ\n", message)
        self.assertIn("FILE:1:1: unknown setting 'PROT'", message)
        self.assertRegex(kept.description, r"\Athe copy of 2001-09-0[89] \d\d:\d\d:\d\d [+-]\d{4}\Z")

    def test_same_settings(self) -> None:
        """The log says as well that ALLOW, LISTEN and METRICS are the same."""
        self.keep(TWO)
        self.path.write_text(BAD, "utf-8")
        self.load()
        self.assertIn("ALLOW, LISTEN, METRICS are the same in both\n", self.logged[0])

    def test_gone(self) -> None:
        """A missing file is replaced by the kept copy, and is loaded when it is back."""
        self.keep(TWO)
        before = fingerprint(str(self.path))
        self.path.unlink()
        loaded = self.load()
        self.assertEqual(["two"], self.accounts(loaded))
        self.assertNotEqual(before, loaded.seen)
        self.assertIn("cannot be read: No such file or directory", self.logged[0])

    def test_fifo(self) -> None:
        """A FIFO in place of the file is not waited for: the copy is loaded."""
        self.keep(ONE)
        self.path.unlink()
        os.mkfifo(self.path)
        self.assertTrue(self.load().is_fallback)
        self.assertIn("FILE: is not a regular file", self.logged[0])
        self.assertIn("the file cannot be read", self.logged[0])

    def test_lost_content(self) -> None:
        """A file without statements, or without END, is refused if the kept copy has them."""
        self.keep(TWO)
        self.path.write_text("PORT: 3047\n", "utf-8")
        self.assertEqual(["two"], self.accounts(self.load()))
        self.assertIn("has no account statement", self.logged[0])
        self.keep(TWO, ended=True)
        self.path.write_text(ONE, "utf-8")
        self.assertEqual(["two"], self.accounts(self.load()))
        self.assertIn("does not end with END", self.logged[0])

    def test_no_fallback(self) -> None:
        """Without the path of a copy none is compared or used."""
        self.keep(TWO)
        self.copy = ""
        self.path.write_text("", "utf-8")
        loader = FirstLoader(str(self.path), None, lambda configuration: None, lambda *assignments: None)
        self.assertEqual([], self.accounts(loader.load()))

    def test_bad_hooks(self) -> None:
        """A broken hook module ends the start, with the kept copy as well."""
        hooks = "ACCOUNTS = ALIASES = None\npreprocess = postprocess = print\ndef reload(): pass\n"
        module = self.path.with_name("first_hooks.py")
        module.write_text(hooks, "utf-8")
        self.keep("PROCESSOR: first_hooks\n" + TWO)
        module.write_text("1 / 0", "utf-8")
        self.path.write_text("PROCESSOR: first_hooks\n" + ONE, "utf-8")
        error = str(self.assertRaises(CannotStart, self.load))
        self.assertEqual(2, error.count("ZeroDivisionError"))
        self.assertIn("has errors as well:", error)
        module.write_text(hooks, "utf-8")
        self.path.write_text(BAD, "utf-8")
        self.assertEqual(["two"], self.accounts(self.load()))

    def test_unusable_copy(self) -> None:
        """A damaged copy is logged, does not keep a good file from being loaded, and is named if the file is bad."""
        self.keep(TWO)
        Path(self.copy).write_text("damaged", "utf-8")
        self.assertEqual(["one"], self.accounts(self.load()))
        self.assertEqual([f"the kept copy cannot be used: {self.copy} is damaged"], self.logged)
        self.path.write_text(BAD, "utf-8")
        error = str(self.assertRaises(CannotStart, self.load))
        self.assertTrue(error.endswith(f"\nthe kept copy cannot be used: {self.copy} is damaged"), error)

    def test_copy_of_another_file(self) -> None:
        """The copy of another file is neither compared nor used."""
        write_copy(self.copy, evolve(self.keep(TWO), path="/etc/other.conf"))
        self.path.write_text("", "utf-8")
        self.assertEqual([], self.accounts(self.load()))
        self.path.write_text(BAD, "utf-8")
        self.assertRaises(CannotStart, self.load)
