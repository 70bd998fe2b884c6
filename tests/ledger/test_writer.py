"""One thread writes: works share commits, fail alone, survive their awaiters, and are durable when they return."""

import asyncio
import errno
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from gateway.core.clock import SystemClock
from gateway.core.errors import NeedsOperator, PathRefused, Retryable
from gateway.core.mounts import Mount
from gateway.core.units import show_size
from gateway.ledger import Ledger, database, migrate, open_ledger
from gateway.ledger.database import FILE_NAME
from gateway.ledger.errors import AlreadyServed, LedgerBroken, LedgerFull, LedgerLocked
from gateway.ledger.instances import holder, own

_INSERT = text("INSERT INTO pause (scope, by, at) VALUES (:scope, 'test', 1)")


def insert(scope: str, connection: Connection) -> str:
    connection.execute(_INSERT, {"scope": scope})
    return scope


def scopes(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT scope FROM pause ORDER BY rowid")).scalars())


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


async def test_what_was_written_is_there_for_a_reader(ledger: Ledger) -> None:
    assert await ledger.write(lambda connection: insert("a", connection)) == "a"
    assert await ledger.read(scopes) == ["a"]


async def test_works_that_queue_up_share_one_commit(ledger: Ledger) -> None:
    commits = 0

    def count(_: Connection) -> None:
        nonlocal commits
        commits += 1

    def work(name: str, connection: Connection) -> None:
        if not event.contains(connection.engine, "commit", count):
            event.listen(connection.engine, "commit", count)
        insert(name, connection)

    await asyncio.gather(*(ledger.write(lambda c, n=n: work(str(n), c)) for n in range(200)))
    assert len(await ledger.read(scopes)) == 200
    assert commits < 50


async def test_a_work_that_fails_takes_back_only_its_own_changes(ledger: Ledger) -> None:
    def half(connection: Connection) -> None:
        insert("half", connection)
        raise PathRefused("no")

    def twice(connection: Connection) -> None:
        insert("once", connection)
        insert("once", connection)

    results = await asyncio.gather(
        ledger.write(lambda connection: insert("a", connection)),
        ledger.write(half),
        ledger.write(twice),
        ledger.write(lambda connection: insert("b", connection)),
        return_exceptions=True,
    )
    assert results[0] == "a"
    assert isinstance(results[1], PathRefused)
    assert isinstance(results[2], Exception)
    assert results[3] == "b"
    assert await ledger.read(scopes) == ["a", "b"]
    assert ledger.trouble is None


async def test_a_cancelled_awaiter_does_not_stop_its_work(ledger: Ledger) -> None:
    task = asyncio.ensure_future(ledger.write(lambda connection: insert("a", connection)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ledger.write(lambda connection: insert("b", connection))
    assert await ledger.read(scopes) == ["a", "b"]


async def test_closing_does_first_what_is_queued(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as ledger:
        tasks = [asyncio.ensure_future(ledger.write(lambda c, n=n: insert(str(n), c))) for n in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as ledger:
        assert len(await ledger.read(scopes)) == 50
    with pytest.raises(LedgerBroken, match="closed"):
        await ledger.write(scopes)


async def test_a_reader_sees_one_state_throughout(ledger: Ledger) -> None:
    await ledger.write(lambda connection: insert("a", connection))
    loop = asyncio.get_running_loop()

    def twice(connection: Connection) -> tuple[int, int]:
        first = len(scopes(connection))
        asyncio.run_coroutine_threadsafe(ledger.write(lambda c: insert("b", c)), loop).result()
        return first, len(scopes(connection))

    assert await ledger.read(twice) == (1, 1)
    assert await ledger.read(scopes) == ["a", "b"]


async def test_names_that_are_no_utf8_come_back_as_they_were(ledger: Ledger) -> None:
    from gateway.ledger.pauses import Pause, hold, paused

    name = os.fsdecode(b"caf\xe9.csv")
    await ledger.write(lambda connection: hold(connection, Pause(name, None, "test", 1)))
    (found,) = await ledger.read(lambda connection: paused(connection, 1))
    assert os.fsencode(found.scope) == b"caf\xe9.csv"


async def test_another_programs_lock_is_waited_for_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 50)
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as ledger:
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLocked, match="no new file is taken") as caught:
            await ledger.write(lambda connection: insert("a", connection))
        assert isinstance(caught.value, Retryable)
        assert isinstance(ledger.trouble, LedgerLocked)
        other.execute("ROLLBACK")
        other.close()
        await ledger.write(lambda connection: insert("a", connection))
        assert ledger.trouble is None


async def test_a_damaged_ledger_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this was a database once" * 100)
    with pytest.raises(LedgerBroken, match="damaged") as caught:
        async with open_ledger(tmp_path, SystemClock()):
            pass
    assert isinstance(caught.value, NeedsOperator)


async def test_a_ledger_that_cannot_be_opened_is_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(LedgerBroken, match="give our user access"):
        async with open_ledger(tmp_path, SystemClock()):
            pass


async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "mount_of", lambda _: Mount(str(tmp_path), "nfs4"))
    with pytest.raises(LedgerBroken, match="network file system"):
        async with open_ledger(tmp_path, SystemClock()):
            pass


async def test_outcomes_are_written_on_a_full_disk_by_giving_up_the_reserve(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=1024 * 1024) as ledger:
        assert (tmp_path / "reserve").stat().st_size == 1024 * 1024
        # SQLite itself says "full" on this connection; the next one is free of it, as after space was found.
        await ledger.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1").close())
        await ledger.write(lambda connection: insert("x" * 100_000, connection))
        assert (tmp_path / "reserve").stat().st_size == 0
        assert isinstance(ledger.trouble, LedgerFull), "nothing new is taken"
        await ledger.take(lambda connection: insert("new", connection))
        assert (tmp_path / "reserve").stat().st_size, "there is room again: it is laid down before anything new"
        assert ledger.trouble is None


async def test_nothing_new_is_taken_while_there_is_no_room_for_the_reserve(tmp_path: Path) -> None:
    more_than_there_is = os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=more_than_there_is) as ledger:
        with pytest.raises(LedgerFull, match="free some space") as refused:
            await ledger.take(lambda connection: insert("new", connection))
        assert f", {show_size(2 * more_than_there_is)} wanted" in str(refused.value), "how much is enough"
        assert re.search(r"on its disk: [\d.]+ [KMGT]?i?B free, ", str(refused.value)), "how much there is"
        await ledger.write(lambda connection: insert("outcome", connection))


async def test_a_quota_in_the_way_of_the_reserve_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "posix_fallocate", refused)
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=4096) as ledger:
        with pytest.raises(LedgerFull, match=r" 8\.0 KiB wanted \(Disk quota exceeded\); free some space"):
            await ledger.take(lambda connection: insert("new", connection))


