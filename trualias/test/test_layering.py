"""Tests of the imports between modules: import-linter's contracts, and the rules that it cannot express."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.testing.requirements import source_tree

PACKAGE = Path(trualias.__file__).parent
TESTS = ("test", "testing")

# What works without files, clocks and sockets, and the foreign modules that it may import.
PURE_PACKAGES = ("messages", "errors", "language", "matching", "analysis")
PURE_IMPORTS = frozenset(
    {
        "__future__",
        "ahocorasick",
        "array",
        "attr",
        "attrs",
        "bisect",
        "collections",
        "difflib",
        "enum",
        "functools",
        "heapq",
        "idna",
        "itertools",
        "json",
        "math",
        "os.path.basename",
        "random",
        "re",
        "string",
        "typing",
        "unicodedata",
    }
)
# Word lists are files: one module reads them, the other makes the list that is shipped.
FILE_READERS = ("analysis.words.lists", "analysis.words.make")

# The modules that may import Twisted, and the part that each may import.
TWISTED_PACKAGES = ("protocols", "web", "server", "tap", "tap_table", "tap_virtual")
TWISTED_LOGGER = ("log", "observers")
# Only Twisted knows which endpoint strings are valid.
TWISTED_ENDPOINTS = "configuration.endpoints"


def imported(source: str, module: str) -> Iterator[str]:
    """Yield the full names that the *source* of the dotted *module* imports anywhere: modules, or names in them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            parent = ".".join((*above, *((node.module,) if node.module else ())))
            yield from (f"{parent}.{alias.name}" for alias in node.names)


def is_within(name: str, packages: tuple[str, ...] | frozenset[str]) -> bool:
    """Return whether the dotted *name* is one of these modules or packages, or lies within one."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def imports() -> set[tuple[str, str]]:
    """Return each module of the package apart from its tests, named below ``trualias``, with each name it imports."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not is_within(name, TESTS):
            found |= {
                (name.removesuffix(".__init__"), used) for used in imported(path.read_text("utf-8"), f"trualias.{name}")
            }
    return found


class ImportedTests(SynchronousTestCase):
    """The functions that the other tests rely on."""

    def test_every_form(self) -> None:
        """Every form of import is found, also one within a function."""
        source = (
            "import os.path, re as r\n"
            "from trualias.protocols.wire import Get\n"
            "from . import lookup\n"
            "from .policy import tree\n"
            "def f():\n"
            "    from twisted.internet import reactor\n"
        )
        expected = [
            "os.path",
            "re",
            "trualias.protocols.wire.Get",
            "trualias.lookup",
            "trualias.policy.tree",
            "twisted.internet.reactor",
        ]
        self.assertEqual(sorted(expected), sorted(imported(source, "trualias.service")))

    def test_is_within(self) -> None:
        """A package contains its modules and their names, but no module whose name only has the same beginning."""
        self.assertTrue(is_within("tap", ("web", "tap")))
        self.assertTrue(is_within("language.tree.Statement", ("language",)))
        self.assertFalse(is_within("tap_table", ("tap",)))

    def test_imports(self) -> None:
        """The package's own modules are read, without the tests."""
        found = imports()
        self.assertTrue(("tap", "twisted.internet.reactor") in found)
        self.assertEqual(set(), {name for name, _ in found if name.split(".")[0] in TESTS})


class LayeringTests(SynchronousTestCase):
    """The direction of imports."""

    def test_contracts(self) -> None:
        """The contracts of import-linter in ``pyproject.toml`` hold.

        It runs in its own process: the attributes that zope.interface adds to abc.ABC break its contract classes.
        """
        command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        done = subprocess.run(
            (sys.executable, "-c", command, "--no-cache", "--no-logo", str(source_tree() / "pyproject.toml")),
            cwd=source_tree(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertIn("2 kept, 0 broken", done.stdout)

    def assert_none(self, found: set[tuple[str, str]]) -> None:
        """Assert that no import is against the rule of the test."""
        self.assertEqual([], [f"{name} imports {used}" for name, used in sorted(found)])

    def test_tests_are_not_imported(self) -> None:
        """Production code imports neither the tests nor their support."""
        tests = tuple(f"trualias.{package}" for package in TESTS)
        self.assert_none({(name, used) for name, used in imports() if is_within(used, tests)})

    def test_pure_packages(self) -> None:
        """Messages, language, matching and analysis know neither Twisted nor files, clocks or sockets."""
        self.assert_none(
            {
                (name, used)
                for name, used in imports()
                if is_within(name, PURE_PACKAGES) and name not in FILE_READERS
                if not is_within(used, PURE_IMPORTS) and not is_within(used, ("trualias",))
            }
        )

    def test_twisted(self) -> None:
        """Only the packages that serve import Twisted; logging imports its logger, endpoint checks its endpoints."""
        self.assert_none(
            {
                (name, used)
                for name, used in imports()
                if is_within(used, ("twisted",)) and not is_within(name, TWISTED_PACKAGES) and name != TWISTED_ENDPOINTS
                if not (name in TWISTED_LOGGER and is_within(used, ("twisted.logger",)))
            }
        )

    def test_reactor(self) -> None:
        """Only ``tap`` imports the global reactor; everything else is given one."""
        users = {name for name, used in imports() if is_within(used, ("twisted.internet.reactor",))}
        self.assertEqual({"tap"}, users)
