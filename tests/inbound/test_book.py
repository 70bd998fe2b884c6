"""What partners do, as the ledger has it: each thing once, no session waits for it, and it tells what it lost."""

import asyncio
import ftplib
import io
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.core.clock import SystemClock
from gateway.inbound.book import Book
from gateway.ledger import Ledger, database, open_ledger, partner_files
from gateway.ledger.partner_files import Act, Came, Kind
from gateway.ledger.partner_history import ActFilter, acts
from tests.inbound.running import NAME, Running, running
from tests.inbound.test_inbound_ftp import half, off, plain, reset, secure, store
from tests.peers.certificates import make_certificate

CONTENT = os.urandom(100_000)
HASH = sha256(CONTENT).hexdigest()


@dataclass
class Kept:
    """A book that is kept while servers run."""

    ledger: Ledger
    book: Book
    server: Running

    async def acts(self, count: int) -> list[Act]:
        """So many, oldest first."""
        found: list[Act] = []

        async def look() -> bool:
            rows = await self.ledger.read(lambda c: acts(c, ActFilter()))
            found[:] = [row.act for row in reversed(rows)]
            return len(found) >= count and Came.UNDER_WAY not in [act.state for act in found]

        async with asyncio.timeout(60):
            while not await look():
                await asyncio.sleep(0.01)
        assert len(found) == count
        return found

    async def told(self, count: int) -> list[tuple[Any, ...]]:
        """What was done with which file below the account's folder, and how it came out."""

        def below(path: str | None) -> str | None:
            return None if path is None else str(Path(path).relative_to(self.server.root))

        return [
            (act.kind.value, below(act.path), below(act.renamed_to), act.size, act.sha256, act.state.value)
            for act in await self.acts(count)
        ]


@asynccontextmanager
async def keeping(tmp_path: Path, password_hash: str, over: str) -> AsyncIterator[Kept]:
    """The server `over` with a book."""
    section: dict[str, Any] = {"listen": "127.0.0.1:0"}
    if over == "ftps":
        certificate = make_certificate(tmp_path / "certificate")
        (tmp_path / "ca.pem").write_text(certificate.text)
        section["tls"] = {"certificate": f"file:{certificate.file}", "key": f"file:{certificate.file}"}
    elif over == "ftp":
        section["plain"] = True
    async with open_ledger(tmp_path / "var", SystemClock()) as ledger:
        book = Book(ledger)
        async with running(
            tmp_path,
            password_hash,
            book=book,
            **{over.removesuffix("s"): section} if over != "sftp" else {"sftp": section},
        ) as server:
            writing = asyncio.create_task(book.run())
            yield Kept(ledger, book, server)
            writing.cancel()
        await book.close()


DONE = [
    ("mkdir", "new", None, None, None, "done"),
    ("upload", "new/a.part", None, len(CONTENT), HASH, "whole"),
    ("rename", "new/a.part", "new/a.csv", None, None, "done"),
    ("download", "new/a.csv", None, len(CONTENT), HASH, "whole"),
    ("remove", "new/a.csv", None, None, None, "done"),
    ("remove", "new", None, None, None, "done"),
]


async def test_what_a_partner_does_over_sftp_is_in_the_ledger(tmp_path: Path, password_hash: str) -> None:
    async with keeping(tmp_path, password_hash, "sftp") as kept:
        began = time.time_ns()
        async with kept.server.sftp() as connection, connection.start_sftp_client() as client:
            await client.mkdir("new")
            async with client.open("new/a.part", "wb") as file:
                await file.write(CONTENT)
            await client.rename("new/a.part", "new/a.csv")
            async with client.open("new/a.csv", "rb") as file:
                assert await file.read() == CONTENT
            await client.remove("new/a.csv")
            await client.rmdir("new")
        assert await kept.told(len(DONE)) == DONE
        for act in await kept.acts(len(DONE)):
            assert (act.partner, act.address, act.over) == (NAME, "127.0.0.1", "sftp")
            assert act.started_at is not None
            assert act.ended_at is not None
            assert began <= act.started_at <= act.ended_at <= time.time_ns()


@pytest.mark.parametrize("over", ["ftp", "ftps"])
async def test_what_a_partner_does_over_ftp_is_in_the_ledger(tmp_path: Path, password_hash: str, over: str) -> None:
    async with keeping(tmp_path, password_hash, over) as kept:

        def work() -> None:
            with (plain if over == "ftp" else secure)(kept.server) as client:
                client.mkd("new")
                store(client, "new/a.part", CONTENT)
                client.rename("new/a.part", "new/a.csv")
                back = io.BytesIO()
                client.retrbinary("RETR new/a.csv", back.write)
                assert back.getvalue() == CONTENT
                client.delete("new/a.csv")
                client.rmd("new")

        await off(work)
        assert await kept.told(len(DONE)) == DONE
        assert {act.over for act in await kept.acts(len(DONE))} == {over}