_CHILD = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from gateway.core.clock import SystemClock
from gateway.ledger import open_ledger
from gateway.ledger.instances import own

async def main():
    async with open_ledger(Path(sys.argv[1]), SystemClock()) as ledger, own(ledger, "serve"):
        number = 0
        while True:
            number += 1
            insert = text(f"INSERT INTO pause (scope, by, at) VALUES ('{number}', 'test', 1)")
            await ledger.write(lambda connection: connection.execute(insert).close())
            print(number, flush=True)

asyncio.run(main())
"""


def _child(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", _CHILD, str(folder)], stdout=subprocess.PIPE, text=True)


async def test_what_a_killed_process_was_answered_for_is_there(tmp_path: Path) -> None:
    child = _child(tmp_path)
    assert child.stdout is not None
    answered = 0
    while answered < 100:
        answered = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    answered = max([answered, *(int(line) for line in child.stdout.read().splitlines())])
    child.wait()
    child.stdout.close()
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        kept = await ledger.read(scopes)
        assert kept[:answered] == [str(number) for number in range(1, answered + 1)]
        async with own(ledger, "serve"):
            dead = await ledger.read(
                lambda c: c.execute(text("SELECT ended_at FROM instance ORDER BY id")).scalars().all()
            )
    assert dead[0] is not None, "the killed one is found at the next start"
    assert dead[1] is None


async def test_a_second_gateway_is_refused_and_told_about_the_first(tmp_path: Path) -> None:
    child = _child(tmp_path)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        found = holder(tmp_path)
        assert found is not None
        assert (found.pid, found.what) == (child.pid, "serve")
        async with open_ledger(tmp_path, SystemClock()) as ledger:
            with pytest.raises(
                AlreadyServed, match=rf"gateway serve` \(pid {child.pid}, started {found.started_at:%Y-%m-%d}"
            ):
                async with own(ledger, "run"):
                    pass
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert holder(tmp_path) is None
