"""Counting and hashing what goes by, off the event loop where that pays."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

_INLINE_BYTES = 32 * 1024
"""Blocks up to this size are hashed on the event loop: a hop to a thread costs more."""


@dataclass(slots=True)
class Tally:
    """What went by: the count, and the digests that are wanted."""

    digests: dict[str, Any]
    size_bytes: int = 0
    _pending: list[asyncio.Future[None]] = field(default_factory=list)

    @classmethod
    def of(cls, *algorithms: str) -> "Tally":
        """SHA-256 always, others where a proof needs them."""
        return cls({name: hashlib.new(name) for name in {"sha256", *algorithms}})

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