async def test_a_cut_upload_and_half_a_download_are_told_as_such_over_sftp(tmp_path: Path, password_hash: str) -> None:
    async with keeping(tmp_path, password_hash, "sftp") as kept:
        (kept.server.root / "old").write_bytes(CONTENT)
        async with kept.server.sftp() as connection:
            client = await connection.start_sftp_client()
            async with client.open("old", "rb") as file:
                await file.read(10)
            await (await client.open("a.csv", "wb")).write(b"half")
            assert await (await client.open("old", "rb")).read() == CONTENT  # who knows whether it got all of it
            connection.abort()
        first, *others = await kept.told(3)
        assert first == ("download", "old", None, 10, None, "part")
        assert sorted(others) == [
            ("download", "old", None, len(CONTENT), None, "part"),
            ("upload", "a.csv", None, 4, None, "cut"),
        ]


async def test_a_cut_upload_and_half_a_download_are_told_as_such_over_ftp(tmp_path: Path, password_hash: str) -> None:
    async with keeping(tmp_path, password_hash, "ftp") as kept:
        (kept.server.root / "old").write_bytes(bytes(50_000_000))

        def work() -> None:
            with plain(kept.server) as client:
                data = half(client, "STOR a.csv")
                while not any(path.stat().st_size for path in kept.server.hidden):
                    time.sleep(0.01)
                reset(data)
                with pytest.raises(ftplib.error_temp):
                    client.voidresp()
                data = client.transfercmd("RETR old")
                assert data.recv(10)
                reset(data)
                with pytest.raises(ftplib.error_temp):
                    client.voidresp()

        await off(work)
        cut, part = await kept.acts(2)
        assert (cut.kind, cut.state, cut.sha256) == (Kind.UPLOAD, Came.CUT, None)
        assert (part.kind, part.state, part.sha256) == (Kind.DOWNLOAD, Came.PART, None)
        assert part.size is not None
        assert part.size < 50_000_000


async def test_no_session_waits_for_a_ledger_that_is_locked(
    tmp_path: Path, password_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 200_000)
    async with keeping(tmp_path, password_hash, "sftp") as kept:
        lock = sqlite3.connect(kept.ledger.path)
        lock.execute("BEGIN IMMEDIATE")
        async with kept.server.sftp() as connection, connection.start_sftp_client() as client, asyncio.timeout(100):
            for number in range(20):
                async with client.open(f"{number}", "wb") as file:
                    await file.write(b"12345")
        lock.rollback()
        lock.close()
        assert [act.path for act in await kept.acts(20)] == [str(kept.server.root / str(at)) for at in range(20)]


def act(path: str, state: Came = Came.WHOLE, **more: Any) -> Act:
    return Act(partner=NAME, address="127.0.0.1", over="sftp", kind=Kind.UPLOAD, path=path, state=state, **more)


async def rows(ledger: Ledger) -> list[Act]:
    return [row.act for row in reversed(await ledger.read(lambda c: acts(c, ActFilter())))]


async def test_a_full_book_leaves_out_beginnings_first_and_says_how_much_it_lost(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        book = Book(ledger, most=4)
        for number in range(6):
            book.note(act(f"/begun/{number}", Came.UNDER_WAY, hidden=f"{number}"))
        for number in range(6):
            book.note(act(f"/ended/{number}"))
        await book.close()
        found = await rows(ledger)
        assert [one.path for one in found] == ["/begun/0", "/begun/1", "/begun/2", "/ended/0", ""]
        assert (found[-1].kind, found[-1].size) == (Kind.LOST, 5)
        book.note(act("/later"))
        await book.close()
        assert [one.path for one in await rows(ledger)][5:] == ["/later"]


async def test_what_can_not_be_noted_keeps_nothing_else_from_it(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        book = Book(ledger)
        broken = act("/broken")
        object.__setattr__(broken, "path", None)
        for one in (act("/before"), broken, act("/behind")):
            book.note(one)
        with capture_logs() as lines:
            await book.close()
        assert [one.path for one in await rows(ledger)] == ["/before", "/behind"]
        assert [line["event"] for line in lines] == ["what a partner did can't be noted in the ledger"]


async def test_a_writer_that_is_cancelled_writes_nothing_twice(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        book = Book(ledger)
        for number in range(30):
            writing = asyncio.create_task(book.run())
            book.note(act(f"/{number}"))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        await book.close()
        assert [one.path for one in await rows(ledger)] == [f"/{number}" for number in range(30)]


async def test_the_end_of_an_upload_goes_into_the_row_of_its_beginning(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        book = Book(ledger)
        book.note(act("/a", Came.UNDER_WAY, hidden="h", inode=7))
        await book.close()
        (begun,) = await ledger.read(partner_files.under_way)
        assert (begun.state, begun.hidden, begun.inode, begun.ended_at) == (Came.UNDER_WAY, "h", 7, None)
        book.note(act("/a", hidden="h", size=5))
        await book.close()
        (ended,) = await rows(ledger)
        assert (ended.state, ended.size, ended.hidden, ended.started_at) == (Came.WHOLE, 5, None, begun.started_at)
        assert await ledger.read(partner_files.under_way) == ()
