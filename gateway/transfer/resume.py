"""Going on with a large file where it broke off (DESIGN §4): only where source and partial provably agree.

The bytes that are there are compared by their hash before the rest is sent, where the far side computes one of them.
The whole is verified by its hash before it takes its name, whatever `verify` says: a peer may fill with zeros, append
in the wrong place or ignore where it is to start.  Such a peer is never asked to go on again.
"""

from collections.abc import AsyncIterator
from functools import partial

from gateway.core.errors import LinkLost, NotThere, VerifyFailed
from gateway.endpoints.base import Endpoint, Laid
from gateway.endpoints.wrap import close_iterator
from gateway.ledger import endpoints
from gateway.ledger.delivery_row import State
from gateway.transfer.bounded import Progress, progressing
from gateway.transfer.kept import Kept, resumable, safe_offset
from gateway.transfer.send import Beside, blocks_of, from_zero, give_time, let_run, same_source, send
from gateway.transfer.settle import restart
from gateway.transfer.tally import Tally
from gateway.transfer.verify import Proof, able, plan_proof, prove
from gateway.transfer.way import Way, stamp_at


class Differs(VerifyFailed):
    """What an earlier attempt has left is not the beginning of the source."""


async def go_on(way: Way) -> None:
    """A delivery in `intended`: keep its partial if it is one to go on with, else begin from zero."""
    way.kept = await _kept(way)
    if way.kept is None:
        await restart(way)
    else:
        await way.move(State.INTENDED, error=None, error_class=None, owner=way.owner)


async def send_rest(way: Way) -> None:
    """2 to 5: the rest of what is kept, or all of it.  What comes out wrong is sent from zero, once.

    FTP has no word for the end of a file: a connection that was cut on the far side alone ends like any other.
    """
    kept, way.kept = way.kept, None
    try:
        await send(way, from_zero if kept is None else partial(_beside, kept=kept))
    except VerifyFailed as exc:
        note = f"sent again from zero: {exc}" if kept is None else await _refuted(way, exc)
        await restart(way)
        await way.move(State.INTENDED, notes=way.noted(note))
        await send(way)


async def _refuted(way: Way, error: VerifyFailed) -> str:
    if isinstance(error, Differs):
        return f"sent from zero: {error}"
    endpoint = way.intent.endpoint
    if endpoint:
        await way.ledger.write(partial(endpoints.resume_off, endpoint=endpoint, why=str(error)))
    return (
        f"sent from zero, and {endpoint or 'this machine'} is not asked to go on with a file again until "
        f"`gateway probe {endpoint}`: going on gave a wrong file ({error})"
    )


async def _kept(way: Way) -> Kept | None:
    """The partial of an earlier attempt, if its bytes can be trusted in the end."""
    intent, source, target = way.intent, way.source.features, way.target.features
    if not way.row.partial or not resumable(intent, source, target):
        return None
    if intent.endpoint and not await way.ledger.read(partial(endpoints.resumes, endpoint=intent.endpoint)):
        return None
    there = await stamp_at(way.target, way.row.partial)
    offset = safe_offset(there.size_bytes, intent.stamp.size_bytes, target.window_bytes) if there else 0
    if not offset:
        return None
    return await (_from_there(way, offset) if _arrives_here(way) else _to_there(way, offset))


def _arrives_here(way: Way) -> bool:
    """GET: the partial is on this machine, and the source is not."""
    return not way.intent.place and way.intent.verb != "LCOPY"


async def _to_there(way: Way, offset: int) -> Kept | None:
    digest = await way.target.remote_hash(way.row.partial, "sha256", first_bytes=offset)
    proof = plan_proof(way.intent, way.target.features)
    if proof.algorithm is None and proof.name != "readback":
        algorithm = able(way.target.features) or (None if digest is None else "sha256")
        if algorithm is None:
            return None
        proof = Proof("hash", algorithm)
    return Kept(offset, digest, proof)


async def _from_there(way: Way, offset: int) -> Kept | None:
    digest = await way.source.remote_hash(way.intent.source, "sha256", first_bytes=offset)
    whole = able(way.source.features) or (None if digest is None else "sha256")
    return None if whole is None else Kept(offset, digest, Proof("hash", "sha256"), whole)


async def _beside(way: Way, kept: Kept) -> Beside:
    await same_source(way)
    tally = Tally.of(*kept.proof.algorithms, *([kept.whole] if kept.whole else []))
    async with progressing(way.clock, way.intent.timeout, way.intent.source) as progress:
        await _catch_up(way, kept, tally, progress)
        sent = await _send_rest(way, kept.offset, tally, progress)
    await tally.settled()
    await same_source(way)
    if kept.offset + sent != tally.size_bytes:
        raise LinkLost(f"{way.row.partial}: {tally.size_bytes - kept.offset} bytes were given, the peer took {sent}")
    await _whole(way, kept, tally)
    notes = await give_time(way, way.row.partial, Laid(tally.size_bytes))
    stamp = await prove(way.target, way.row.partial, kept.proof, tally.size_bytes, tally.hex, way.intent)
    notes += await let_run(way, way.row.partial)
    return stamp, kept.proof, tally, [*notes, f"went on at byte {kept.offset} after a break"]


async def _catch_up(way: Way, kept: Kept, tally: Tally, progress: Progress) -> None:
    """Hash what is there already, from the side that is this machine's."""
    mine = (way.target, way.row.partial) if _arrives_here(way) else (way.source, way.intent.source)
    async for block in _head(*mine, kept.offset):
        await tally.add(block)
        progress.made()
    await tally.settled()
    if tally.size_bytes != kept.offset or kept.digest not in (None, tally.hex("sha256")):
        raise Differs(
            f"{way.row.partial}: its first {kept.offset} bytes were not those of {way.intent.source} "
            f"(SHA-256 {kept.digest} where {tally.hex('sha256')} was expected)"
        )


async def _head(endpoint: Endpoint, path: str, size_bytes: int) -> AsyncIterator[bytes]:
    blocks = endpoint.read(path)
    left = size_bytes
    try:
        async for block in blocks:
            yield block[:left]
            left -= len(block[:left])
            if not left:
                return
    finally:
        await close_iterator(blocks)


async def _send_rest(way: Way, offset: int, tally: Tally, progress: Progress) -> int:
    blocks = blocks_of(way, tally, progress, offset)
    try:
        return await way.target.write(way.row.partial, blocks, offset=offset)
    except NotThere as exc:
        raise Differs(f"{way.row.partial}: it was gone when it was to be gone on with") from exc
    finally:
        await blocks.aclose()


async def _whole(way: Way, kept: Kept, tally: Tally) -> None:
    """A source that does not start where it is asked to gives too much, or the wrong bytes."""
    expected = way.intent.stamp.size_bytes
    if tally.size_bytes != expected:
        raise VerifyFailed(f"{way.intent.source}: {tally.size_bytes} bytes came together where {expected} are there")
    if kept.whole is None:
        return
    theirs = await way.source.remote_hash(way.intent.source, kept.whole)
    if theirs != tally.hex(kept.whole):
        raise VerifyFailed(
            f"{way.intent.source}: {kept.whole} {tally.hex(kept.whole)} arrived, the peer says {theirs or 'nothing'}"
        )
