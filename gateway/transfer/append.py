"""-APE: bytes go behind what the final holds; there is no partial, and the size tells how far it got (DESIGN §4)."""

from collections.abc import AsyncIterator

from gateway.core.errors import GatewayError, NeedsOperator, NotThere, SourceChanged
from gateway.ledger.delivery_row import State
from gateway.ledger.stamps import stamp_columns
from gateway.transfer.bounded import progressing
from gateway.transfer.send import blocks_of, same_source
from gateway.transfer.tally import Tally
from gateway.transfer.way import Way, stamp_at


async def append(way: Way) -> None:
    """Record `placing` with where our bytes begin; none of them is there yet."""
    if not way.target.features.append:
        raise NeedsOperator(f"{way.row.final}: this peer can't append; leave out -APE for this endpoint")
    await same_source(way)
    before = await stamp_at(way.target, way.row.final)
    await way.move(
        State.PLACING,
        size=way.intent.stamp.size_bytes,
        offset=before.size_bytes if before else 0,
        **stamp_columns("before", before),
    )


async def append_on(way: Way) -> None:
    """Write what is missing behind the offset plus what is there already, then see that all of it is."""
    begin, whole = way.row.offset or 0, way.intent.stamp.size_bytes
    there = await stamp_at(way.target, way.row.final)
    written = (there.size_bytes if there else 0) - begin
    if not 0 <= written <= whole:
        await way.hold(_strange(way, begin + written), NeedsOperator.__name__)
        return
    try:
        digest = await _write(way, written, missing=there is None)
    except SourceChanged:
        await _cut_back(way, begin)
        raise
    await _verify(way, begin + whole)
    await way.delivered(sha256=digest, verified="size", placed="same", notes=way.noted("appended in place"))


async def _write(way: Way, written: int, *, missing: bool) -> str:
    """Append the source from `written` on; the SHA-256 of the whole source."""
    await same_source(way)
    tally = Tally.of()
    async for block in _head(way, written):
        await tally.add(block)
    if missing or written < way.intent.stamp.size_bytes:
        await _append_rest(way, tally)
    await tally.settled()
    await same_source(way)
    if tally.size_bytes != way.intent.stamp.size_bytes:
        raise SourceChanged(f"{way.intent.source}: its size changed while it was appended; it is judged anew")
    return tally.hex("sha256")


async def _append_rest(way: Way, tally: Tally) -> None:
    async with progressing(way.clock, way.intent.timeout, way.intent.source) as progress:
        blocks = blocks_of(way, tally, progress, tally.size_bytes)
        try:
            await way.target.append(way.row.final, blocks)
        except NotThere as exc:
            raise NeedsOperator(f"{way.row.final}: its folder is missing; make it") from exc
        finally:
            await blocks.aclose()


async def _head(way: Way, size_bytes: int) -> AsyncIterator[bytes]:
    """The first `size_bytes` of the source, for the hash."""
    left = size_bytes
    blocks = way.source.read(way.intent.source) if left else _nothing()
    async for block in blocks:
        yield block[:left]
        left -= len(block[:left])
        if not left:
            return


async def _verify(way: Way, size_bytes: int) -> None:
    there = await stamp_at(way.target, way.row.final)
    if there is not None and there.size_bytes == size_bytes:
        return
    shown = "nothing" if there is None else f"{there.size_bytes} bytes"
    raise NeedsOperator(
        f"{way.row.final}: {size_bytes} bytes were expected after appending, the peer shows {shown}; "
        "look whether somebody else writes there"
    )


async def _cut_back(way: Way, begin: int) -> None:
    """The source changed under us: take our bytes away again where the peer can, else a person must look."""
    cut = f"{way.row.final}: the source changed while it was appended; cut it to {begin} bytes by hand"
    if not way.target.features.resume:
        await way.hold(f"{cut} (this peer can't), then `gateway retry {way.row.id}`", NeedsOperator.__name__)
        return
    try:
        await way.target.write(way.row.final, _nothing(), offset=begin)
    except GatewayError as exc:
        if exc.concerns_endpoint:
            raise
        await way.hold(f"{cut} ({exc}), then `gateway retry {way.row.id}`", NeedsOperator.__name__)
        return
    await way.move(State.INTENDED)


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for block in nothing:
        yield block


def _strange(way: Way, size_bytes: int) -> str:
    begin = way.row.offset or 0
    return (
        f"{way.row.final}: it had {begin} bytes before we appended {way.intent.stamp.size_bytes}, now it has "
        f"{size_bytes}: somebody else changed it; look there, then `gateway skip {way.row.id}`, "
        f"or `gateway retry {way.row.id}` to append the whole file again"
    )
