"""Counting and hashing what goes by, off the event loop where that pays."""

import asyncio
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_INLINE_BYTES = 32 * 1024
"""Blocks up to this size are hashed on the event loop: a hop to a thread costs more."""
_TOGETHER_BYTES = 4 * 1000 * 1000
"""So much is hashed in one go."""


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
    """What went by: the count, and the digests that are wanted; those that are `known` already cost nothing."""

    digests: dict[str, Any]
    known: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0
    _held: list[bytes] = field(default_factory=list)
    _held_bytes: int = 0
    _pending: list[asyncio.Future[None]] = field(default_factory=list)

    @classmethod
    def of(cls, *algorithms: str) -> "Tally":
        """SHA-256 always, others where a proof needs them."""
        return cls({name: _digest(name) for name in {"sha256", *algorithms}})

    @classmethod
    def knowing(cls, sha256: str | None, *algorithms: str) -> "Tally":
        """The same where the SHA-256 may be known: it is not made again."""
        if sha256 is None:
            return cls.of(*algorithms)
        return cls({name: _digest(name) for name in algorithms if name != "sha256"}, {"sha256": sha256})

    async def add(self, block: bytes) -> None:
        """Take a block in order; big ones are hashed in a thread, some together, while the caller goes on."""
        self.size_bytes += len(block)
        if not self.digests:
            return
        if len(block) <= _INLINE_BYTES and not self._held and not self._pending:
            self._update([block])
            return
        self._held.append(block)
        self._held_bytes += len(block)
        if self._held_bytes >= _TOGETHER_BYTES:
            await self._hash_held()

    async def settled(self) -> None:
        """Return once all that went by is hashed."""
        if self._held:
            await self._hash_held()
        while self._pending:
            await self._pending.pop()

    async def _hash_held(self) -> None:
        """One thread at a time: digests are made in order."""
        while self._pending:
            await self._pending.pop()
        held, self._held, self._held_bytes = self._held, [], 0
        self._pending.append(asyncio.get_running_loop().run_in_executor(None, self._update, held))

    def hex(self, algorithm: str) -> str:
        """The digest so far, or the one that is known of the whole."""
        if algorithm in self.known:
            return self.known[algorithm]
        return str(self.digests[algorithm].hexdigest())

    def _update(self, blocks: list[bytes]) -> None:
        for digest in self.digests.values():
            for block in blocks:
                digest.update(block)
