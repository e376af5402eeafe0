"""Stores that cannot be written: on a full disk, read-only, or locked by another process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faults.lookups import asking
from faults.remembering import ACTIVE, IN_FORCE, NOTICED, PARTS, REVOKED, check_undisturbed, remembering
from faults.table import Table
from trualias.store.sqlite import SqliteStore
from trualias.testing.live import PATIENCE, free_port


@contextmanager
def _small_disk(folder: Path, table: Table, case: str) -> Iterator[Path | None]:
    """Mount a file system of 4 MiB in memory; omit the case without the right to do so."""
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        table.omit(case, "a file system cannot be mounted")
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=PATIENCE)


def full_disk(folder: Path, table: Table) -> None:
    """Fill the disk: a change is refused as a whole, and done when there is room again."""
    with _small_disk(folder / "full-disk", table, "disk full") as disk:
        if disk is None:
            return
        with remembering(folder / "full", disk / "memory.sqlite") as one, asking(one.running.server) as asker:
            filler = disk / "filler"
            with filler.open("wb", 0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            # Some changes still find room in the last page of the journal.
            refused = 0
            for number in range(50):
                refused += one.command("alias", "note", REVOKED, f"{number} " * 500).returncode != 0
                if refused:
                    break
            table.require("disk full", "a change is refused", refused > 0)
            table.require("disk full", "the revoked alias stays refused", one.is_refused())
            filler.unlink()
            one.revoke(ACTIVE)
            table.at_most("room again", "a command in force after", one.wait_until_refused(ACTIVE), IN_FORCE)
            store = SqliteStore(str(one.store))
            table.require("disk full", "the store is whole", store.check() == [])
            store.close()
            check_undisturbed(table, "disk full", asker)


_ALIASES = [f"foo-ab{chr(97 + number // 26)}{chr(97 + number % 26)}-4@example.com" for number in range(400)]
_SENDERS = [f"news@{name}.test" for name in "abcde"]


def _deliver(port: int) -> bool:
    """Report a mail of each sender to each alias to the policy service; return whether each reply was DUNNO."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection, connection.makefile("rb") as replies:
        are_right = True
        for number, sender in enumerate(_SENDERS):
            more = [("RCPT", f"recipient={alias}") for alias in _ALIASES]
            for state, line in (*more, ("END-OF-MESSAGE", f"recipient_count={len(_ALIASES)}")):
                request = f"request=smtpd_access_policy\nprotocol_state={state}\ninstance={number}.{number}\n"
                connection.sendall(f"{request}sender={sender}\n{line}\n\n".encode())
                are_right &= replies.readline() + replies.readline() == b"action=DUNNO\n\n"
    return are_right


def counting_on_full_disk(folder: Path, table: Table) -> None:
    """Fill the disk, and accept mail: its counts wait until there is room, and none is lost."""
    case = "disk full while counting"
    with _small_disk(folder / "counting-disk", table, case) as disk:
        if disk is None:
            return
        policy = free_port()
        more = f"ALIAS DOMAINS: example.com\nLISTEN: policy tcp:{policy}:interface=127.0.0.1\n"
        with remembering(folder / "counting", disk / "memory.sqlite", more=more) as one:
            running = one.running
            with asking(running.server) as asker:
                filler = disk / "filler"
                with filler.open("wb", 0) as file, suppress(OSError):
                    while True:
                        file.write(bytes(4096))
                running.mark_log()
                table.require(case, "each request gets DUNNO", _deliver(policy))
                running.wait_for_log("cannot be counted now, and wait: ")
                time.sleep(2)  # some attempts more
                table.require(case, "logged once", running.log.count("cannot be counted now") == 1)
                table.require(case, "the counts wait", running.metric("trualias_memory_pending") > 0)
                table.require(case, "the revoked alias stays refused", one.is_refused())
                filler.unlink()
                seconds = running.wait_for_log("deliveries to aliases are counted again")
                table.at_most("room again", "counted again after", seconds, NOTICED)
                running.wait_for_metric("trualias_memory_pending", 0)
                dropped = running.metric("trualias_memory_dropped_total")
                check_undisturbed(table, case, asker)
            store = SqliteStore(str(one.store))
            counted = {entry.key: entry.accepted for entry in store.entries() if entry.accepted}
            table.require("room again", "the store is whole", store.check() == [])
            store.close()
            lost = len(_ALIASES) * len(_SENDERS) - sum(counted.values())
            table.add("room again", f"lost: {lost}, dropped: {dropped:g}", "0", lost == dropped == 0)


_DROP = (
    "import ctypes\n"
    "_libc = ctypes.CDLL(None)\n"
    "_header, _sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
    "assert _libc.capget(_header, _sets) == 0\n"
    "for _number in range(2): _sets[_number] &= ~2\n"
    "assert _libc.capset(_header, _sets) == 0\n"
)
"""Python that gives up CAP_DAC_OVERRIDE, by which root writes read-only files (capabilities(7))."""


def read_only(folder: Path, table: Table) -> None:
    """Make the file read-only: changes are refused, and lookups go on, also after a restart."""
    with remembering(folder / "read-only", before=_DROP) as one:
        with asking(one.running.server) as asker:
            one.store.chmod(0o400)
            done = one.command("alias", "revoke", ACTIVE, before=_DROP)
            table.add("read-only", f"a command exits with {done.returncode}", "2", done.returncode == 2)
            table.require("read-only", "it says why", "readonly" in done.stderr)
            table.require("read-only", "the revoked alias stays refused", one.is_refused())
            check_undisturbed(table, "read-only", asker)
        one.running.server.stop()
        one.running.server.start()
        with asking(one.running.server):
            table.require("read-only", "refused after a restart", one.is_refused())
            # SQLite gives the files beside the store its mode.
            for part in PARTS:
                with suppress(FileNotFoundError):
                    os.chmod(f"{one.store}{part}", 0o600)
            done = one.command("alias", "revoke", ACTIVE, before=_DROP)
            table.add("writable again", f"a command exits with {done.returncode}", "0", done.returncode == 0)
            table.at_most("writable again", "in force after", one.wait_until_refused(ACTIVE), IN_FORCE)


def locked(folder: Path, table: Table, seconds: float = 30) -> None:
    """Lock the store for some time, as another process that writes."""
    with remembering(folder / "locked") as one, asking(one.running.server) as asker:
        program = (
            "import sqlite3, sys, time\n"
            "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "database.execute('BEGIN EXCLUSIVE')\n"
            "print('locked', flush=True)\n"
            "time.sleep(float(sys.argv[2]))\n"
        )
        command = [sys.executable, "-c", program, str(one.store), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdout is not None
                holder.stdout.readline()
                begun = time.monotonic()
                done = one.command("alias", "revoke", ACTIVE)
                table.at_most("locked", "a command gives up after", time.monotonic() - begun, 15)
                table.require("locked", "it says why", done.returncode == 2 and "locked" in done.stderr)
                table.require("locked", "the revoked alias stays refused", one.is_refused())
                holder.wait(timeout=seconds + PATIENCE)
            finally:
                holder.kill()
        one.revoke(ACTIVE)
        table.at_most("unlocked", "a command in force after", one.wait_until_refused(ACTIVE), IN_FORCE)
        table.require("unlocked", "the store is used", one.running.metric("trualias_store_in_use") == 1)
        check_undisturbed(table, "locked", asker)
