"""The sentbox: what -DEL would remove is kept for a while, so that it can be sent again."""

from gateway.core.errors import AlreadyThere, GatewayError, NotThere
from gateway.core.model import Stamp
from gateway.transfer import naming
from gateway.transfer.send import make_folders
from gateway.transfer.way import Way, removed, stamp_at


async def keep(way: Way, claim: str, stamp: Stamp) -> str:
    """Move the claimed source into the sentbox; its path there."""
    folder = (way.intent.sentbox or "").rstrip("/")
    frame = f"{way.row.id}-" + "{name}"
    kept = naming.partial_path(f"{frame}", f"{folder}/{way.row.name}", "", way.source.features.name_bytes_max)
    if not await _moved(way, claim, kept, folder):
        await _copied(way, claim, kept, stamp)
    return kept


async def _moved(way: Way, claim: str, kept: str, folder: str) -> bool:
    """Rename where both lie on one file system."""
    try:
        await way.source.rename(claim, kept)
    except NotThere:
        await make_folders(way.source, folder)
        try:
            await way.source.rename(claim, kept)
        except GatewayError as exc:
            return _reraise_endpoint(exc)
    except GatewayError as exc:
        return _reraise_endpoint(exc)
    return True


def _reraise_endpoint(error: GatewayError) -> bool:
    """An error of the whole endpoint ends it here; any other means: copy instead."""
    if error.concerns_endpoint and not isinstance(error, AlreadyThere):
        raise error
    return False


async def _copied(way: Way, claim: str, kept: str, stamp: Stamp) -> None:
    """Between file systems: copy beside the name, check the size, rename, and only then remove."""
    beside = f"{kept}.part"
    await way.source.write(beside, way.source.read(claim))
    copied = await stamp_at(way.source, beside)
    if copied is None or copied.size_bytes != stamp.size_bytes:
        raise AlreadyThere(f"{beside}: the copy into the sentbox is not whole")
    await way.source.rename(beside, kept)
    await removed(way.source, claim)
