"""The JSON output of the commands, held against ``docs/trualias.schema.json``."""

import json
import os
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasRecord, AliasState, AliasStates
from trualias.lookup.locks import Lock
from trualias.main import command_line, run
from trualias.store.guesses import Guesses
from trualias.store.records import Change, Position, Use
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import StatesCopy, copy_file_name, encode
from trualias.testing.requirements import source_tree

GOOD = """\
ALIAS DOMAINS: example.com
PROCESSOR: hooks_of_the_schema
ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHAR(1,-), ANY();
ACCOUNT foo ALIASED pinky MATCHES %alias%+%fqdn%+%code% WITH LABELS();
ACCOUNT qux MATCHES %account%.%alnum%.%code% WITH x, CHARS();
ACCOUNT two MATCHES %alpha%is%alpha%.%code% WITH CHARS(1), CHARS(2);
"""
OTHER = "ACCOUNT foo MATCHES %account%.%alnum%.%code% WITH CHARS();\n"
BAD = "PRT: 1\nACCOUNT foo MATCHES %acount%-%code% WITH x;\n"
HOOKS = """\
ACCOUNTS = ALIASES = frozenset()
def preprocess(alias, domain):
    if alias == "refused":
        return None
    if alias == "fault":
        raise ValueError(alias)
    return alias.lower(), domain
def postprocess(account, domain):
    return account, domain
def reload():
    pass
"""


