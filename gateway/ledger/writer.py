"""The one thread that writes: works that queue up meanwhile share one durable COMMIT (group commit)."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import GatewayError
from gateway.ledger.database import writing_engine
from gateway.ledger.errors import LedgerBroken, LedgerFull, ledger_error
from gateway.ledger.reserve import Reserve

MOST_WORKS_A_COMMIT = 500


@dataclass(slots=True)
class _Job:
    """One work and the future that waits for it; `failed` is why this work alone came to nothing."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    failed: BaseException | None = None

    def resolve(self) -> None:
        """Hand the result over; an awaiter that was cancelled meanwhile misses it, the work is done all the same."""
        if self.future.done():
            return
        if self.failed is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.failed)


class Writer:
    """Takes works from the event loop, commits them in the order they came, and resolves their futures after that."""

    def __init__(self, path: Path, reserve: Reserve) -> None:
        self._path = path
        self._reserve = reserve
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._closed = False
        self.trouble: GatewayError | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: Callable[[Connection], Any]) -> "asyncio.Future[Any]":
        """Queue a work; the future resolves once it is durable.  Raises LedgerBroken after `close`."""
        if self._closed:
            raise LedgerBroken(f"{self._path}: the ledger is closed")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Do what is queued, then end the thread (blocks)."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        engine = writing_engine(self._path)
        connection: Connection | None = None
        while (batch := self._take()) is not None:
            if batch:
                connection = self._commit(engine.connect, connection, batch)
                _resolve(batch)
        if connection is not None:
            connection.close()
        engine.dispose()

    def _take(self) -> list[_Job] | None:
        """Wait for a job, then take what else is there; None once closed and empty."""
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MOST_WORKS_A_COMMIT:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)  # closing: come back for it after this batch
                break
            batch.append(job)
        return batch

    def _commit(
        self, connect: Callable[[], Connection], connection: Connection | None, batch: list[_Job]
    ) -> Connection | None:
        """Run the batch in one transaction; with a full disk once more after giving up the reserve."""
        error: GatewayError | None = None
        for _attempt in range(2):
            try:
                connection = connection or connect()
                _run_batch(connection, batch, self._path)
            except Exception as exc:
                error = self._as_ours(exc)
            else:
                self.trouble = None
                return connection
            _abandon(connection)
            connection = None
            if not (isinstance(error, LedgerFull) and self._reserve.give_up()):
                break
        self.trouble = error
        for job in batch:
            job.failed = error
        return connection

    def _as_ours(self, exc: Exception) -> GatewayError:
        """Whatever stops a whole batch is the ledger's trouble; this thread outlives it."""
        if isinstance(exc, GatewayError):
            return exc
        known = ledger_error(self._path, exc) if isinstance(exc, (DBAPIError, sqlite3.Error)) else None
        ours = known or LedgerBroken(f"{self._path}: the ledger can't be written: {exc}")
        ours.__cause__ = exc
        return ours


def _run_batch(connection: Connection, batch: list[_Job], path: Path) -> None:
    """One COMMIT for all.  Where one fails, all are taken back and each is run in a savepoint of its own."""
    with connection.begin():
        savepoints = connection.connection.driver_connection
        assert isinstance(savepoints, sqlite3.Connection)
        savepoints.execute("SAVEPOINT batch")
        if not _all_well(connection, batch, path):
            savepoints.execute("ROLLBACK TO batch")
            for job in batch:
                _run_one(connection, savepoints, job, path)


def _all_well(connection: Connection, batch: list[_Job], path: Path) -> bool:
    """Run every work; False as soon as one fails (hardly any does, and a savepoint costs as much as a work)."""
    for job in batch:
        job.failed = None
        try:
            job.result = job.work(connection)
        except Exception as exc:
            _raise_trouble(exc, path)
            return False
    return True


def _run_one(connection: Connection, savepoints: sqlite3.Connection, job: _Job, path: Path) -> None:
    """A work that fails takes back only its own changes; trouble of the whole ledger is raised.

    The driver's own connection sets the savepoints: through SQLAlchemy they cost as much as the work.
    """
    job.failed = None
    savepoints.execute("SAVEPOINT work")
    try:
        job.result = job.work(connection)
    except Exception as exc:
        _raise_trouble(exc, path)
        savepoints.execute("ROLLBACK TO work")
        job.failed = exc
    savepoints.execute("RELEASE work")


def _raise_trouble(exc: Exception, path: Path) -> None:
    """Raise what a work's error says about the ledger as a whole, if anything."""
    trouble = ledger_error(path, exc) if isinstance(exc, DBAPIError) else None
    if trouble is not None:
        raise trouble from exc


def _abandon(connection: Connection | None) -> None:
    """Throw a connection away; the next batch makes a new one."""
    if connection is not None:
        connection.invalidate()
        connection.close()


def _resolve(batch: list[_Job]) -> None:
    """Hand results over, one hop per event loop; a loop that is gone takes no results."""
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_here, jobs)


def _resolve_here(jobs: list[_Job]) -> None:
    for job in jobs:
        job.resolve()
