"""`inplace = true`: for peers that can't rename; at-least-once, and half a file may be seen (DESIGN §4)."""

from gateway.config.schema import Verify
from gateway.core.errors import PathRefused, VerifyFailed
from gateway.ledger.delivery_row import State
from gateway.transfer.send import as_promised, same_source, transmit
from gateway.transfer.tally import Tally
from gateway.transfer.way import Way, stamp_at

NOTE = "written in place: it may have been seen before it was whole, and may have been sent twice"


async def write_inplace(way: Way) -> None:
    """Write straight under the final name; a cut attempt starts again from zero."""
    await same_source(way)
    await way.caller.before_placing()
    tally = Tally.of()
    await transmit(way, way.row.final, tally)
    await same_source(way)
    as_promised(way, tally)
    verified = await _verified(way, tally.size_bytes)
    await way.move(State.PLACING, size=tally.size_bytes, sha256=tally.hex("sha256"), verified=verified)
    await way.delivered(placed="gone" if verified == "none" else "same", notes=way.noted(NOTE))


async def _verified(way: Way, size_bytes: int) -> str:
    """A peer that takes files at their close, or lets nobody look, shows nothing: that is an answer here."""
    if way.intent.verify is Verify.NONE:
        return "none"
    try:
        there = await stamp_at(way.target, way.row.final)
    except PathRefused:
        if way.intent.verify is not Verify.AUTO:
            raise
        there = None
    if there is None:
        return "none"
    if there.size_bytes != size_bytes:
        raise VerifyFailed(f"{way.row.final}: {size_bytes} bytes were sent, the peer shows {there.size_bytes}")
    return "size"
