"""Settle: find out, by looking, what became of a delivery whose end we did not see (the table of DESIGN §4).

`decide` is the table; `settle` looks, decides, and leaves the delivery in a state from which it goes on.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Taken
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.transfer import naming
from gateway.transfer.intent import Unsettled
from gateway.transfer.verify import sha256_of
from gateway.transfer.way import Way, entry_at, removed, stamp_at


class Step(StrEnum):
    """What to do about a delivery in `placing` or `swapping`."""

    RENAME = "rename"
    TIDY_UP = "tidy_up"  # remove the partial, then it is delivered
    DELIVERED = "delivered"
    RESTART = "restart"
    HOLD = "hold"
    UNDO_ASIDE = "undo_aside"  # the old final has both its names: a move aside made of link and unlink was cut
    PUT_BACK = "put_back"  # the old final from its backup, then restart
    NAME_OURS = "name_ours"  # what was moved aside is our own file: its name again, then it is delivered


@dataclass(frozen=True, slots=True)
class Shown:
    """What the peer shows.  `final_sha256` only where it decides (None: not asked, or can't be had)."""

    partial: Stamp | None
    final: Stamp | None
    final_sha256: str | None = None
    backup: Stamp | None = None
    is_file: bool = True  # what is no file under the final name is neither ours nor what stood there before


def decide(row: DeliveryRow, shown: Shown) -> Step:
    """The settle table, row by row.  Pure."""
    if row.state is State.SWAPPING:
        return _decide_swapping(row, shown)
    if shown.partial is None:
        return Step.HOLD if _old_one_stands(row, shown.final) else Step.DELIVERED
    if not as_noted(row, shown.partial):
        return Step.RESTART
    return Step.TIDY_UP if is_ours(row, shown) else Step.RENAME


def _decide_swapping(row: DeliveryRow, shown: Shown) -> Step:
    if shown.partial is None:
        if _is_ours_aside(row, shown):
            return Step.NAME_OURS if shown.final is None else Step.HOLD
        return Step.HOLD if shown.backup is None and _old_one_stands(row, shown.final) else Step.DELIVERED
    if is_ours(row, shown):
        return Step.TIDY_UP
    if _is_half_aside(row, shown):
        return Step.UNDO_ASIDE
    if shown.backup is not None and shown.final is not None:
        return Step.HOLD  # somebody laid a third file there meanwhile
    if as_noted(row, shown.partial):
        return Step.RENAME
    return Step.RESTART if shown.backup is None else Step.PUT_BACK


def _is_half_aside(row: DeliveryRow, shown: Shown) -> bool:
    """True if final and backup are the same old file, by inode or else by what stood there before the swap."""
    if shown.backup is None or shown.final is None or row.before is None or not shown.is_file:
        return False
    if shown.backup.inode and shown.final.inode:
        return _one_file(shown.backup, shown.final)
    return row.before.same_content_likely(shown.final) and row.before.same_content_likely(shown.backup)


def _is_ours_aside(row: DeliveryRow, shown: Shown) -> bool:
    """True if our own file was moved aside: a dead session's rename put it there after the old one was taken."""
    if shown.backup is None or row.noted is None or (shown.final and row.noted.same_content_likely(shown.final)):
        return False
    looks_ours = row.noted.same_content_likely(shown.backup)
    if shown.backup.inode and row.noted.inode:
        return looks_ours and shown.backup.inode == row.noted.inode
    return looks_ours and not (row.before is not None and row.before.same_content_likely(shown.backup))


def as_noted(row: DeliveryRow, partial: Stamp) -> bool:
    """True if the partial is the one that was verified."""
    return row.noted is None or partial.same_version(row.noted)


def _old_one_stands(row: DeliveryRow, final: Stamp | None) -> bool:
    """True if what stood there at the start still does, and can't be taken for ours."""
    if row.before is None or final is None:
        return False
    if row.noted is not None and row.noted.same_content_likely(final):
        return bool(final.inode and row.before.inode == final.inode != row.noted.inode)
    return row.before.same_content_likely(final)


def is_ours(row: DeliveryRow, shown: Shown) -> bool:
    """True if partial and final are one file, or the final is new since the start and has our content."""
    if shown.partial is None or shown.final is None or not shown.is_file:
        return False
    if _one_file(shown.partial, shown.final):
        return True
    if shown.final_sha256 is not None:
        return shown.final_sha256 == row.sha256
    if not _may_be_ours(row, shown.final):
        return False
    return shown.final.mtime_ns is not None and shown.final.same_time(shown.partial)


def _may_be_ours(row: DeliveryRow, final: Stamp) -> bool:
    """True if what stood there at the start doesn't any more, and what does has our size: then content decides."""
    return final.size_bytes == row.size and (row.before is None or not row.before.same_content_likely(final))


def _one_file(partial: Stamp, final: Stamp) -> bool:
    return bool(partial.inode) and (partial.inode, partial.device) == (final.inode, final.device)


def placed(row: DeliveryRow, final: Stamp | None) -> str:
    """What the receipt says of the final: same, other or gone."""
    if final is None:
        return "gone"
    return "same" if row.noted is None or row.noted.same_content_likely(final) else "other"


async def look(way: Way) -> Shown:
    """See what there is.  Raises Retryable where it can't be told."""
    try:
        return await _look(way.row, way.target)
    except PathRefused as exc:
        raise Unsettled(
            f"what became of {way.row.final} can't be told while the peer refuses to show it: {exc}"
        ) from exc


async def _look(row: DeliveryRow, target: Endpoint) -> Shown:
    partial = await stamp_at(target, row.partial)
    if partial is None:
        await _folder_answers(target, row)
    there = await entry_at(target, row.final)
    final, is_file = (there.stamp, there.kind is Kind.FILE) if there is not None else (None, True)
    backup = await stamp_at(target, row.backup) if row.backup else None
    digest = None
    if partial and final and is_file and not _one_file(partial, final) and _content_decides(row, final, target):
        digest = await sha256_of(target, row.final)
    return Shown(partial, final, digest, backup, is_file)


def _content_decides(row: DeliveryRow, final: Stamp, target: Endpoint) -> bool:
    """Ours may look like what stood there before; where a rename replaces at once there is no such doubt."""
    return _may_be_ours(row, final) or (final.size_bytes == row.size and not target.features.atomic_replace)


async def _folder_answers(target: Endpoint, row: DeliveryRow) -> None:
    """A partial is gone only if its folder can be seen: an unmounted disk takes no file over."""
    folder = naming.split(row.partial)[0].rstrip("/") or ("/" if row.partial.startswith("/") else ".")
    try:
        await target.stat(folder)
    except NotThere as exc:
        raise Unsettled(
            f"{folder}: this folder can't be seen, so what became of {row.final} can't be told; bring it back"
        ) from exc


async def settle(way: Way) -> Step | None:
    """Bring a delivery in `placing` or `swapping` on; the step that was taken.  None for other states."""
    if way.row.state not in (State.PLACING, State.SWAPPING):
        return None
    if way.intent.mode is Taken.APPEND:
        return Step.RENAME  # there is no partial: the step itself looks at the size first
    if way.intent.inplace:
        await way.delivered(placed="same")  # recorded after the whole file was there
        return Step.DELIVERED
    shown = await look(way)
    step = decide(way.row, shown)
    if step is Step.UNDO_ASIDE:
        await removed(way.target, way.row.backup or "")
        shown = await look(way)
        step = decide(way.row, shown)
    await _take(way, step, shown)
    return step


async def _take(way: Way, step: Step, shown: Shown) -> None:
    match step:
        case Step.RENAME:
            return
        case Step.TIDY_UP:
            notes = await remove_partial(way)
            await way.delivered(placed="same", notes=way.noted(*notes))
        case Step.DELIVERED:
            await way.delivered(placed=placed(way.row, shown.final))
        case Step.RESTART:
            await restart(way)
        case Step.UNDO_ASIDE:
            raise Unsettled(f"{way.row.backup}: the peer says that it removed this name and still shows it; look there")
        case Step.PUT_BACK:
            await way.target.rename(way.row.backup or "", way.row.final)
            await restart(way)
        case Step.NAME_OURS:
            await _name_again(way)
            await way.delivered(placed="same", backup=None)
        case Step.HOLD:
            await way.hold(_both_facts(way.row, shown), "NeedsOperator")


async def _name_again(way: Way) -> None:
    """The final name for what was moved aside; what came there meanwhile stays, where the peer can do that."""
    target = way.target
    rename = target.rename_noreplace if target.features.rename_noreplace else target.rename
    await rename(way.row.backup or "", way.row.final)


def _both_facts(row: DeliveryRow, shown: Shown) -> str:
    what = "a file" if shown.is_file else "no file but something"
    there = "nothing" if shown.final is None else f"{what} of {shown.final.size_bytes} bytes"
    partial = "gone" if shown.partial is None else "still there"
    return (
        f"{row.final}: our partial {row.partial} is {partial}, yet under the final name stands {there} "
        f"that is not ours; look there, then `gateway retry {row.id}` to send it again or `gateway skip {row.id}`"
    )


async def restart(way: Way) -> None:
    """Back to 2 from zero: first recorded, then the old partial is removed, then the next one is named."""
    await way.move(State.INTENDED, error=None, error_class=None)
    if not way.row.partial and (way.intent.mode is Taken.APPEND or way.intent.inplace or way.intent.unzip):
        return
    notes = await remove_partial(way)
    starts = way.row.starts + 1
    made = naming.token(way.ledger.mark, way.row.id, starts)
    named = naming.partial_path(way.intent.partial, way.row.final, made, way.target.features.name_bytes_max)
    await way.move(State.INTENDED, starts=starts, partial=named, owner=way.owner, notes=way.noted(*notes))
    way.swept = False  # that was the old one


async def remove_partial(way: Way) -> list[str]:
    """Remove the partial; a peer that forbids it keeps a file that no one takes for the final."""
    if not way.row.partial:
        return []
    try:
        await removed(way.target, way.row.partial)
    except PathRefused:
        return [f"the peer does not let us remove {way.row.partial}"]
    return []
