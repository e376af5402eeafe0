"""Which module may import which: imports point one way, towards the policies."""

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import trualias

PACKAGE = Path(trualias.__file__).parent

# Each module imports only modules that stand before it. A new module needs its place here.
POLICY = (
    "messages",
    "language.source",
    "language.memo",
    "language.tree",
    "language.fields",
    "language.spans",
    "language.functions",
    "language.rule",
    "language.splitter",
    "language.grammar",
    "language.parser",
    "matching.outcome",
    "language.checks",
    "matching.codes",
    "matching.segments",
    "matching.counting",
    "matching.matcher",
    "matching.index",
    "matching.policy",
    "analysis.alignment",
    "analysis.explanation",
    "analysis.composition",
    "analysis.statement_automaton",
    "analysis.intersection",
    "analysis.overlap",
    "analysis.reachability",
    "analysis.code_distribution",
    "analysis.rule_inference",
    "analysis.strength",
)
LOOKUPS = (
    "log",
    "configuration.tables",
    "configuration.locations",
    "configuration.settings",
    "configuration.reader",
    "protocols.wire",
    "monitoring.statistics",
    "monitoring.counters",
    "lookup.answers",
    "lookup.tables",
    "lookup.snapshot",
    "configuration.permissions",
    "lookup.hooks",
    "lookup.expectations",
    "configuration.fingerprint",
    "lookup.loading",
    "server.gc_tuning",
)
# Who is to say where servers would listen needs Twisted's word for it.
ENDPOINTS = ("configuration.endpoints",)
SERVERS = (
    "protocols.refusal_log",
    "protocols.clients",
    "server.file_limits",
    "protocols.sockets",
    "protocols.reply",
    "protocols.write_batch",
    "protocols.reply_cache",
    "protocols.responder",
    "protocols.scheduling",
    "protocols.connection",
    "protocols.tcp_table",
    "protocols.socketmap",
    "web.site",
    "web.health",
    "web.prometheus",
    "server.twisted_internals",
    "server.listening",
    "server.monotonic_clock",
    "server.periodic",
    "server.load_thread",
    "server.reload",
    "server.settings_effects",
    "server.statistics_service",
    "server.signals",
    "server.systemd",
    "server.web_service",
    "server.application",
    "observers",
    "tap",
    "tap_table",
    "tap_virtual",
)
COMMAND_LINE = (
    "analysis.words.make",
    "analysis.words.lists",
    "analysis.lint",
    "commands.terminal",
    "commands.output",
    "commands.options",
    "commands.progress",
    "commands.query",
    "commands.check_text",
    "commands.check",
    "commands.spelling",
    "commands.explain_case",
    "commands.compose_text",
    "commands.compose",
    "commands.explain_text",
    "commands.explain",
    "commands.strength_text",
    "commands.strength",
    "commands.maillog",
    "commands.replay",
    "commands.completion",
    "commands.arguments",
    "main",
)

# What the policies may use of others' code: nothing that reads a clock or the network, or a file but our own grammar.
PURE = frozenset(
    {
        "__future__",
        "ahocorasick",
        "attr",
        "attrs",
        "bisect",
        "collections",
        "difflib",
        "enum",
        "functools",
        "heapq",
        "importlib",
        "itertools",
        "json",
        "lark",
        "math",
        "random",
        "re",
        "string",
        "threading",
        "typing",
    }
)


def imported(source: str, module: str) -> Iterator[str]:
    """Give the full names that the *source* of the dotted *module* imports anywhere: modules, or names in them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            parent = ".".join((*above, *((node.module,) if node.module else ())))
            yield from (f"{parent}.{alias.name}" for alias in node.names)


def modules() -> dict[str, Path]:
    """Our own modules but the tests and the packages' roots: name below ``trualias`` and file."""
    paths = (path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    names = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in paths}
    return {name: path for name, path in names.items() if not name.startswith("test.")}


def imports_of(name: str) -> set[str]:
    """The full names that our module *name* imports."""
    return set(imported(modules()[name].read_text("utf-8"), f"trualias.{name}"))


def ours(name: str) -> str | None:
    """The name below ``trualias`` of the module that *name* is, or is a name in; None where that is none of ours."""
    below = name.removeprefix("trualias.")
    found = (module for module in modules() if name != below and f"{below}.".startswith(f"{module}."))
    return max(found, key=len, default=None)


class ImportedTests(SynchronousTestCase):
    """The reading of imports that the other tests rely on."""

    def test_every_form(self) -> None:
        """Every form of import counts, also within a function."""
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

    def test_ours(self) -> None:
        """A module of ours is told from its names, from packages and from others' modules."""
        self.assertEqual("language.tree", ours("trualias.language.tree.Statement"))
        self.assertEqual("tap_table", ours("trualias.tap_table"))
        self.assertIsNone(ours("trualias.language"))
        self.assertIsNone(ours("trualias.__version__"))
        self.assertIsNone(ours("log"))


class LayeringTests(SynchronousTestCase):
    """The order of the house."""

    def assert_order(self, *layers: tuple[str, ...]) -> None:
        """Assert that each module of the *layers*, lowest first, imports only those of ours that stand before it."""
        order = [name for layer in layers for name in layer]
        upwards = [
            f"{name} imports {other}"
            for position, name in enumerate(order)
            for other in sorted(filter(None, map(ours, imports_of(name))))
            if other not in order[:position]
        ]
        self.assertEqual([], upwards)

    def test_every_module_has_its_place(self) -> None:
        """Every module stands in exactly one of the layers, and the layers name no module that there is not."""
        self.assertEqual(sorted(modules()), sorted(POLICY + LOOKUPS + ENDPOINTS + SERVERS + COMMAND_LINE))

    def test_servers(self) -> None:
        """From the plugins' modules imports point down to the policies; the command line is none of theirs."""
        self.assert_order(POLICY, LOOKUPS, ENDPOINTS, SERVERS)

    def test_command_line(self) -> None:
        """The command line stands on the lookups and needs no server."""
        self.assert_order(POLICY, LOOKUPS, ENDPOINTS, COMMAND_LINE)

    def test_tests_are_not_imported(self) -> None:
        """What runs does not need the tests."""
        users = [name for name in modules() if any(used.startswith("trualias.test") for used in imports_of(name))]
        self.assertEqual([], users)

    def test_policies_are_pure(self) -> None:
        """The policies know neither Twisted nor files, clocks or sockets."""
        impure = {
            (name, used)
            for name in POLICY
            for used in imports_of(name)
            if used.split(".")[0] not in PURE and ours(used) is None
        }
        self.assertEqual(set(), impure)

    def test_twisted_is_for_the_servers(self) -> None:
        """All but the servers know at most Twisted's log, which runs nothing."""
        users = {
            (name, used)
            for name in LOOKUPS + COMMAND_LINE
            for used in imports_of(name)
            if used.startswith("twisted.") and not used.startswith("twisted.logger.")
        }
        self.assertEqual(set(), users)

    def test_one_place_for_the_reactor(self) -> None:
        """Only tap takes the global reactor; everybody else is given one."""
        users = [name for name in modules() if "twisted.internet.reactor" in imports_of(name)]
        self.assertEqual(["tap"], users)
