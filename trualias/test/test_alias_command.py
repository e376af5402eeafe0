"""Tests of ``trualias alias`` and ``trualias store``."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from argparse import Namespace
from io import BytesIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.dates import InvalidDate, local_time, parse_date
from trualias.commands.memory import Memory, with_memory
from trualias.commands.terminal import Terminal
from trualias.lookup.alias_states import AliasState
from trualias.main import run
from trualias.store.records import Change, Position
from trualias.store.sqlite import SqliteStore
from trualias.store.sqlite_file import create
from trualias.store.states_copy import StatesCopy, copy_file_name, encode
from trualias.test.states import records_of

CONFIGURATION = """
STORE: sqlite:memory.sqlite
ALIAS DOMAINS: example.com
ACCOUNT foo MATCHES %account%-%ident%-%code% WITH CHAR(1,-), CHARS();
"""

MACYS, GOOGLE = "foo-macys-m5@example.com", "foo-google-g6@example.com"


class MemoryCase(SynchronousTestCase):
    """A folder with a configuration, a store and a state directory."""

    def setUp(self) -> None:
        """Make them."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "trualias.conf"
        self.path.write_text(CONFIGURATION, "utf-8")
        self.store = self.folder / "memory.sqlite"
        create(str(self.store))

    def run_command(self, *arguments: str, typed: bytes = b"") -> tuple[int, str, str]:
        """Run a command on the configuration; return status, output and errors. Times in the output are ``TIME``."""
        terminal = Terminal(BytesIO(typed), StringIO(), StringIO())
        status = run([*arguments, "-c", str(self.path), "--state-directory", str(self.folder)], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        output = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?", "TIME", terminal.output.getvalue())
        return status, output, terminal.errors.getvalue()

    def assert_done(self, output: str, *arguments: str, typed: bytes = b"") -> None:
        """Assert that a command succeeds with this output."""
        self.assertEqual((0, output, ""), self.run_command(*arguments, typed=typed))

    def assert_refused(self, reason: str, *arguments: str, status: int = 1) -> None:
        """Assert that a command is refused with this reason, and that it changes nothing."""
        before = self.states()
        self.assertEqual((status, "", f"{reason}\n"), self.run_command(*arguments))
        self.assertEqual(before, self.states())

    def states(self) -> dict[str, str]:
        """Return the states of all aliases in the store."""
        if not self.store.exists():
            return {}
        store = SqliteStore(str(self.store))
        try:
            return {entry.address: entry.state.value for entry in store.entries()}
        finally:
            store.close()

    def keep_copy(self, states: dict[str, AliasState], revision: int, identity: str | None = None) -> None:
        """Write the copy of a server that has states in force."""
        store = SqliteStore(str(self.store))
        position = Position(identity or store.position().identity, revision)
        store.close()
        copy = StatesCopy(str(self.store), position, records_of(states))
        (self.folder / copy_file_name("virtual", str(self.store))).write_bytes(encode(copy))


class AliasTests(MemoryCase):
    """The command ``alias``."""

    def test_revoke(self) -> None:
        """An alias is taken back, and works again; a local part is enough with one domain."""
        self.assert_done(f"{MACYS} is revoked\n", "alias", "revoke", "foo-macys-m5", "--note", "leaked")
        self.assertEqual({MACYS: "revoked"}, self.states())
        self.assert_done(f"{MACYS} is active\n", "alias", "resume", "FOO-MACYS-M5@Example.com")
        self.assertEqual({MACYS: "active"}, self.states())

    def test_pause(self) -> None:
        """There are three ways of a pause; a revoked alias is not paused."""
        self.assert_done(f"{MACYS} is paused, its mail is refused\n", "alias", "pause", MACYS)
        self.assert_done(
            f"{MACYS} is paused, its mail is deferred\nMost senders give up after five days, and return the mail.\n",
            *("alias", "pause", "--answer", "defer", MACYS),
        )
        self.assert_done(
            f"{MACYS} is paused, its mail is discarded\nIt is discarded only if Postfix has transport_maps = "
            "inline:{ { discard.invalid = discard:quietly } }; without it, senders get their mail back. "
            "Test it with a mail to the alias: the log of Postfix has relay=none and (quietly).\n",
            *("alias", "pause", MACYS, "--answer", "quiet"),
        )
        self.run_command("alias", "revoke", MACYS)
        reason = f"{MACYS} is revoked, which is stricter than a pause; resume it first"
        self.assert_refused(reason, "alias", "pause", MACYS)

    def test_dates(self) -> None:
        """A pause ends by itself, and an alias expires; a date that is over is refused."""
        self.assert_done(
            f"{MACYS} is paused, its mail is refused, until TIME\n", "alias", "pause", MACYS, "--until", "2999-12-31"
        )
        self.assert_done(f"{MACYS} expires at TIME\n", "alias", "expire", MACYS, "--on", "2999-12-31T18:00:00+01:00")
        store = SqliteStore(str(self.store))
        entry = store.entry(MACYS)
        store.close()
        assert entry is not None and entry.resumes is not None
        self.assertEqual((32503654800.0, "00:00:00"), (entry.expires, local_time(entry.resumes)[11:]))
        _, output, _ = self.run_command("alias", "show", MACYS)
        self.assertIn("  active again at TIME\n  expires at TIME\n", output)
        self.assert_done(f"{MACYS} is active, and expires at TIME\n", "alias", "resume", MACYS)
        self.assert_done(f"{MACYS} does not expire\n", "alias", "expire", MACYS, "--never")
        _, output, errors = self.run_command("alias", "expire", MACYS, "--on", "2001-01-01")
        self.assertEqual("", output)
        self.assertRegex(errors, r"^2001-01-02 00:00:00 is over\n$")
        self.run_command("alias", "revoke", MACYS)
        self.assert_done(
            f"{MACYS} expires at TIME; it is revoked until it is resumed\n",
            *("alias", "expire", MACYS, "--on", "2999-12-31"),
        )
        self.assertEqual({MACYS: "revoked"}, self.states())

    def test_invalid_dates(self) -> None:
        """A text that is no date has a message, and so has a time without a zone."""
        no_date = " is no date, such as 2027-01-31 or 2027-01-31T18:00:00+01:00"
        for text in ("soon", "2027-13-01", "2027-01-31x", "20270131ab", "9999-12-31"):
            self.assertEqual(f"{text!r}{no_date}", str(self.assertRaises(InvalidDate, parse_date, text)))
        error = self.assertRaises(InvalidDate, parse_date, "2027-01-31T18:00:00")
        self.assertEqual("'2027-01-31T18:00:00' has no time zone, such as 2027-01-31T18:00:00+01:00", str(error))

    def test_several(self) -> None:
        """Several addresses are changed together, or none; they may come from standard input."""
        self.assert_done(
            f"{MACYS} is revoked\n{GOOGLE} is revoked\n2 aliases changed\n",
            *("alias", "revoke", "-"),
            typed=f"{MACYS}\n\n{GOOGLE}\r\n".encode(),
        )
        self.run_command("alias", "forget", MACYS, "--yes")
        unknown = "'foo-x-x9' is no alias that the configuration accepts or the store knows (--force does it)"
        self.assert_refused(unknown, "alias", "resume", GOOGLE, "foo-x-x9")

    def test_changed_meanwhile(self) -> None:
        """A pause is not written over a revocation that another command makes after the first has begun."""

        def pause(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
            self.assertIsNone(memory.store.entry(MACYS))
            self.run_command("alias", "revoke", MACYS)
            memory.change([Change(MACYS, MACYS, AliasState.QUIET)])
            return 0

        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        arguments = Namespace(config=str(self.path), state_directory=str(self.folder))
        status = with_memory(pause, to_change=True)(arguments, terminal)
        reason = f"{self.store} was changed meanwhile, and nothing is done; repeat the command\n"
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        self.assertEqual((1, "", reason), (status, terminal.output.getvalue(), terminal.errors.getvalue()))
        self.assertEqual({MACYS: "revoked"}, self.states())

    def test_unknown(self) -> None:
        """A misspelled alias is an error with a suggestion; --force changes it all the same."""
        self.run_command("alias", "revoke", MACYS)
        self.assert_refused(
            "'foo-macy-m5' is no alias that the configuration accepts or the store knows; did you mean "
            f"{MACYS}? (--force does it)",
            *("alias", "revoke", "foo-macy-m5"),
        )
        self.assert_done("foo-macy-m5@example.com is revoked\n", "alias", "revoke", "foo-macy-m5", "--force")

    def test_no_aliases(self) -> None:
        """A mailbox has no state, which would be that of all aliases of its owner; nor has a foreign address."""
        self.assert_refused(
            "'Foo' is a mailbox, not an alias: all mail of its owner goes there", "alias", "revoke", "Foo", "--force"
        )
        self.assert_refused(
            "the domain 'example.net' is not one of ALIAS DOMAINS", "alias", "revoke", "foo-macys-m5@example.net"
        )
        self.assert_refused("'@example.com' is not an address", "alias", "revoke", "@example.com", "--force")

    def test_show(self) -> None:
        """The card of an alias has its changes."""
        self.run_command("alias", "revoke", MACYS, "--note", "leaked")
        self.run_command("alias", "resume", MACYS)
        status, output, _ = self.run_command("alias", "show", "foo-macys-m5")
        trail = r"  TIME  revoked, by .*: leaked\n  TIME  active, by .*: leaked\n"
        expected = rf"{MACYS} is active\n  account: foo\n  note: leaked\n{trail}"
        self.assertEqual(0, status)
        self.assertRegex(output, f"^{expected}$")
        reason = f"{GOOGLE} is not in the store: nothing was decided about it, and no mail was counted"
        self.assert_refused(reason, "alias", "show", GOOGLE)

    def test_json(self) -> None:
        """Programs get the same as JSON."""
        self.run_command("alias", "pause", MACYS, "--answer", "defer", "--note", "leaked")
        _, output, _ = self.run_command("alias", "list", "--json")
        known = {"account": "foo", "origin": "command", "kept": False, "words": []}
        times = {"created": "TIME", "changed": "TIME", "resumes": None, "expires": None}
        mails = {"first_seen": None, "last_seen": None, "accepted": 0, "refused": 0, "senders": 0}
        rules = {"expires_after": None, "expires_idle": None, "lock": None}
        state = {"state": "paused", "answer": "defer", "note": "leaked"}
        entry = {"address": MACYS, **known, **state, **times, **mails, **rules}
        self.assertEqual([entry], json.loads(output))
        _, output, _ = self.run_command("alias", "show", MACYS, "--json")
        shown = json.loads(output)
        (line,) = shown.pop("trail")
        self.assertEqual({**entry, "senders": [], "elsewhere": []}, shown)
        self.assertEqual((None, "defer", "leaked"), (line["from"], line["to"], line["note"]))

    def test_list(self) -> None:
        """The list has a line for each alias, or for those in one state."""
        self.assert_done("", "alias", "list")
        self.run_command("alias", "revoke", MACYS)
        self.run_command("alias", "pause", GOOGLE, "--note", "till May")
        head = "alias account state first mail last mail accepted refused senders note "
        paused = f"{GOOGLE} foo paused, refuse 0 0 0 till May "
        revoked = f"{MACYS} foo revoked 0 0 0"
        _, output, _ = self.run_command("alias", "list")
        self.assertEqual((head + paused + revoked).split(), output.split())
        _, output, _ = self.run_command("alias", "list", "--state", "revoked")
        self.assertEqual((head + revoked).split(), output.split())

    def test_note_and_forget(self) -> None:
        """A note can be kept with any alias; a forgotten one works again, and the command says so."""
        self.assert_done(f"the note of {MACYS} is kept\n", "alias", "note", MACYS, "for the invoice")
        self.assertEqual({MACYS: "active"}, self.states())
        self.assert_done(f"{MACYS} is forgotten; it works again\n", "alias", "forget", MACYS, "--yes")
        self.run_command("alias", "revoke", "foo-x-x9", "--force")
        self.assert_done(
            "foo-x-x9@example.com is forgotten; the configuration does not accept it\n",
            *("alias", "forget", "foo-x-x9", "--yes"),
        )
        self.assert_refused(f"{MACYS} is not in the store", "alias", "forget", MACYS, "--yes")

    def test_two_domains(self) -> None:
        """An alias of all domains and one of a domain are two; a command says where the other one holds."""
        self.path.write_text(CONFIGURATION.replace("example.com", "example.com example.org"), "utf-8")
        self.assert_done("foo-macys-m5 is revoked\n", "alias", "revoke", "foo-macys-m5")
        self.assert_done(
            f"{MACYS} is active\n  but for all alias domains it is revoked, which holds\n", "alias", "resume", MACYS
        )
        self.assert_done(
            "foo-google-g6@example.org is not active\n".replace("not active", "revoked"),
            *("alias", "revoke", "foo-google-g6@example.org"),
        )
        self.assert_done(
            "foo-google-g6 is active\n  but for example.org it is revoked, which holds\n",
            *("alias", "resume", "foo-google-g6"),
        )

    def test_no_store(self) -> None:
        """Without STORE, and without its file, nothing is done and no file is made."""
        self.store.unlink()
        self.assert_refused(
            f"there is no {self.store}; 'trualias store upgrade' makes a store, as a server does when it starts, "
            "unless there was one already: see 'trualias store adopt'",
            *("alias", "revoke", MACYS),
            status=2,
        )
        self.assertFalse(self.store.exists())
        self.path.write_text(CONFIGURATION.replace("STORE: sqlite:memory.sqlite\n", ""), "utf-8")
        self.assert_refused(
            f"{self.path} has no STORE, such as sqlite:/var/lib/trualias/memory.sqlite", "alias", "list", status=2
        )

    def test_unusable_store(self) -> None:
        """What is no store has no remedy."""
        self.store.unlink()
        self.store.mkdir()
        reason = f"{self.store}: unable to open database file\n"
        self.assertEqual((2, "", reason), self.run_command("alias", "revoke", MACYS))

    def test_store_of_another_user(self) -> None:
        """A store that the user may not read, or may not even find, is not one that is missing."""
        folder = Path(tempfile.mkdtemp())  # in a folder that every user may enter
        self.addCleanup(shutil.rmtree, folder)
        folder.chmod(0o755)
        self.path, self.store = folder / "trualias.conf", folder / "inner/memory.sqlite"
        self.path.write_text(CONFIGURATION.replace("memory.sqlite", "inner/memory.sqlite"), "utf-8")
        self.store.parent.mkdir()
        create(str(self.store))
        self.store.chmod(0)
        self.addCleanup(self.store.parent.chmod, 0o755)
        self.addCleanup(os.seteuid, os.geteuid())
        other = 65534 if os.geteuid() == 0 else os.geteuid()
        for mode, reason in ((0o755, "unable to open database file"), (0o600, "Permission denied")):
            os.seteuid(os.getuid())
            self.store.parent.chmod(mode)
            os.seteuid(other)
            expected = f"{self.store}: {reason}; run the command as the user of the servers\n"
            self.assertEqual((2, "", expected), self.run_command("alias", "revoke", MACYS))

    def test_store_that_lost_changes(self) -> None:
        """Nothing is changed in a store that is not the one in force."""
        reason = (
            f"{self.store} is not the store whose states the servers have in force, or an older state of it; nothing "
            "is changed until trualias store adopt has put that right"
        )
        self.keep_copy({}, 9)
        self.assert_refused(reason, "alias", "revoke", MACYS, status=2)
        self.keep_copy({}, 1, "f" * 32)
        self.assert_refused(reason, "alias", "revoke", MACYS, status=2)
        self.keep_copy({}, 1)
        self.assert_done(f"{MACYS} is revoked\n", "alias", "revoke", MACYS)


class AnswerTests(MemoryCase):
    """The commands that answer as a server does, with the states in the store."""

    def answer(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command on the configuration; return status, output and errors."""
        terminal = Terminal(BytesIO(), StringIO(), StringIO())
        status = run([*arguments, "-c", str(self.path)], terminal)
        assert isinstance(terminal.output, StringIO) and isinstance(terminal.errors, StringIO)
        return status, terminal.output.getvalue(), terminal.errors.getvalue()

    def test_query(self) -> None:
        """A revoked alias is not found, a deferred one has a message, and a quiet one its address to discard."""
        self.run_command("alias", "revoke", MACYS)
        self.assertEqual((1, "", ""), self.answer("query", MACYS))
        self.run_command("alias", "resume", MACYS)
        self.assertEqual((0, f"{MACYS}\tfoo@example.com\n", ""), self.answer("query", MACYS))
        self.run_command("alias", "pause", MACYS, "--answer", "defer")
        reason = f"{MACYS}: gets a temporary error: it is paused, and its mail is deferred\n"
        self.assertEqual((1, "", reason), self.answer("query", MACYS))
        self.run_command("alias", "pause", MACYS, "--answer", "quiet")
        self.assertEqual((0, f"{MACYS}\tfoo-macys-m5@discard.invalid\n", ""), self.answer("query", MACYS))

    def test_explain(self) -> None:
        """The state is the reason why an alias is not found."""
        self.run_command("alias", "revoke", MACYS)
        _, output, _ = self.answer("explain", MACYS)
        self.assertEqual(
            f"{MACYS} is not found: it is revoked or paused in the store; 'trualias alias show' describes its state\n",
            output,
        )

    def test_compose(self) -> None:
        """An alias that is not active is not offered, in whatever state it is."""
        for action in (("revoke",), ("pause", "--answer", "defer"), ("pause", "--answer", "quiet")):
            self.run_command("alias", "resume", MACYS, "--force")
            self.run_command("alias", *action, MACYS)
            status, output, errors = self.answer("compose", "foo", "macys")
            self.assertEqual(1, status)
            self.assertIn(f"{MACYS} is revoked or paused; try other words\n", output + errors)

    def keep(self, key: str, account: str) -> None:
        """Keep an alias for an account."""
        store = SqliteStore(str(self.store))
        store.change([Change(key, key, AliasState.ACTIVE, kept_for=account)], "root", 1)
        store.close()

    def test_kept(self) -> None:
        """A kept alias is shown as one, and no statement is compared with it."""
        self.keep("shop@example.com", "foo")
        self.keep(MACYS, "bar")
        self.assertEqual((0, "shop@example.com\tfoo@example.com\n", ""), self.answer("query", "shop@example.com"))
        status, output, _ = self.answer("query", "--json", "shop@example.com", GOOGLE)
        self.assertEqual((0, [True, False]), (status, [key["kept"] for key in json.loads(output)["keys"]]))
        status, output, _ = self.answer("explain", "shop@example.com")
        self.assertEqual((0, "shop@example.com goes to foo@example.com; the store keeps it\n"), (status, output))
        status, output, _ = self.answer("explain", "--json", "shop@example.com", GOOGLE)
        self.assertEqual((0, [True, False]), (status, [key["kept"] for key in json.loads(output)["keys"]]))
        reason = "the store keeps it for bar, which the configuration does not have as an account there"
        self.assertEqual((1, "", f"{MACYS}: gets a temporary error: {reason}\n"), self.answer("query", MACYS))

    def test_compose_kept(self) -> None:
        """An address that is kept for another account is not offered."""
        self.path.write_text(f"{CONFIGURATION}ACCOUNT bar MATCHES %account%.%code% WITH x;", "utf-8")
        self.keep(MACYS, "bar")
        status, output, errors = self.answer("compose", "foo", "macys")
        self.assertEqual((1, ""), (status, output))
        self.assertIn(f"{MACYS} goes to bar@example.com; the store keeps it; try other words\n", errors)

    def test_copy(self) -> None:
        """Where the store cannot be read, the states are those of the latest copy that a server keeps."""
        self.patch(os, "environ", {**os.environ, "STATE_DIRECTORY": str(self.folder)})
        self.keep_copy({MACYS: AliasState.REVOKED}, 7)
        self.store.unlink()
        reason = f"the states of aliases are those that a server has a copy of: there is no {self.store}\n"
        self.assertEqual((1, "", reason), self.answer("query", MACYS))
        (self.folder / copy_file_name("virtual", str(self.store))).write_bytes(b"x")
        reason = f"the states of aliases are not consulted: there is no {self.store}\n"
        self.assertEqual((0, f"{MACYS}\tfoo@example.com\n", reason), self.answer("query", MACYS))

    def test_no_store(self) -> None:
        """A store that cannot be read has a message, and the configuration alone answers."""
        self.store.unlink()
        reason = f"the states of aliases are not consulted: there is no {self.store}\n"
        self.assertEqual((0, f"{MACYS}\tfoo@example.com\n", reason), self.answer("query", MACYS))


class StoreTests(MemoryCase):
    """The command ``store``."""

    def test_upgrade(self) -> None:
        """A store that is up to date is left alone; a missing one is made, unless a server had one."""
        self.assert_done(f"{self.store} is up to date\n", "store", "upgrade")
        self.store.unlink()
        self.assert_done(f"{self.store} is made; every alias is active\n", "store", "upgrade")
        self.store.unlink()
        create(str(self.store))
        self.keep_copy({}, 1)
        self.store.unlink()
        reason = f"there is no {self.store}, and a server has states of it in force: see trualias store adopt"
        self.assertEqual((2, "", f"{reason}\n"), self.run_command("store", "upgrade"))
        self.assertFalse(self.store.exists())

    def test_json(self) -> None:
        """With --json, each action prints one JSON text for programs."""
        self.run_command("alias", "pause", GOOGLE)
        faults = ["it is older than what the servers have in force: revision 2, not 9"]
        checked = {"path": str(self.store), "aliases": 1, "revision": 2, "faults": []}
        self.assertEqual((0, checked), self.json_of("store", "check"))
        self.keep_copy({GOOGLE: AliasState.REVOKED}, 9)
        self.assertEqual((1, {**checked, "faults": faults}), self.json_of("store", "check"))
        copy = self.folder / "copy.sqlite"
        self.assertEqual((0, {"path": str(self.store), "copy": str(copy)}), self.json_of("store", "backup", str(copy)))
        change = {"address": GOOGLE, "state": "revoked", "answer": None, "lock": None, "kept_for": None}
        adopted = {"path": str(self.store), "adopted": True, "discarded": False, "changes": [change]}
        self.assertEqual((0, adopted), self.json_of("store", "adopt"))
        self.assertEqual((0, {**adopted, "adopted": False, "changes": []}), self.json_of("store", "adopt"))
        upgraded = {"path": str(self.store), "made": False, "copy": None}
        self.assertEqual((0, upgraded), self.json_of("store", "upgrade"))

    def json_of(self, *arguments: str) -> tuple[int, object]:
        """Return the exit status and the JSON of a command that prints no errors."""
        status, output, errors = self.run_command(*arguments, "--json")
        self.assertEqual("", errors)
        return status, json.loads(output)

    def test_check(self) -> None:
        """A store that is whole, and one that is not the one in force."""
        self.assert_done(f"{self.store}: 0 aliases, revision 1\n", "store", "check")
        self.keep_copy({}, 9)
        fault = "it is older than what the servers have in force: revision 1, not 9"
        expected = f"{self.store}: 0 aliases, revision 1\n{self.store}: {fault}\n"
        self.assertEqual((1, expected, ""), self.run_command("store", "check"))

    def test_backup(self) -> None:
        """A backup is a store, and no file is replaced."""
        self.run_command("alias", "revoke", MACYS)
        copy = self.folder / "copy.sqlite"
        self.assert_done(f"{copy} is a copy of {self.store}\n", "store", "backup", str(copy))
        copy.replace(self.store)
        self.assertEqual({MACYS: "revoked"}, self.states())
        self.assert_refused(f"{self.store} cannot be made: File exists", "store", "backup", str(self.store), status=2)
        odd = str(self.folder / "\x1b[31m")
        shown = odd.replace("\x1b", "\\x1b")
        self.assert_done(f"{shown} is a copy of {self.store}\n", "store", "backup", odd)
        self.assert_refused(f"{shown} cannot be made: File exists", "store", "backup", odd, status=2)

    def test_adopt(self) -> None:
        """An older store gets the stricter states in force, and a position above them."""
        self.run_command("alias", "revoke", MACYS)
        self.run_command("alias", "pause", GOOGLE)
        key = "foo-x-x9@example.com"
        self.keep_copy({GOOGLE: AliasState.REVOKED, MACYS: AliasState.DEFER, key: AliasState.QUIET}, 9)
        self.assert_done(
            f"{GOOGLE}: revoked, is kept\n{key}: paused, its mail is discarded, is kept\n"
            f"{self.store} is adopted; running servers use it within a second\n",
            *("store", "adopt", "--merge"),
        )
        self.assertEqual({MACYS: "revoked", GOOGLE: "revoked", key: "quiet"}, self.states())
        self.assert_done(f"{self.store} is the store in force already\n", "store", "adopt")
        self.assert_done(f"{MACYS} is active\n", "alias", "resume", MACYS)

    def test_adopt_missing(self) -> None:
        """A store that is gone is made anew, with the states in force."""
        self.keep_copy({MACYS: AliasState.REVOKED}, 9)
        self.store.unlink()
        self.run_command("store", "adopt")
        self.assertEqual({MACYS: "revoked"}, self.states())

    def test_discard(self) -> None:
        """With --discard, the states in force are listed, and lost."""
        self.keep_copy({MACYS: AliasState.REVOKED}, 9)
        self.assert_done(
            f"{MACYS}: revoked, is lost\n{self.store} is adopted; running servers use it within a second\n",
            *("store", "adopt", "--discard"),
        )
        self.assertEqual({}, self.states())

    def test_nothing_to_adopt(self) -> None:
        """Without a copy of what is in force, there is nothing to compare the store with."""
        reason = "there is no copy of the states that a server has in force: it uses the store that is there"
        self.assert_refused(reason, "store", "adopt", status=2)
