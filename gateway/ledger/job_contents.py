"""Contents: what a source held and hashed to, what each place has.  Plain tuples of many rows, made for 100,000s."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.core.portions import portions
from gateway.ledger.job_tables import (
    manifest,
    manifest_entry,
    place_content,
    place_look,
    source_content,
    source_look,
)

_ASKED_AT_MOST = 500


class Entry(NamedTuple):
    """One entry of a manifest: a file, or an empty folder (`kind`)."""

    n: int
    relative: str
    kind: str
    size: int
    mtime_ns: int
    mode: int
    sha256: str | None
    digest: str | None


class Skipped(NamedTuple):
    """What is there and not sent; `failed`: it should have been, were it readable and at rest.

    A folder ends in `/`.
    """

    relative: str
    why: str
    failed: bool = False


class Hashed(NamedTuple):
    """What a file of a source hashed to, with its stamp of then."""

    relative: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sha256: str
    digest: str | None
    hashed_at: int


class There(NamedTuple):
    """A file that a place has, with the size and time that it showed."""

    relative: str
    size: int
    mtime_ns: int | None
    grain_ns: int
    sha256: str
    digest: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """A manifest without its entries."""

    id: int
    job: str
    sha256: str
    files: int
    folders: int
    bytes: int
    skipped: tuple[Skipped, ...]
    created_at: int


def fingerprint(entries: Iterable[Entry], skipped: Sequence[Skipped] = ()) -> str:
    """The SHA-256 of a manifest's content: equal for equal entries in equal order."""
    made = hashlib.sha256()
    for entry in entries:
        made.update(repr(tuple(entry)).encode("utf-8", "surrogateescape"))
    made.update(repr(tuple(skipped)).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def freeze(connection: Connection, job: str, entries: Sequence[Entry], skipped: Sequence[Skipped], at: int) -> int:
    """The manifest that holds exactly these entries: that of an earlier run where it does, else a new one."""
    sha256 = fingerprint(entries, skipped)
    known = select(manifest.c.id).where(manifest.c.job == job, manifest.c.sha256 == sha256)
    found = connection.execute(known).scalar()
    if found is not None:
        _complete(connection, int(found), entries)
        return int(found)
    files = [entry for entry in entries if entry.kind == "file"]
    values = {
        "job": job,
        "sha256": sha256,
        "files": len(files),
        "folders": len(entries) - len(files),
        "bytes": sum(entry.size for entry in files),
        "skipped": json.dumps([list(one) for one in skipped]),
        "created_at": at,
    }
    made = int(connection.execute(insert(manifest).values(values).returning(manifest.c.id)).scalar_one())
    _write_entries(connection, made, entries)
    return made


def _complete(connection: Connection, found: int, entries: Sequence[Entry]) -> None:
    """One that nothing referred to may have lost some of its entries, or all, to the bites of retention."""
    held = select(func.count()).select_from(manifest_entry).where(manifest_entry.c.manifest == found)
    if connection.execute(held).scalar_one() != len(entries):
        connection.execute(delete(manifest_entry).where(manifest_entry.c.manifest == found))
        _write_entries(connection, found, entries)


def _write_entries(connection: Connection, found: int, entries: Sequence[Entry]) -> None:
    if entries:
        connection.execute(insert(manifest_entry), [{"manifest": found, **entry._asdict()} for entry in entries])


def manifest_of(connection: Connection, found: int) -> ManifestRow | None:
    """One manifest."""
    row = connection.execute(select(manifest).where(manifest.c.id == found)).mappings().one_or_none()
    if row is None:
        return None
    skipped = tuple(Skipped(*one) for one in json.loads(row["skipped"]))
    return ManifestRow(**{**row, "skipped": skipped})


def entries(connection: Connection, found: int) -> list[Entry]:
    """What a manifest holds, in order."""
    columns = [manifest_entry.c[name] for name in Entry._fields]
    query = select(*columns).where(manifest_entry.c.manifest == found).order_by(manifest_entry.c.n)
    return [Entry(*row) for row in connection.execute(query)]


def hashed(connection: Connection, job: str) -> dict[str, Hashed]:
    """By relative path, what the files of a job's source hashed to."""
    columns = [source_content.c[name] for name in Hashed._fields]
    query = select(*columns).where(source_content.c.job == job)
    return {row[0]: Hashed(*row) for row in connection.execute(query)}


def ctimes(connection: Connection, job: str, entries: Sequence[Entry]) -> dict[str, int]:
    """By relative path, when files of a job's source were touched last before they hashed to what `entries` say."""
    found: dict[str, int] = {}
    names = ("relative", "size", "mtime_ns", "sha256", "ctime_ns")
    for some in portions(entries, _ASKED_AT_MOST):
        wanted = {one.relative: (one.size, one.mtime_ns, one.sha256) for one in some}
        query = select(*[source_content.c[name] for name in names])
        query = query.where(source_content.c.job == job, source_content.c.relative.in_(wanted))
        rows = connection.execute(query)
        found |= {row.relative: row.ctime_ns for row in rows if tuple(row)[1:4] == wanted[row.relative]}
    return found


def note_hashed(connection: Connection, job: str, files: Sequence[Hashed]) -> None:
    """Keep what files hashed to."""
    if files:
        query = upsert(source_content)
        later = {name: query.excluded[name] for name in Hashed._fields[1:]}
        query = query.on_conflict_do_update(index_elements=["job", "relative"], set_=later)
        connection.execute(query, [{"job": job, **one._asdict()} for one in files])


def forget_hashed(connection: Connection, job: str, relatives: Sequence[str]) -> None:
    """Files that the source no longer has."""
    if relatives:
        same = source_content.c.job == job, source_content.c.relative == bindparam("gone")
        connection.execute(delete(source_content).where(*same), [{"gone": one} for one in relatives])


class Look(NamedTuple):
    """What a source looked like, the manifest that was made of it, and when its oldest hash was made."""

    digest: str
    manifest: int
    hashed_at: int


def source_looked(connection: Connection, job: str) -> Look | None:
    """How a job's source looked when it was indexed last, with nothing left out that should have been there."""
    columns = [source_look.c[name] for name in Look._fields]
    row = connection.execute(select(*columns).where(source_look.c.job == job)).one_or_none()
    return None if row is None else Look(*row)


def note_source_look(connection: Connection, job: str, look: Look | None) -> None:
    """Keep it; None: nothing is to be known without comparing file by file."""
    connection.execute(delete(source_look).where(source_look.c.job == job))
    if look is not None:
        connection.execute(insert(source_look).values(job=job, **look._asdict()))


def place_looked(connection: Connection, place: int) -> str | None:
    """The digest of how a place looked when it was found to have everything; None: `place_content` must be read."""
    return connection.execute(select(place_look.c.digest).where(place_look.c.place == place)).scalar()


def note_place_look(connection: Connection, place: int, digest: str) -> None:
    """Keep it until `place_content` changes."""
    connection.execute(delete(place_look).where(place_look.c.place == place))
    connection.execute(insert(place_look).values(place=place, digest=digest))


def forget_place_look(connection: Connection, place: int) -> None:
    """What the place has is about to change."""
    connection.execute(delete(place_look).where(place_look.c.place == place))


def there(connection: Connection, place: int) -> dict[str, There]:
    """By relative path, what a place has."""
    columns = [place_content.c[name] for name in There._fields]
    query = select(*columns).where(place_content.c.place == place)
    return {row[0]: There(*row) for row in connection.execute(query)}


def there_of(connection: Connection, place: int, relatives: Sequence[str]) -> dict[str, There]:
    """As `there`, of these files."""
    if len(relatives) > _ASKED_AT_MOST:
        every, wanted = there(connection, place), set(relatives)
        return {name: one for name, one in every.items() if name in wanted}
    columns = [place_content.c[name] for name in There._fields]
    query = select(*columns).where(place_content.c.place == place, place_content.c.relative.in_(relatives))
    return {row[0]: There(*row) for row in connection.execute(query)}


def note_there(connection: Connection, place: int, files: Sequence[There]) -> None:
    """Files that a place has from now on."""
    if files:
        forget_place_look(connection, place)
        query = upsert(place_content)
        later: Mapping[str, object] = {name: query.excluded[name] for name in There._fields[1:]}
        query = query.on_conflict_do_update(index_elements=["place", "relative"], set_=later)
        connection.execute(query, [{"place": place, **one._asdict()} for one in files])


def forget_there(connection: Connection, place: int, relatives: Sequence[str]) -> None:
    """Files that a place no longer has, or of which nobody knows what they are."""
    if relatives:
        forget_place_look(connection, place)
        same = place_content.c.place == place, place_content.c.relative == bindparam("gone")
        connection.execute(delete(place_content).where(*same), [{"gone": one} for one in relatives])
