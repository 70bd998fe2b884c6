"""How uploads ended that were under way when the gateway was killed: the next start finds out."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.inbound.book import Book
from gateway.inbound.landing import Landing, Start
from gateway.ledger import Ledger, open_ledger
from gateway.ledger.partner_files import Act, Came
from tests.inbound.running import running
from tests.inbound.test_book import act, rows

SFTP = {"listen": "127.0.0.1:0"}


@dataclass
class Left:
    """A gateway that was killed: its ledger has an upload as under way."""

    ledger: Ledger
    upload: Landing
    hash: str
    root: Path

    async def found(self, **servers: Any) -> Act:
        """What the next start finds out."""
        book = Book(self.ledger)
        async with running(self.root, self.hash, book=book, **servers):
            await book.close()
        (found,) = await rows(self.ledger)
        return found


@pytest.fixture
async def left(tmp_path: Path, password_hash: str) -> AsyncIterator[Left]:
    room = tmp_path / "rooms/partner"
    room.mkdir(parents=True)
    async with open_ledger(tmp_path / "var", SystemClock()) as ledger:
        book = Book(ledger)
        upload = Landing(room / "a.csv", Start.EMPTY)
        upload.write(b"12345")
        inode = os.fstat(upload.fileno()).st_ino
        book.note(act(str(room / "a.csv"), Came.UNDER_WAY, hidden=upload.hidden, inode=inode))
        await book.close()
        yield Left(ledger, upload, password_hash, tmp_path)
        upload.abandon()


async def test_an_upload_that_a_kill_has_cut_is_told_as_cut_by_the_next_start(
    left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.landing._under_way", set())  # that process is gone
    found = await left.found(sftp=SFTP)
    assert (found.state, found.size, found.hidden) == (Came.CUT, 5, None)
    assert "killed" in (found.error or "")


async def test_an_upload_that_had_landed_before_a_kill_is_told_as_whole(left: Left) -> None:
    left.upload.commit()
    found = await left.found(sftp=SFTP)
    assert (found.state, found.size, found.error) == (Came.WHOLE, 5, None)


async def test_an_upload_of_which_nothing_is_left_is_not_told_as_whole(left: Left) -> None:
    left.upload.commit()
    left.upload.final.write_bytes(b"xxxxx")
    left.upload.final.rename(left.upload.final.with_name("taken"))
    left.upload.final.write_bytes(b"another")
    assert (await left.found(sftp=SFTP)).state is Came.UNKNOWN


async def test_an_upload_is_not_under_way_for_ever_where_no_server_is_left(left: Left) -> None:
    assert (await left.found()).state is Came.UNKNOWN
