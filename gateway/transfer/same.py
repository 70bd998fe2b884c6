"""Whether the file under the final name is the one we bring: equal content counts as delivered."""

from gateway.transfer.verify import sha256_of
from gateway.transfer.way import Way, stamp_at


async def same_content(way: Way) -> bool:
    """True if the final has the size and the SHA-256 of the source."""
    there = await stamp_at(way.target, way.row.final)
    if there is None or there.size_bytes != way.intent.stamp.size_bytes:
        return False
    ours = way.row.sha256 or await sha256_of(way.source, way.intent.source)
    return ours is not None and ours == await sha256_of(way.target, way.row.final)
