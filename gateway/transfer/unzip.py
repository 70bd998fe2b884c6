"""LCOPY -UNZ: an archive's entries become files, each a delivery of its own under the archive's.

What an archive says of itself is not trusted: no entry leaves the destination, and its size is bounded before the
first byte is written.
"""

import re
import stat as modes
import time
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from gateway.config.schema import Verify
from gateway.core.errors import NameTaken, NeedsOperator
from gateway.core.model import Stamp
from gateway.core.units import show_size
from gateway.ledger import deliveries
from gateway.ledger.archives import Unzip
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.transfer.archive import MARK, opened
from gateway.transfer.blocking import in_thread
from gateway.transfer.intent import Held, Intent, Outcome
from gateway.transfer.send import same_source
from gateway.transfer.way import Way

_RATIO_FROM_BYTES = 64 * 1024 * 1024
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Found:
    """One file in an archive: its name there, where it goes below the destination, its size and time."""

    name: str
    relative: str
    size_bytes: int
    mtime_ns: int | None


@dataclass(frozen=True, slots=True)
class Sending:
    """How an entry is sent: as any file, new or by the id of a delivery that was cut."""

    new: Callable[[Intent], Awaitable[Outcome]]
    again: Callable[[int], Awaitable[Outcome]]


async def unpack(way: Way, sending: Sending) -> None:
    """Deliver every entry; the archive counts as delivered once all of them are."""
    wanted = way.intent.unzip
    assert wanted is not None
    await same_source(way)
    source = way.intent.source
    found = await in_thread(source, way.clock, lambda _: entries(source, wanted))
    await way.caller.before_placing()
    begun = {row.intent.source: row for row in await way.ledger.read(partial(deliveries.children, parent=way.row.id))}
    held = [
        outcome.reason
        for n, entry in enumerate(found, start=1)
        if isinstance(outcome := await _entry(way, sending, begun, entry, (n, len(found))), Held)
    ]
    await same_source(way)
    if held:
        await way.hold(f"{len(held)} of {len(found)} entries wait: {held[0]}", NameTaken.__name__)
        return
    sizes = sum(entry.size_bytes for entry in found)
    await way.delivered(size=sizes, verified="size", placed="same", notes=way.noted(f"{len(found)} files unpacked"))


async def _entry(
    way: Way, sending: Sending, begun: dict[str, DeliveryRow], entry: Found, place: tuple[int, int]
) -> Outcome | None:
    """One entry; None if an earlier attempt delivered it."""
    intent = _intent(way, entry, place)
    row = begun.get(intent.source)
    if row is not None and row.state is State.DONE:
        return None
    if row is not None and row.state in OPEN:
        return await sending.again(row.id)
    return await sending.new(intent)


def _intent(way: Way, entry: Found, place: tuple[int, int]) -> Intent:
    mine, wanted = way.intent, way.intent.unzip
    assert wanted is not None
    whole = mine.stamp
    return Intent(
        run=mine.run,
        parent=way.row.id,
        action=mine.action,
        command=mine.command,
        verb=mine.verb,
        n=place[0],
        of=place[1],
        endpoint=mine.endpoint,
        place=mine.place,
        source=f"{mine.source}{MARK}{entry.name}",
        stamp=Stamp(entry.size_bytes, whole.mtime_ns, whole.inode, whole.device),
        final=f"{wanted.into.rstrip('/')}/{entry.relative}",
        mode=mine.mode,
        verify=Verify.SIZE,
        partial=mine.partial,
        mtime_ns=entry.mtime_ns,
        timeout=mine.timeout,
        make_dirs=True,
        member_of=mine.source,
    )


def entries(archive: str, wanted: Unzip) -> tuple[Found, ...]:
    """The files in an archive, in its order (blocks).  Raises NeedsOperator where it can't be trusted."""
    with opened(archive) as found:
        infos = [info for info in found.infolist() if not info.is_dir()]
        packed_bytes = max(sum(info.compress_size for info in infos), 1)
    _check_size(archive, infos, packed_bytes, wanted)
    made = tuple(_found(archive, info, wanted) for info in infos)
    _check_names(archive, made, wanted)
    return made


def _check_size(archive: str, infos: list[zipfile.ZipInfo], packed_bytes: int, wanted: Unzip) -> None:
    size_bytes = sum(info.file_size for info in infos)
    if len(infos) > wanted.most_entries:
        raise NeedsOperator(f"{archive}: {len(infos)} entries, more than {wanted.most_entries}; unpack it by hand")
    if size_bytes > wanted.most_bytes:
        raise NeedsOperator(
            f"{archive}: it unpacks to {show_size(size_bytes)}, more than {show_size(wanted.most_bytes)}; "
            "unpack it by hand"
        )
    if size_bytes > _RATIO_FROM_BYTES and size_bytes > wanted.most_ratio * packed_bytes:
        raise NeedsOperator(
            f"{archive}: it unpacks to {size_bytes // packed_bytes} times its size, more than {wanted.most_ratio}; "
            "this is how archives that fill disks look: unpack it by hand"
        )


def _check_names(archive: str, found: tuple[Found, ...], wanted: Unzip) -> None:
    seen: set[str] = set()
    for entry in found:
        if entry.relative in seen:
            remedy = "have it packed anew" if wanted.use_path else "keep their paths (UnzipUsePath=True)"
            raise NeedsOperator(f"{archive}: two entries would become {entry.relative}; {remedy}")
        seen.add(entry.relative)


def _found(archive: str, info: zipfile.ZipInfo, wanted: Unzip) -> Found:
    if info.flag_bits & 0x1:
        raise NeedsOperator(f"{archive}: {info.filename} is encrypted; have it packed without a password")
    kind = modes.S_IFMT(info.external_attr >> 16)
    if kind not in (0, modes.S_IFREG):
        raise NeedsOperator(f"{archive}: {info.filename} is no regular file but a link or a device; unpack it by hand")
    return Found(info.filename, relative(archive, info.filename, wanted.use_path), info.file_size, _mtime_ns(info))


def relative(archive: str, name: str, use_path: bool) -> str:
    """Where an entry goes below the destination; what would leave it is refused, not bent."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or _DRIVE.match(name) or "\0" in name or ".." in parts:
        raise NeedsOperator(f"{archive}: the entry {name!r} would leave the destination; have it packed again")
    kept = [part for part in parts if part not in ("", ".")]
    if not kept:
        raise NeedsOperator(f"{archive}: the entry {name!r} has no file name; have it packed again")
    return "/".join(kept) if use_path else kept[-1]


def _mtime_ns(info: zipfile.ZipInfo) -> int | None:
    """The entry's local time; None where the archive says nonsense."""
    try:
        return int(time.mktime((*info.date_time, 0, 0, -1))) * 1_000_000_000
    except (ValueError, OverflowError):
        return None
