"""Tests of the page about the architecture: the files that it names exist, and its worked examples are right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

import trualias
from trualias.analysis.overlap import find_overlaps
from trualias.configuration import Configuration, parse_configuration
from trualias.configuration.tables import Table
from trualias.language.functions import FUNCTIONS
from trualias.language.spans import Spans
from trualias.language.tree import Account, Call, CodeField, FieldClass, Identifier, Item, Literal
from trualias.log import reset_level
from trualias.lookup import Found, NotFound
from trualias.server.application import Application, Reactor
from trualias.store.sqlite_file import create
from trualias.test.examples import Block, RstTable, cell_text, read_rst
from trualias.test.naive import Reading, contributions, readings, verifies
from trualias.testing.requirements import source_tree
from trualias.testing.workers import ImmediateWorker

# An inline literal that names a file or a folder: it has a slash, or the extension of a file in the source tree.
_PATH = re.compile(r"``([\w.]+/[\w./-]*|[\w-]+\.(?:py|rst|lark|json|toml|conf))``")


def read_page(name: str = "docs/architecture.rst") -> str:
    """Return the text of a document."""
    return (source_tree() / name).read_text("utf-8")


def find_table(*head: str) -> RstTable:
    """Return the page's table that has this head."""
    (table,) = (part for part in read_rst(read_page()) if isinstance(part, RstTable) and part.head == head)
    return table


def configuration_before(table: RstTable) -> Configuration:
    """Return the last configuration of the page before a table."""
    parts = list(read_rst(read_page()))
    blocks = [part for part in parts[: parts.index(table)] if isinstance(part, Block) and part.is_configuration]
    return parse_configuration(blocks[-1].text, "policy.conf")


def statements(configuration: Configuration) -> list[Account]:
    """Return the account statements of a configuration."""
    return [rule.statement for rule in configuration.policy.rules]


def offsets(bits: int) -> list[int]:
    """Return the members of a set of offsets, in ascending order."""
    return [offset for offset in range(bits.bit_length()) if bits >> offset & 1]


def written(item: Item) -> str:
    """Return an item as a configuration has it."""
    if isinstance(item, Call):
        return f"{item.function}({','.join(argument.text for argument in item.arguments)})"
    return item.text


def elements(reading: Reading) -> list[str]:
    """Return for each character of an address the element of the statement that it belongs to.

    Each item must contribute one character.
    """
    found: list[str] = []
    for token, piece in zip(reading.statement.expression, reading.pieces, strict=True):
        match token:
            case Identifier(field_class):
                found += [f"%{field_class.value}%"] * len(piece)
            case CodeField():
                found += map(written, reading.statement.items)
            case Literal(text):
                found += text
            case _:
                raise AssertionError(token)
    return found


class FilesTests(SynchronousTestCase):
    """The files and packages that documents for contributors name."""

    def test_every_file_exists(self) -> None:
        """Every file or folder that the page names exists, below the root of the source tree or below trualias/."""
        root = source_tree()
        named = set(_PATH.findall(read_page()))
        self.assertGreater(len(named), 60)
        self.assertEqual(
            [], sorted(name for name in named if not (root / name).exists() and not (root / "trualias" / name).exists())
        )

    def test_every_package_is_named(self) -> None:
        """The table of the packages has every package of trualias but the tests, and no other."""
        root = Path(trualias.__file__).parent
        packages = {f"{path.parent.name}/" for path in root.glob("*/__init__.py")} - {"test/", "testing/"}
        table = find_table("package", "charter")
        self.assertEqual(packages, {cell_text(row[0]) for row in table.rows})

    def test_linked(self) -> None:
        """The README, the index of the documentation and the rules for contributors refer to the page."""
        for name, reference in (
            ("README.rst", "``docs/architecture.rst``"),
            ("CONTRIBUTING.rst", "``docs/architecture.rst``"),
            ("docs/index.rst", "\n   architecture\n"),
        ):
            self.assertIn(reference, read_page(name), name)


class ServiceTests(SynchronousTestCase):
    """The table of the services."""

    def test_services(self) -> None:
        """It has the services of a process with everything, in their order, each with the module of its class."""
        self.addCleanup(reset_level)
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        path = folder / "trualias.conf"
        path.write_text(
            "STORE: sqlite:memory.sqlite\nMETRICS: 127.0.0.1:9347\nPORT: 3048\nALIAS DOMAINS: example.com\n"
            "LISTEN: policy unix:/run/trualias/policy\nACCOUNT foo MATCHES %account%-%alnum%-%code% WITH CHARS();\n"
        )
        create(str(folder / "memory.sqlite"))
        reactor = cast(Reactor, MemoryReactorClock())
        server = Application(
            Table.VIRTUAL, str(path), (), reactor, lambda name: ImmediateWorker(), {}, str(folder)
        ).make_service()
        classes = dict.fromkeys(type(service) for service in server)
        rows = [tuple(map(cell_text, row[:2])) for row in find_table("service", "module", "task").rows]
        found = [(one.__name__, f"{one.__module__.removeprefix('trualias.').replace('.', '/')}.py") for one in classes]
        self.assertEqual(found, rows)


