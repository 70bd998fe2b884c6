"""Step 8 of DESIGN §4: -DEL removes the source that was sent, and no other.

The source is renamed to a claim name in its own folder first: what is claimed can't be replaced between the look and
the removal.  The claim's name follows from the delivery, so a cut collection is found again.
"""

from gateway.core.errors import AlreadyThere, GatewayError, NeedsOperator, NotThere
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.ledger.delivery_row import State
from gateway.transfer import naming
from gateway.transfer.place import drop_backup
from gateway.transfer.sentbox import keep
from gateway.transfer.way import Way, removed, stamp_at


async def finish(way: Way) -> None:
    """8 and 9: what waits at the target is removed, the source collected, and the delivery done."""
    await drop_backup(way)
    if not way.intent.remove_source:
        await way.ended()
        return
    try:
        notes, sent_as = await remove_source(way)
    except NeedsOperator as exc:
        if exc.concerns_endpoint:
            raise
        await _delete_failed(way, exc)
        return
    await way.ended(notes=way.noted(*notes), sent_as=sent_as)


async def _delete_failed(way: Way, error: GatewayError) -> None:
    await way.move(
        State.DELETE_FAILED,
        error=str(error),
        error_class=type(error).__name__,
        owner=None,
        finished_at=way.ledger.now_ns(),
    )


async def remove_source(way: Way) -> tuple[list[str], str | None]:
    """Remove the source, or move it to the sentbox; what the receipt should say, and where it was moved to.

    NotThere is success.  A source that is not the one sent stays, and counts as new.
    Raises NeedsOperator where the source stays although it was sent.
    """
    claim = claim_path(way)
    if await stamp_at(way.source, claim) is None:
        found = await stamp_at(way.source, way.intent.source)
        if found is None:
            return [], way.row.sent_as
        if not found.same_version(way.intent.stamp):
            return ["the source was replaced after it was sent; the new file is not touched"], None
        claimed = await _claim(way, claim)
        if claimed is not None:
            return claimed, None
    return await _collect(way, claim)


def claim_path(way: Way) -> str:
    """The claim's name, beside the source."""
    made = naming.token(way.ledger.mark, way.row.id, 0)
    return naming.partial_path(naming.CLAIM_TEMPLATE, way.intent.source, made, way.source.features.name_bytes_max)


async def _claim(way: Way, claim: str) -> list[str] | None:
    """Rename the source to its claim; notes if the source is gone without one, None if it is claimed."""
    try:
        await way.source.rename(way.intent.source, claim)
    except NotThere:
        return []
    except (NeedsOperator, AlreadyThere) as exc:
        if getattr(exc, "concerns_endpoint", False):
            raise
        return await _remove_at_once(way, str(exc))
    return None


async def _remove_at_once(way: Way, reason: str) -> list[str]:
    """For a peer that does not rename: a look, and the removal right after it."""
    found = await stamp_at(way.source, way.intent.source)
    if found is None:
        return []
    if not found.same_version(way.intent.stamp):
        return ["the source was replaced after it was sent; the new file is not touched"]
    await removed(way.source, way.intent.source)
    return [f"the source was removed without a claim: {reason}"]


async def _collect(way: Way, claim: str) -> tuple[list[str], str | None]:
    found = await stamp_at(way.source, claim)
    if found is None:
        return [], way.row.sent_as
    if not found.same_version(way.intent.stamp):
        return await _put_back(way, claim), None
    try:
        sent_as = await _remove_claim(way, claim, found)
    except NeedsOperator:
        await _put_back(way, claim)
        raise
    await sync_folder(way.source, naming.split(way.intent.source)[0])
    return [], sent_as


async def _remove_claim(way: Way, claim: str, stamp: Stamp) -> str | None:
    if way.intent.sentbox is not None:
        return await keep(way, claim, stamp)
    await removed(way.source, claim)
    return None


async def _put_back(way: Way, claim: str) -> list[str]:
    """Give a claimed file its name again, unless a newer one has it."""
    try:
        await _rename_free(way.source, claim, way.intent.source)
    except AlreadyThere as exc:
        raise NeedsOperator(
            f"{claim}: this file replaced {way.intent.source} after that was sent, and a newer one stands there; "
            "move it where it belongs, or remove it"
        ) from exc
    return ["the source was replaced after it was sent; the new file is not touched"]


async def _rename_free(endpoint: Endpoint, path: str, target: str) -> None:
    if endpoint.features.rename_noreplace:
        await endpoint.rename_noreplace(path, target)
        return
    if await stamp_at(endpoint, target) is not None:
        raise AlreadyThere(f"{target}: something stands there")
    await endpoint.rename(path, target)


async def sync_folder(endpoint: Endpoint, folder: str) -> None:
    """Have a removal on disk where the endpoint can."""
    sync = getattr(endpoint, "sync_folder", None)
    if sync is not None:
        await sync(folder.rstrip("/") or folder)
