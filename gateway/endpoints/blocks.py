"""Streams of blocks, cut or put together to a size that suits the way they go."""

from collections.abc import AsyncIterator


async def pieces(blocks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """`blocks`, cut into pieces of at most `size` bytes; small ones pass as they are."""
    async for block in blocks:
        if len(block) <= size:
            if block:
                yield block
            continue
        view = memoryview(block)
        for at in range(0, len(view), size):
            yield bytes(view[at : at + size])


async def gathered(blocks: AsyncIterator[bytes], least: int) -> AsyncIterator[bytes]:
    """`blocks`, small ones put together until they have at least `least` bytes."""
    held = bytearray()
    async for block in blocks:
        if not held and len(block) >= least:
            yield block
            continue
        held += block
        if len(held) >= least:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
