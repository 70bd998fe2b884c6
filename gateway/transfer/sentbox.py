"""The sentbox: what -DEL would remove is kept for a while, so that it can be sent again."""

from gateway.core.errors import GatewayError, NeedsOperator, NotThere
from gateway.core.model import Stamp
from gateway.transfer import naming
from gateway.transfer.send import make_folders
from gateway.transfer.way import Way, removed, stamp_at


async def keep(way: Way, path: str, claim: str, stamp: Stamp) -> str:
    """Move a claimed source into the sentbox; its path there: the delivery's id, then its own name."""
    folder = (way.intent.sentbox or "").rstrip("/")
    name = naming.split(path)[1]
    kept = naming.partial_path(f"{way.row.id}-{{name}}", f"{folder}/{name}", "", way.source.features.name_bytes_max)
    if not await _moved(way, claim, kept, folder):
        await _copied(way, claim, kept, stamp)
    return kept


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
