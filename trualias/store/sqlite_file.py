"""The file of a store of SQLite: how it is made, opened, copied and upgraded, and its transactions."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from urllib.parse import quote

from trualias.store.interface import StoreUnusable
from trualias.store.migrations import MIGRATIONS

BUSY_SECONDS = 5.0
"""The longest wait for another process that writes."""

_APPLICATION = 0x74727561
"""Marks the file as one of trualias (PRAGMA application_id)."""


def create(path: str) -> None:
    """Make a store, which its owner can write and its group read, unless there is one; raise `StoreUnusable`.

    The file appears at the path when it is complete, so that a crash leaves no half of a store. If root makes it, it
    belongs to the owner of its folder.
    """
    new = f"{path}.new-{os.getpid()}"
    try:
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
        try:
            with translated(new):
                _fill(new)
            if os.geteuid() == 0:  # a command makes the store of a server without privileges
                folder = os.stat(os.path.dirname(os.path.abspath(path)))
                os.chown(new, folder.st_uid, folder.st_gid)
            with suppress(FileExistsError):  # another server made it meanwhile
                os.link(new, path)
        finally:
            os.unlink(new)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}") from error


def _fill(path: str) -> None:
    database = connect(path)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        _migrate(database, 0)
        database.execute("INSERT INTO store (identity, revision) VALUES (?, 1)", (uuid.uuid4().hex,))
        database.execute("COMMIT")
    finally:
        database.close()


def upgrade(path: str) -> str:
    """Bring a store of an older version up to date; raise `StoreUnusable`.

    Return the path of the copy that was made of it before, empty if it was up to date.
    """
    with translated(path):
        database = connect(path)
        try:
            version = schema_version(database, path)
            if version == len(MIGRATIONS):
                return ""
            copy = _unused_name(f"{path}.version-{version}")
            copy_to(database, copy)
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            if schema_version(database, path) != version or _version_of(copy) != version:
                # Another process was faster, and has a copy of its own.
                database.execute("ROLLBACK")
                os.unlink(copy)
                return ""
            _migrate(database, version)
            database.execute("COMMIT")
            return copy
        finally:
            database.close()


def _unused_name(path: str) -> str:
    """Return a path, or if there is such a file, the path with the first number that no file has, from 2 on."""
    names = chain([path], (f"{path}-{number}" for number in count(2)))
    return next(name for name in names if not os.path.lexists(name))


def _version_of(path: str) -> int:
    database = connect(path)
    try:
        return schema_version(database, path)
    finally:
        database.close()


def schema_version(database: sqlite3.Connection, path: str) -> int:
    """Return the version of a store's schema; raise `StoreUnusable` for a file that is none, and for a newer one."""
    [application] = database.execute("PRAGMA application_id").fetchone()
    [version] = database.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise StoreUnusable(f"{path} is no store of trualias")
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} is of a newer trualias: its schema has version {version}, and this one knows {len(MIGRATIONS)}"
        )
    return int(version)


def copy_to(database: sqlite3.Connection, path: str) -> None:
    """Copy a database to a new file, with the permissions of a store; raise `StoreUnusable`."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}") from error
    try:
        database.execute("VACUUM INTO ?", (path,))
    except BaseException:
        os.unlink(path)
        raise


def _migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the schema up to date, within the transaction that is open."""
    for statements in MIGRATIONS[version:]:
        for statement in filter(str.strip, statements.split(";")):
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def connect(path: str, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open an existing file, which waits for other writers for some seconds."""
    # Never makes a file: an empty one would look like an empty memory.
    return sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?mode=rw",
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn the exceptions of the database into `StoreUnusable`."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:  # ValueError: of a state that this version does not know
        raise StoreUnusable(f"{path}: {error}") from error


@contextmanager
def transaction(database: sqlite3.Connection, path: str, *, durable: bool = True) -> Iterator[None]:
    """Begin a transaction, and end it; ``durable``: it is on disk then, and no power failure undoes it."""
    with translated(path):
        database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled back already
                database.execute("ROLLBACK")
            raise
