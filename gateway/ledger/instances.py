"""Processes that own runs and deliveries: one gateway per state folder, and what dead ones left behind."""

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, insert, select, update

from gateway.ledger.errors import AlreadyServed
from gateway.ledger.ledger import Ledger
from gateway.ledger.tables import instance

LOCK_NAME = "gateway.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a state folder."""

    pid: int
    what: str
    started_at: datetime


@asynccontextmanager
async def own(ledger: Ledger, what: str) -> AsyncIterator[int]:
    """Be the one gateway of this state folder; yields our row's id.

    Instances that ended without saying so are marked as ended, so that their deliveries are free to settle.
    Raises AlreadyServed, which names the process that holds the folder.
    """
    lock = await asyncio.to_thread(_lock, ledger.folder, what, ledger.clock.now())
    try:
        owner = await ledger.write(partial(begin, what=what, at=ledger.now_ns()))
        try:
            yield owner
        finally:
            await ledger.write(partial(end, owner=owner, at=ledger.now_ns()))
    finally:
        lock.close()


def holder(folder: Path) -> Holder | None:
    """Who holds the state folder now, None if nobody does (blocks shortly)."""
    path = folder / LOCK_NAME
    if not path.exists():
        return None
    with path.open("rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_holder(file)
    return None


def _lock(folder: Path, what: str, at: datetime) -> IO[bytes]:
    file = (folder / LOCK_NAME).open("ab+")
    if not _taken(file):
        found = _read_holder(file)
        file.close()
        raise AlreadyServed(
            f"{folder}: `gateway {found.what}` (pid {found.pid}, started {found.started_at:%Y-%m-%d %H:%M:%S} UTC) "
            "holds this state folder; end it first, or give this gateway a state folder of its own"
        )
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid(), "what": what, "started_at": at.isoformat()}).encode())
    file.flush()
    return file


def _taken(file: IO[bytes]) -> bool:
    """Take the lock; a `holder` that looks at the same moment has it for an instant, so ask a few times."""
    for _attempt in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _read_holder(file: IO[bytes]) -> Holder:
    """What the holder wrote; a holder that has not written yet is unknown."""
    file.seek(0)
    try:
        raw = json.loads(file.read())
        return Holder(raw["pid"], raw["what"], datetime.fromisoformat(raw["started_at"]))
    except (ValueError, KeyError):
        return Holder(0, "of another user", datetime.fromtimestamp(0, UTC))


def begin(connection: Connection, *, what: str, at: int, alone: bool = True) -> int:
    """A process begins; its id.  One that is `alone` (it holds the lock) ends all that did not say so."""
    if alone:
        connection.execute(update(instance).where(instance.c.ended_at.is_(None)).values(ended_at=at))
    values = {"pid": os.getpid(), "boot": boot(), "what": what, "started_at": at}
    return int(connection.execute(insert(instance).values(values).returning(instance.c.id)).scalar_one())


def end(connection: Connection, *, owner: int, at: int) -> None:
    """The process ends; what it still owns is free."""
    connection.execute(update(instance).where(instance.c.id == owner).values(ended_at=at))


def alive(connection: Connection) -> int | None:
    """The instance that has not ended, as far as the ledger knows."""
    return connection.execute(select(instance.c.id).where(instance.c.ended_at.is_(None))).scalar()


def boot() -> str:
    """What tells this boot of the machine from others; empty where it can't be known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