class AdditionTests(SynchronousTestCase):
    """The instructions for additions."""

    def test_functions_are_in_the_named_files(self) -> None:
        """Each file to change for a code function names the existing functions, and the parser names none."""
        section = read_page().partition("A code function\n")[2].partition("The parser ``")[0]
        root = source_tree()
        for name in (
            "trualias/test/naive.py",
            "trualias/test/strategies.py",
            "benchmarks/mutations.py",
            "docs/conf.py",
        ):
            self.assertIn(f"``{name}``", section)
            text = (root / name).read_text("utf-8")
            self.assertEqual([], [function for function in FUNCTIONS if not re.search(rf"\b{function}\b", text)], name)
        parser = (root / "trualias/language/statement_parser.py").read_text("utf-8")
        self.assertEqual([], [function for function in FUNCTIONS if re.search(rf"\b{function}\b", parser)])

    def test_names_are_in_the_named_files(self) -> None:
        """A name of the source that stands after a file in a step of the instructions is assigned or defined there."""
        root = source_tree()
        section = read_page().partition("\nCommon additions\n")[2].partition("\nMatching: ")[0]
        named = re.findall(r"^\d\. ``([\w/.]+\.py)``:[^`]*``(_?[A-Za-z]\w+)``", section, re.MULTILINE)
        self.assertGreater(len(named), 5)
        for file, name in named:
            path = root / file if (root / file).exists() else root / "trualias" / file
            is_defined = rf"^ *(?:class |def )?{name}\b *[:=(]"
            self.assertRegex(path.read_text("utf-8"), re.compile(is_defined, re.MULTILINE), f"{file}: {name}")


class AlgorithmTests(SynchronousTestCase):
    """The worked examples of the algorithms."""

    def test_readings(self) -> None:
        """The table of readings has every reading of the address, with its offset and its right code."""
        table = find_table("offset of is", "identifier 1", "identifier 2", "right code")
        configuration = configuration_before(table)
        (statement,) = statements(configuration)
        found = []
        for reading in readings(statement, "samisalisson.37"):
            one, _, other, *_ = reading.pieces
            codes = [contributions(item, reading.words()) for item in statement.items]
            found.append((str(len(one)), one, other, "".join(text for texts in codes for text in texts)))
        self.assertEqual(list(table.rows), found)
        outcome = configuration.policy.resolve("samisalisson.55")
        assert isinstance(outcome, NotFound)
        self.assertEqual(("baz",), outcome.near_misses)

    def test_counting(self) -> None:
        """The sets of offsets are those that the spans of the address give, and the address has several readings."""
        table = find_table("set", "offsets")
        configuration = configuration_before(table)
        text = "axxexx.10"
        spans = Spans(text)
        dot = 1 << text.index(".")
        classes = spans.ends_in_class(FieldClass.ALPHA, 0)
        literals = spans.positions("x")
        vowels = spans.ends_with_count(FUNCTIONS["VOWELS"].counted, 0, 1)
        ends = classes & literals & vowels
        starts = ends << 1
        last = 0
        for start in offsets(starts):
            in_class = spans.ends_in_class(FieldClass.ALPHA, start)
            last |= in_class & dot & spans.ends_with_count(FUNCTIONS["DIGITS"].counted, start, 0)
        expected = [offsets(members) for members in (classes, literals, vowels, ends, starts, last)]
        self.assertEqual([list(map(int, row[1].split())) for row in table.rows], expected)
        self.assertEqual(Found("baz", "baz", readings=2), configuration.policy.resolve(text))

    def test_overlap(self) -> None:
        """The search finds the address of the table, and each character belongs to the elements in its row."""
        table = find_table("character", "foo reads", "baz reads")
        configuration = configuration_before(table)
        columns = [[cell_text(cell) for cell in column] for column in zip(*table.rows, strict=True)]
        address = "".join(columns[0])
        (overlap,) = find_overlaps(configuration.policy).overlaps
        self.assertEqual(address, overlap.local_part)
        for statement, column in zip(statements(configuration), columns[1:], strict=True):
            (reading,) = filter(verifies, readings(statement, address))
            self.assertEqual(column, elements(reading))
