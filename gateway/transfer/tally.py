"""Counting and hashing what goes by, off the event loop where that pays."""

import asyncio
import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any

_INLINE_BYTES = 32 * 1024
"""Blocks up to this size are hashed on the event loop: a hop to a thread costs more."""


class _Crc32:
    """What old FTP servers compute, in the manner of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, block: bytes) -> None:
        self._value = zlib.crc32(block, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _digest(algorithm: str) -> Any:
    return _Crc32() if algorithm == "crc32" else hashlib.new(algorithm)


@dataclass(slots=True)
class Tally:
    """What went by: the count, and the digests that are wanted."""

    digests: dict[str, Any]
    size_bytes: int = 0
    _pending: list[asyncio.Future[None]] = field(default_factory=list)

    @classmethod
    def of(cls, *algorithms: str) -> "Tally":
        """SHA-256 always, others where a proof needs them."""
        return cls({name: _digest(name) for name in {"sha256", *algorithms}})

    async def add(self, block: bytes) -> None:
        """Take a block in order; a big one is hashed in a thread while the caller goes on."""
        await self.settled()
        self.size_bytes += len(block)
        if len(block) <= _INLINE_BYTES:
            self._update(block)
        else:
            self._pending.append(asyncio.get_running_loop().run_in_executor(None, self._update, block))

    async def settled(self) -> None:
        """Wait for the block that is being hashed."""
        while self._pending:
            await self._pending.pop()

    def hex(self, algorithm: str) -> str:
        """The digest so far."""
        return str(self.digests[algorithm].hexdigest())

    def _update(self, block: bytes) -> None:
        for digest in self.digests.values():
            digest.update(block)
