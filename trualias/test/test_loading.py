"""Tests of ``trualias.lookup.loading``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import ConfigurationErrors
from trualias.configuration.fingerprint import fingerprint
from trualias.configuration.tables import Table
from trualias.lookup import Found
from trualias.lookup.loading import STABLE_SECONDS, load_snapshot, wait_until_stable

STATEMENTS = "".join(f"ACCOUNT a{n} MATCHES %account%-%alpha%-%code% WITH CHARS();\n" for n in range(500))


class _LongestRun:
    """A trace function that counts the lines between two calls of ``pause``, each round of a loop for itself."""

    def __init__(self) -> None:
        self.most = 0
        self.ended_at = "the end"
        self._lines = 0

    def pause(self) -> None:
        """End a run of lines."""
        if self._lines > self.most:
            caller = sys._getframe(1)
            self.most, self.ended_at = self._lines, f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self._lines = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> _LongestRun:
        """Count a line."""
        self._lines += event == "line"
        return self

    def load(self, path: str) -> None:
        """Load a snapshot."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            load_snapshot(path, self.pause)
            self.pause()
        finally:
            sys.settrace(before)


def _each(statement: str, number: int) -> str:
    return "".join(f"{statement.format(n)}\n" for n in range(number))


def _names(number: int) -> str:
    return ", ".join(f"Name{n}" for n in range(number))


_MANY: dict[str, Callable[[int], str]] = {
    "accounts": lambda number: _each("ACCOUNT a{0} ALIASED b{0} MATCHES %alias%-%alpha%.%code% WITH CHARS();", number),
    "accounts of a domain": lambda number: (
        "ALIAS DOMAINS: a.example\n" + _each("ACCOUNT A{} AT a.example MATCHES %account%-%code% WITH x;", number)
    ),
    "statements with equal parts": lambda number: _each("ACCOUNT a MATCHES %ident%-shop-{}a.%code% WITH x;", number),
    "names of a statement": lambda number: f"ACCOUNT {_names(number)} MATCHES %account%-%code% WITH x;",
    "names on lines of their own": lambda number: (
        f"ALIAS DOMAINS: a.example\nACCOUNT {_names(number)} AT a.example MATCHES %account%-%code% WITH x;"
    ).replace(", ", ",\n"),
    "names beside a refusal": lambda number: (
        f"ACCOUNT {_names(number)} MATCHES %account%-%code% WITH x;\nREFUSE foo-bar;\n"
    ),
    "comments": lambda number: "# x\n" * number + "ACCOUNT a\n" + "# x\n" * number + "MATCHES %code% WITH x;\n",
    "aliases of a statement": lambda number: f"ACCOUNT a ALIASED {_names(number)} MATCHES %alias%-%code% WITH x;",
    "deliveries": lambda number: (
        _each("ACCOUNT a{} MATCHES %account%-%code% WITH x;", number)
        + _each("DELIVER a{0} TO b{0}@example.net;", number)
    ),
}
"""Configurations of so many statements, by what there are many of."""


class LoadTests(SynchronousTestCase):
    """Loading a snapshot from a path."""

    def setUp(self) -> None:
        """Make a path."""
        self.path = Path(self.mktemp()).absolute()

    def test_whole(self) -> None:
        """The snapshot has the policy of the file, and its hooks."""
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
        """Errors of the file, and of its hooks, are raised."""
        self.path.write_text("PROT: 3047\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load_snapshot, str(self.path))
        self.path.write_text("PROCESSOR: nowhere_to_be_found\n", "utf-8")
        self.assertRaises(ConfigurationErrors, load_snapshot, str(self.path))

    def test_pauses(self) -> None:
        """A load calls ``pause`` often, and an exception in it ends the load."""
        self.path.write_text(STATEMENTS, "utf-8")
        pauses: list[None] = []
        load_snapshot(str(self.path), lambda: pauses.append(None))
        self.assertGreater(len(pauses), 20)

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, load_snapshot, str(self.path), abandon)

    def test_no_long_run(self) -> None:
        """No pass over thousands of statements, names or refusals holds the interpreter without a pause."""
        for name, text in _MANY.items():
            self.path.write_text(text(1_000), "utf-8")
            run = _LongestRun()
            run.load(str(self.path))
            self.assertLess(run.most, 6_000, f"{name}: {run.ended_at}")


class StableFileTests(SynchronousTestCase):
    """The wait for a file to be stable."""

    def setUp(self) -> None:
        """Make a file, and pieces to append."""
        self.path = Path(self.mktemp()).absolute()
        self.path.touch()
        self.pieces = ["ACCOUNT ", "foo ", "MATCHES "]
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Append the next piece."""
        self.slept.append(seconds)
        if self.pieces:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self.pieces.pop(0))

    def test_half_written(self) -> None:
        """A file that is written piece by piece is stable some time after the last piece."""
        stable = wait_until_stable(str(self.path), lambda: None, self.sleep)
        self.assertEqual(fingerprint(str(self.path)), stable)
        self.assertEqual("ACCOUNT foo MATCHES ", self.path.read_text("utf-8"))
        self.assertEqual([STABLE_SECONDS] * 4, self.slept)

    def test_stable(self) -> None:
        """A file that does not change is stable after one sleep."""
        self.pieces.clear()
        wait_until_stable(str(self.path), lambda: None, self.sleep)
        self.assertEqual([STABLE_SECONDS], self.slept)

    def test_unstable(self) -> None:
        """A file that keeps changing for two seconds is an error."""
        self.pieces = ["\n"] * 100
        errors = self.assertRaises(ConfigurationErrors, wait_until_stable, str(self.path), lambda: None, self.sleep)
        expected = f"{self.path}: changes again and again, and is loaded once it is left alone"
        self.assertEqual(expected, str(errors).splitlines()[0])
        self.assertEqual(2, sum(self.slept))

    def test_abandoned(self) -> None:
        """An exception in ``pause`` ends the wait."""

        def abandon() -> None:
            raise InterruptedError

        self.assertRaises(InterruptedError, wait_until_stable, str(self.path), abandon, self.sleep)
        self.assertEqual(1, len(self.slept))
