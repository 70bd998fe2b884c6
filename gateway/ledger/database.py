"""The SQLite file: how it is opened, and how its connections behave."""

import secrets
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

FILE_NAME = "ledger.sqlite"
BUSY_MS = 5_000
JOURNAL_BYTES = 64 * 1024 * 1024
"""What the write-ahead log may keep of the disk after a burst."""


def writing_engine(path: Path) -> Engine:
    """One connection, made by the thread that uses it; every transaction takes the write lock at once."""
    return _engine(path, NullPool, "BEGIN IMMEDIATE", synchronous="FULL")


def reading_engine(path: Path) -> Engine:
    """Connections that see one state of the ledger for as long as they read."""
    return _engine(path, QueuePool, "BEGIN", synchronous="NORMAL")


def looking_engine(path: Path) -> Engine:
    """A connection that changes nothing, waits a second for others, and raises where there is no file."""
    address = f"file:{quote(str(path))}?mode=ro"
    return create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(address, uri=True, timeout=1.0)
    )


def _engine(path: Path, pool: type[NullPool] | type[QueuePool], begin: str, *, synchronous: str) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=pool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transactions start too late and end at the wrong times: we say BEGIN ourselves.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={JOURNAL_BYTES}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def mark_of(path: Path) -> str:
    """Eight hex digits that were drawn when the file was made (SQLite's user_version)."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if not found:
            found = secrets.randbelow(2**31 - 1) + 1
            connection.execute(f"PRAGMA user_version={found}")
    connection.close()
    return f"{found:08x}"
