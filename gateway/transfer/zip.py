"""LCOPY -ZIP: several files of this machine become one archive, with the promise of any delivery (DESIGN §4).

The archive is built beside its final name, read back, and takes the name by `place`; the sources go after that.
"""

import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import IO

from gateway.core.errors import NameTaken, NeedsOperator, SourceChanged, VerifyFailed
from gateway.core.model import Stamp
from gateway.ledger.archives import Member, Zip
from gateway.ledger.delivery_row import State
from gateway.transfer import naming
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse
from gateway.transfer.send import make_folders
from gateway.transfer.way import Way, noted_values, stamp_at

_BLOCK_BYTES = 1024 * 1024
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # what the format can say


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive as it was written and read back."""

    size_bytes: int
    sha256: str


async def pack(way: Way) -> None:
    """Build the archive beside its name, verify it by reading it back, and record that it may take the name."""
    wanted = way.intent.zip
    assert wanted is not None
    try:
        folder = naming.split(way.row.final)[0].rstrip("/")
        if folder and await stamp_at(way.target, folder) is None:
            await make_folders(way.target, folder)
        base = way.row.final if wanted.extend and way.row.before is not None else None
        pack_all = partial(_pack, way.row.partial, base, wanted, told=way.caller.on_progress)
        packed = await in_thread(folder or "/", way.clock, pack_all)
        await _base_unchanged(way, base)
        stamp = await stamp_at(way.target, way.row.partial)
        await way.caller.before_placing()
        await way.move(
            State.PLACING, size=packed.size_bytes, sha256=packed.sha256, verified="readback", **noted_values(stamp)
        )
    except BaseException:
        if not way.placing:
            await way.forget_partial()
        raise


async def _base_unchanged(way: Way, base: str | None) -> None:
    if base is None or way.row.before is None:
        return
    now = await stamp_at(way.target, base)
    if now is None or not now.same_version(way.row.before):
        raise SourceChanged(f"{base}: the archive changed while it was extended; it is done again")


def _pack(path: str, base: str | None, wanted: Zip, pulse: Pulse, *, told: Callable[[int], None]) -> Packed:
    """Write, sync and read back (blocks)."""
    digests: dict[str, str] = {}
    with open(path, "w+b") as file:
        if base is not None:
            _copy(base, file, pulse)
        try:
            with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED, compresslevel=wanted.level) as archive:
                archive.comment = wanted.comment.encode() or archive.comment
                _free_names(archive, wanted, path)
                for member in wanted.members:
                    digests[member.name] = _add(archive, member, pulse, told)
        except zipfile.BadZipFile as exc:
            raise NeedsOperator(f"{base}: this is no zip archive ({exc}); nothing was added to it") from exc
        file.flush()
        os.fsync(file.fileno())
    _read_back(path, digests, pulse)
    return Packed(os.path.getsize(path), _digest(path, pulse))


def _copy(base: str, file: IO[bytes], pulse: Pulse) -> None:
    with open(base, "rb") as before:
        while block := before.read(_BLOCK_BYTES):
            pulse.beat(base)
            file.write(block)


def _free_names(archive: zipfile.ZipFile, wanted: Zip, path: str) -> None:
    """Two entries of one name would hide each other."""
    there = set(archive.namelist())
    for member in wanted.members:
        if member.name in there:
            raise NameTaken(f"{path}: {member.name} is in the archive already; rename the source, or use -UNI")
        there.add(member.name)


def _add(archive: zipfile.ZipFile, member: Member, pulse: Pulse, told: Callable[[int], None]) -> str:
    """One source into the archive; its SHA-256.  What is read is what was judged, before and after."""
    digest = hashlib.sha256()
    descriptor = _open(member)
    with os.fdopen(descriptor, "rb") as source, archive.open(_info(member, archive), "w", force_zip64=True) as entry:
        read = 0
        while block := source.read(_BLOCK_BYTES):
            pulse.beat(member.path)
            digest.update(block)
            entry.write(block)
            read += len(block)
            told(read)
        _same(os.fstat(source.fileno()), member)
    return digest.hexdigest()


def _open(member: Member) -> int:
    try:
        descriptor = os.open(member.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise SourceChanged(f"{member.path}: it vanished before it was packed") from exc
    try:
        _same(os.fstat(descriptor), member)
    except SourceChanged:
        os.close(descriptor)
        raise
    return descriptor


def _same(found: os.stat_result, member: Member) -> None:
    now = Stamp(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)
    if not now.same_version(member.stamp):
        raise SourceChanged(f"{member.path}: it changed since it was judged; it is judged anew")


def _info(member: Member, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The entry's name and local time, as the format keeps it."""
    seconds = (member.stamp.mtime_ns or 0) / 1e9
    when = time.localtime(seconds) if seconds else datetime.now(UTC).timetuple()
    year = min(max(when.tm_year, _FIRST_YEAR), _LAST_YEAR)
    info = zipfile.ZipInfo(member.name, (year, *when[1:6]))
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = archive.compresslevel  # type: ignore[attr-defined]  # 3.11 has no public name for it
    info.external_attr = 0o644 << 16
    return info


def _read_back(path: str, digests: dict[str, str], pulse: Pulse) -> None:
    """Every new entry gives its source's bytes again; those that were there before pass their own checks."""
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                found = _entry_digest(archive, info, pulse)
                if found != digests.get(info.filename, found):
                    raise VerifyFailed(f"{path}: {info.filename} reads back as something else; check the disk")
            missing = digests.keys() - archive.namelist()
    except (zipfile.BadZipFile, EOFError) as exc:
        raise VerifyFailed(f"{path}: the archive can't be read back ({exc}); check the disk") from exc
    if missing:
        raise VerifyFailed(f"{path}: {', '.join(sorted(missing))} did not arrive in the archive; check the disk")


def _entry_digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo, pulse: Pulse) -> str:
    digest = hashlib.sha256()
    with archive.open(info) as entry:
        while block := entry.read(_BLOCK_BYTES):
            pulse.beat(info.filename)
            digest.update(block)
    return digest.hexdigest()


def _digest(path: str, pulse: Pulse) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            pulse.beat(path)
            digest.update(block)
    return digest.hexdigest()
