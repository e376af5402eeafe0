"""The schema of a store in SQL."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE store (identity TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
    CREATE TABLE alias (
        key TEXT PRIMARY KEY,
        address TEXT NOT NULL,
        state TEXT NOT NULL,
        note TEXT NOT NULL,
        changed REAL NOT NULL,
        revision INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX alias_revision ON alias (revision);
    CREATE TABLE trail (
        number INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        at REAL NOT NULL,
        actor TEXT NOT NULL,
        before TEXT,
        after TEXT,
        note TEXT NOT NULL
    ) STRICT;
    CREATE INDEX trail_key ON trail (key);
    """,
    """
    ALTER TABLE alias ADD COLUMN expires REAL;
    ALTER TABLE alias ADD COLUMN resumes REAL;
    CREATE INDEX alias_expires ON alias (expires) WHERE expires IS NOT NULL;
    CREATE INDEX alias_resumes ON alias (resumes) WHERE resumes IS NOT NULL;
    """,
    """
    CREATE TABLE new_alias (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        address TEXT NOT NULL,
        account TEXT NOT NULL DEFAULT '',
        origin TEXT NOT NULL,
        kept INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL,
        lock TEXT,
        note TEXT NOT NULL DEFAULT '',
        words TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL,
        changed REAL NOT NULL,
        first_seen INTEGER,
        last_seen INTEGER,
        accepted INTEGER NOT NULL DEFAULT 0,
        refused INTEGER NOT NULL DEFAULT 0,
        expires REAL,
        resumes REAL,
        expires_after INTEGER,
        expires_idle INTEGER,
        revision INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO new_alias
        (key, address, origin, state, note, created, changed, expires, resumes, revision, forgotten)
        SELECT key, iif(address = trim(key, '@'), '', address), 'command', state, note, changed, changed, expires,
               resumes, revision, forgotten
        FROM alias ORDER BY key;
    DROP TABLE alias;
    ALTER TABLE new_alias RENAME TO alias;
    CREATE INDEX alias_revision ON alias (revision) WHERE revision > 0;
    CREATE INDEX alias_expires ON alias (expires) WHERE expires IS NOT NULL;
    CREATE INDEX alias_resumes ON alias (resumes) WHERE resumes IS NOT NULL;
    CREATE INDEX alias_idle ON alias (expires_idle) WHERE expires_idle IS NOT NULL;
    CREATE INDEX alias_account ON alias (account);
    ALTER TABLE store ADD COLUMN counted REAL;
    CREATE TABLE sender (
        alias INTEGER NOT NULL,
        sender TEXT NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        expected INTEGER NOT NULL,
        PRIMARY KEY (alias, sender)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE account_day (
        account TEXT NOT NULL,
        day INTEGER NOT NULL,
        new INTEGER NOT NULL,
        beyond INTEGER NOT NULL,
        PRIMARY KEY (account, day)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE guess_account (
        account TEXT NOT NULL,
        day INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (account, day)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE guess_network (
        day INTEGER NOT NULL,
        network TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, network)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE guess_example (
        account TEXT NOT NULL,
        at INTEGER NOT NULL,
        address TEXT NOT NULL,
        network TEXT NOT NULL
    ) STRICT;
    CREATE INDEX guess_example_account ON guess_example (account);
    """,
    """
    ALTER TABLE store ADD COLUMN cleared REAL;
    """,
    """
    CREATE INDEX alias_everywhere ON alias (key) WHERE substr(key, -1) = '@'
        AND (lock IS NOT NULL OR expires_after IS NOT NULL OR expires_idle IS NOT NULL);
    """,
)
"""The statements that make each version of the schema from the one before; the first one makes version 1."""
