"""Step 8 of DESIGN §4: -DEL removes the source that was sent, and no other.

The source is renamed to a claim name in its own folder first: what is claimed can't be replaced between the look and
the removal.  The claim's name follows from the delivery, so a cut collection is found again.
"""

from dataclasses import dataclass

from gateway.core.errors import AlreadyThere, GatewayError, NeedsOperator, NotThere
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.ledger.delivery_row import State
from gateway.transfer import naming
from gateway.transfer.place import drop_backup
from gateway.transfer.sentbox import keep, kept_before
from gateway.transfer.way import Way, removed, stamp_at

REPLACED = "the source was replaced after it was sent; the new file is not touched"


@dataclass(frozen=True, slots=True)
class Sent:
    """A source that was delivered: where it stood, what was sent, and the name to claim it under."""

    path: str
    stamp: Stamp
    claim: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of a source: `notes` for the receipt, `kept` its path in the sentbox."""

    notes: tuple[str, ...] = ()
    kept: str | None = None


async def finish(way: Way) -> None:
    """8 and 9: what waits at the target is removed, the source collected, and the delivery done."""
    await drop_backup(way)
    if not way.intent.remove_source:
        await way.ended()
        return
    try:
        collected = await _remove_sources(way)
    except NeedsOperator as exc:
        if exc.concerns_endpoint:
            raise
        await _delete_failed(way, exc)
        return
    await way.ended(notes=way.noted(*collected.notes), sent_as=collected.kept)


async def _delete_failed(way: Way, error: GatewayError) -> None:
    await way.move(
        State.DELETE_FAILED,
        error=str(error),
        error_class=type(error).__name__,
        owner=None,
        finished_at=way.ledger.now_ns(),
    )


async def _remove_sources(way: Way) -> Collected:
    """One source, or all that went into an archive, in their order; then the done files that said they are whole."""
    collected = await _remove_members(way)
    count = len(way.intent.zip.members) if way.intent.zip is not None else 1
    for number, marker in enumerate(way.intent.markers, start=count):
        await remove_source(way, sent(way, marker.path, marker.stamp, number))
    return collected


async def _remove_members(way: Way) -> Collected:
    if way.intent.zip is None:
        return await remove_source(way, sent(way, way.intent.source, way.intent.stamp))
    notes: list[str] = []
    for number, member in enumerate(way.intent.zip.members):
        collected = await remove_source(way, sent(way, member.path, member.stamp, number))
        notes += [f"{member.name}: {note}" for note in collected.notes]
    return Collected(tuple(notes), way.intent.sentbox)


def sent(way: Way, path: str, stamp: Stamp, number: int = 0) -> Sent:
    """A source of this delivery, with its claim's name beside it."""
    made = naming.token(way.ledger.mark, way.row.id, number)
    return Sent(path, stamp, claim_path(path, made, way.source.features.name_bytes_max))


def claim_path(path: str, made: str, name_bytes_max: int) -> str:
    """The name to claim a source under."""
    return naming.partial_path(naming.CLAIM_TEMPLATE, path, made, name_bytes_max)


async def remove_source(way: Way, it: Sent) -> Collected:
    """Remove a source, or move it to the sentbox.

    NotThere is success.  A source that is not the one sent stays, and counts as new.
    Raises NeedsOperator where the source stays although it was sent.
    """
    if await stamp_at(way.source, it.claim) is None:
        found = await stamp_at(way.source, it.path)
        if found is None:
            return Collected(kept=await kept_before(way, it.path))
        if not found.same_version(it.stamp):
            return Collected((REPLACED,))
        unclaimed = await _claim(way.source, it)
        if unclaimed is not None:
            return unclaimed
    return await _collect(way, it)


async def _claim(source: Endpoint, it: Sent) -> Collected | None:
    """Rename the source to its claim; None if that is done, else what became of it without one."""
    try:
        await source.rename(it.path, it.claim)
    except NotThere:
        return Collected()
    except (NeedsOperator, AlreadyThere) as exc:
        if exc.concerns_endpoint:
            raise
        return await _remove_at_once(source, it, str(exc))
    return None


async def _remove_at_once(source: Endpoint, it: Sent, reason: str) -> Collected:
    """For a peer that does not rename: a look, and the removal right after it."""
    found = await stamp_at(source, it.path)
    if found is None:
        return Collected()
    if not found.same_version(it.stamp):
        return Collected((REPLACED,))
    await removed(source, it.path)
    return Collected((f"the source was removed without a claim: {reason}",))


async def _collect(way: Way, it: Sent) -> Collected:
    found = await stamp_at(way.source, it.claim)
    if found is None:
        return Collected(kept=await kept_before(way, it.path))
    if not found.same_version(it.stamp):
        return await _put_back(way.source, it)
    try:
        kept = await _remove_claim(way, it)
    except NeedsOperator:
        await _put_back(way.source, it)
        raise
    await sync_folder(way.source, naming.split(it.path)[0])
    return Collected(kept=kept)


async def _remove_claim(way: Way, it: Sent) -> str | None:
    if way.intent.sentbox is not None:
        return await keep(way, it.path, it.claim, it.stamp)
    await removed(way.source, it.claim)
    return None


async def _put_back(source: Endpoint, it: Sent) -> Collected:
    """Give a claimed file its name again, unless a newer one has it."""
    try:
        await _rename_free(source, it.claim, it.path)
    except AlreadyThere as exc:
        raise NeedsOperator(
            f"{it.claim}: this file replaced {it.path} after that was sent, and a newer one stands there; "
            "move it where it belongs, or remove it"
        ) from exc
    return Collected((REPLACED,))


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
