"""How often a thread is asked for the bytes of a large file of this machine."""

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.endpoints import local_file
from gateway.endpoints.disk import Disk
from gateway.endpoints.local_file import BLOCK_BYTES, OpenFile, fill, rest_of

T = TypeVar("T")
_BLOCKS = 9
_QUICK, _SLOW = 3600.0, 0.0
"""Within which time what is read or written counts as quick."""


class CountingDisk(Disk):
    """Says how often a thread was asked."""

    asked = 0

    def start(self, work: Callable[[], T]) -> Future[T]:
        self.asked += 1
        return super().start(work)


async def given(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), BLOCK_BYTES):
        yield content[at : at + BLOCK_BYTES]


@pytest.mark.parametrize(("together_s", "asked"), [(_QUICK, 3), (_SLOW, 9)], ids=["quick", "slow"])
async def test_a_quick_disk_is_asked_for_four_blocks_at_once_and_a_slow_one_for_each(
    together_s: float, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_file, "_TOGETHER_S", together_s)
    content = os.urandom(_BLOCKS * BLOCK_BYTES)
    target, disk = tmp_path / "target", CountingDisk()
    try:
        new = os.open(target, os.O_WRONLY | os.O_CREAT)
        written = await fill(OpenFile(new, disk, "target", 60.0, ""), given(content), sync=False)
        wrote, disk.asked = disk.asked, 0
        old = OpenFile(os.open(target, os.O_RDONLY), disk, "target", 60.0, "")
        read = [block async for block in rest_of(old, content[:BLOCK_BYTES], 0)]
        old.close()
    finally:
        disk.close()
    assert (written, wrote, disk.asked) == (len(content), asked, asked)
    assert hashlib.sha256(b"".join(read)).digest() == hashlib.sha256(content).digest()