def schema() -> dict[str, Any]:
    """Return the schema of all commands."""
    text = (source_tree() / "docs" / "trualias.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def commands_with_json(parser: ArgumentParser, name: str) -> Iterator[str]:
    """Yield the names of the commands below a parser that have ``--json``, such as ``alias-list``."""
    if "--json" in parser._option_string_actions:
        yield name
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for word, command in action.choices.items():
                yield from commands_with_json(command, f"{name}-{word}".removeprefix("-"))


class SchemaTests(SynchronousTestCase):
    """Commands in a folder with configurations."""

    def setUp(self) -> None:
        """Write the files."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder)
        files = {"good.conf": GOOD, "bad.conf": BAD, "other.conf": OTHER, "hooks_of_the_schema.py": HOOKS}
        for name, text in files.items():
            Path(name).write_text(text)
        Path("includes.conf").write_text("INCLUDE: other.conf\n")
        Path("includes-bad.conf").write_text("INCLUDE: bad.conf\n")
        Path("used.txt").write_text("foo.macys.mm\nfoo.macys.5\nqux.macys.x5\nfault\n")

    def outputs(self, *commands: str) -> Iterator[Any]:
        """Run commands, and yield the JSON that each prints."""
        for command in commands:
            output, errors = StringIO(), StringIO()
            run(command.split(), Terminal(BytesIO(), output, errors))
            self.assertTrue(output.getvalue(), errors.getvalue())
            yield json.loads(output.getvalue())

    def assert_valid(self, name: str, *commands: str) -> None:
        """Assert that the outputs are as the schema of a command says."""
        validator = Draft202012Validator({"$defs": schema()["$defs"], "$ref": f"#/$defs/{name}"})
        any_command = Draft202012Validator(schema())
        for command, output in zip(commands, self.outputs(*commands), strict=True):
            errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(output)]
            self.assertEqual([], errors, command)
            self.assertTrue(any_command.is_valid(output), command)

    def test_schema(self) -> None:
        """The schema itself is valid, and has every command with ``--json``."""
        Draft202012Validator.check_schema(schema())
        self.assertEqual(sorted(commands_with_json(command_line(), "")), sorted(schema()["$defs"]))
        self.assertEqual([{"$ref": f"#/$defs/{name}"} for name in schema()["$defs"]], schema()["anyOf"])

    def test_descriptions(self) -> None:
        """Every field has a description, which the page about JSON shows."""

        def fields(below: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
            for one in [*below.get("oneOf", []), *([below["items"]] if "items" in below else [])]:
                yield from fields(one, path)
            for name, field in below.get("properties", {}).items():
                yield f"{path}.{name}", field
                yield from fields(field, f"{path}.{name}")

        found = [pair for name, below in schema()["$defs"].items() for pair in fields(below, name)]
        self.assertGreater(len(found), 100)
        self.assertEqual([], [path for path, field in found if "description" not in field])

    def test_strict(self) -> None:
        """Another field than those of the schema is an error, and so is a missing one."""
        validator = Draft202012Validator(schema()["$defs"]["query"])
        (output,) = self.outputs("query --json -c good.conf x")
        self.assertTrue(validator.is_valid(output))
        self.assertFalse(validator.is_valid({**output, "more": 1}))
        self.assertFalse(validator.is_valid({"keys": []}))

    def test_query(self) -> None:
        """Found, not found, and failed."""
        self.assert_valid("query", "query --json -c good.conf foo.macys.mm foo.macys.mx foo.macys.mm@example.com fault")

    def test_explain(self) -> None:
        """Every kind of answer, mismatch and hook."""
        keys = (
            "foo.macys.mm FOO.macys.mm foo.macys.mx pinky+a.b+2 x refused fault foo@example.net foo a.b.c@example.com"
        )
        self.assert_valid(
            "explain", f"explain --json --all -c good.conf {keys}", "explain --json -c includes.conf foo.a.1"
        )

    def test_compose(self) -> None:
        """An address, words that do not fit, and an unknown account."""
        self.assert_valid(
            "compose",
            "compose --json -c good.conf foo macys",
            "compose --json -c good.conf foo 7-eleven",
            "compose --json -c good.conf nobody x",
        )

    def test_check(self) -> None:
        """Warnings, notes and errors."""
        self.assert_valid("check", "check --json good.conf bad.conf other.conf includes.conf includes-bad.conf")

    def test_strength(self) -> None:
        """Counted and estimated figures, and a statement without words."""
        Path("words.txt").write_text("macys\nebay\nbestbuy\n")
        self.assert_valid("strength", "strength --json -c good.conf --words words.txt", "strength --json -c other.conf")

    def test_alias(self) -> None:
        """Aliases in each state, and one that only another domain decides about."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: a.example b.example\n{OTHER}")
        create("memory.sqlite")
        store = SqliteStore("memory.sqlite")
        states = {"foo.x.1@": AliasState.REVOKED, "foo.yy.2@a.example": AliasState.QUIET, "foo.z.1@": AliasState.ACTIVE}
        store.change([Change(key, key, state) for key, state in states.items()], "root", 1)
        store.change([Change("foo.z.1@", "foo.z.1", None)], "root", 2)
        store.close()
        self.assert_valid("alias-list", "alias list --json -c store.conf")
        shown = ("foo.x.1", "foo.x.1@b.example", "foo.yy.2@a.example", "foo.yy.2")
        self.assert_valid("alias-show", *[f"alias show --json -c store.conf {address}" for address in shown])

    def test_changes(self) -> None:
        """The aliases that each command changed."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nLISTEN: policy tcp:1\n{GOOD}")
        create("memory.sqlite")
        options = "--json --account qux -c store.conf --state-directory . qux.macys.x5"
        for name, more in (
            ("revoke", "qux.ebay.x4"),
            ("resume", "--note n"),
            ("pause", "--answer quiet"),
            ("expire", "--idle 9"),
            ("lock", "--first"),
            ("unlock", ""),
            ("note", "n"),
            ("show", ""),
            ("forget", "--yes"),
        ):
            self.assert_valid(f"alias-{name}", f"alias {name} {options} {more}")

    def test_senders(self) -> None:
        """Senders of every kind, a stranger among them."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: a.example b.example\n{OTHER}")
        create("memory.sqlite")
        store = SqliteStore("memory.sqlite")
        week = 7 * 86_400
        for day, sender in ((0, "macys.com"), (1, ""), (9, "n@spam.test"), (9, "(malformed)"), (10, "mail.macys.com")):
            at = week + day * 86_400
            use = Use("foo.macys.5@a.example", "foo.macys.5@a.example", "foo", sender, at, at, 1, day, ("macys",))
            store.count([use], at, keeps_senders=True)
        store.close()
        options = "--json -c store.conf --state-directory ."
        self.assert_valid("alias-list", f"alias list {options}")
        self.assert_valid("alias-show", f"alias show foo.macys.5@a.example {options}")
        self.assert_valid(
            "senders", f"senders {options}", f"senders macys.com {options}", f"senders forget macys.com --yes {options}"
        )
        self.assert_valid("alias-export", f"alias export {options}", f"alias export --senders {options}")
        self.assert_valid("leaks", f"leaks {options}", f"leaks --account foo {options}")

    def test_guesses(self) -> None:
        """Guesses at an account from two networks."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: a.example b.example\n{OTHER}")
        create("memory.sqlite")
        store = SqliteStore("memory.sqlite")
        store.count_guesses([Guesses("foo", network, 7, 2, 7e5, ("foo.a.9@a.example",)) for network in ("a", "b")])
        store.close()
        options = "--json -c store.conf --state-directory ."
        self.assert_valid("guesses", f"guesses {options}", f"guesses --account foo {options}")

    def test_alias_import(self) -> None:
        """A list, and a log, with addresses that are kept and others that are skipped."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: a.example\n{OTHER}")
        create("memory.sqlite")
        Path("list.txt").write_text("shop\nfoo\n")
        line = "2026-10-04T09:12:44 mx x[1]: 4d: to=<foo@a.example>, orig_to=<b@a.example>, relay=x, status=sent (ok)\n"
        Path("mail.log").write_text(line)
        self.assert_valid(
            "alias-import",
            "alias import --json -c store.conf --account foo list.txt",
            "alias import --json -c store.conf --min 1 --from-log mail.log",
        )
        self.assert_valid("alias-imports", "alias imports --json -c store.conf")

    def test_store(self) -> None:
        """A store that is made, whole, copied, lost and adopted, with what a server has in force."""
        Path("store.conf").write_text(f"STORE: sqlite:memory.sqlite\nALIAS DOMAINS: a.example\n{OTHER}")
        options = "--json -c store.conf --state-directory ."
        self.assert_valid("store-upgrade", f"store upgrade {options}", f"store upgrade {options}")
        self.assert_valid("store-check", f"store check {options}")
        self.assert_valid("store-backup", f"store backup {options} copy.sqlite")
        path = str(Path("memory.sqlite").absolute())
        records = {
            "x@a.example": AliasRecord(AliasState.QUIET),
            "y@a.example": AliasRecord(AliasState.ACTIVE, "foo", (Lock(("macys.com",)),)),
        }
        copy = StatesCopy(path, Position("another", 9), AliasStates.collect(records.items()))
        Path(copy_file_name("virtual", path)).write_bytes(encode(copy))
        self.assert_valid("store-check", f"store check {options}")
        adopting = f"store adopt {options}"
        self.assert_valid("store-adopt", f"{adopting} --discard")
        Path("memory.sqlite").unlink()
        self.assert_valid("store-adopt", adopting, adopting)

    def test_replay(self) -> None:
        """Changed addresses, and one that fails."""
        self.assert_valid(
            "replay",
            "replay --json other.conf --against good.conf used.txt",
            "replay --json good.conf --against other.conf used.txt",
        )
