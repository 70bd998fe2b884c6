"""The sentbox: what -DEL would remove is kept for a while, so that it can be sent again."""

from gateway.core.errors import GatewayError, NeedsOperator, NotThere
from gateway.core.model import Stamp
from gateway.transfer import naming
from gateway.transfer.send import make_folders
from gateway.transfer.way import Way, removed, stamp_at


async def keep(way: Way, path: str, claim: str, stamp: Stamp) -> str:
    """Move a claimed source into the sentbox; its path there: the delivery's id, then its own name."""
    kept = _path(way, path)
    if not await _moved(way, claim, kept, naming.split(kept)[0].rstrip("/")):
        await _copied(way, claim, kept, stamp)
    return kept


async def kept_before(way: Way, path: str) -> str | None:
    """Where an earlier attempt kept the source and could not record it any more; None if it did not."""
    if way.row.sent_as is not None or way.intent.sentbox is None:
        return way.row.sent_as
    kept = _path(way, path)
    found = await stamp_at(way.source, kept)
    return kept if found is not None and found.size_bytes == way.intent.stamp.size_bytes else None


def _path(way: Way, path: str) -> str:
    return kept_path(way.intent.sentbox or "", way.row.id, path, way.source.features.name_bytes_max)


def kept_path(sentbox: str, delivery: int, path: str, name_bytes_max: int) -> str:
    """Where a source is kept; follows from the delivery alone: what was kept before a kill is found again."""
    folder, name = sentbox.rstrip("/"), naming.split(path)[1]
    return naming.partial_path(f"{delivery}-{{name}}", f"{folder}/{name}", "", name_bytes_max)


async def _moved(way: Way, claim: str, kept: str, folder: str) -> bool:
    """Rename where both lie on one file system; False where that is refused."""
    for _attempt in range(2):
        try:
            await way.source.rename(claim, kept)
        except NotThere:
            await make_folders(way.source, folder)
        except GatewayError as exc:
            if exc.concerns_endpoint:
                raise
            return False
        else:
            return True
    return False


async def _copied(way: Way, claim: str, kept: str, stamp: Stamp) -> None:
    """Between file systems: copy beside the name, check the size, rename, and only then remove."""
    beside = f"{kept}.part"
    await way.source.write(beside, way.source.read(claim))
    copied = await stamp_at(way.source, beside)
    if copied is None or copied.size_bytes != stamp.size_bytes:
        raise NeedsOperator(f"{beside}: the copy into the sentbox is not whole; look at its disk")
    await way.source.rename(beside, kept)
    await removed(way.source, claim)
