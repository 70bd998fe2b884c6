"""Contents: what a source held and hashed to, what each place has.  Plain tuples of many rows, made for 100,000s."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.job_tables import manifest, manifest_entry, place_content, source_content


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
    """A manifest without its entries; `skipped` are [path, why]."""

    id: int
    job: str
    sha256: str
    files: int
    folders: int
    bytes: int
    skipped: tuple[tuple[str, str], ...]
    created_at: int


def fingerprint(entries: Iterable[Entry], skipped: Sequence[tuple[str, str]] = ()) -> str:
    """The SHA-256 of a manifest's content: equal for equal entries in equal order."""
    made = hashlib.sha256()
    for entry in entries:
        made.update(repr(tuple(entry)).encode("utf-8", "surrogateescape"))
    made.update(repr(tuple(skipped)).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def freeze(
    connection: Connection, job: str, entries: Sequence[Entry], skipped: Sequence[tuple[str, str]], at: int
) -> int:
    """The manifest that holds exactly these entries: that of an earlier run where it does, else a new one."""
    sha256 = fingerprint(entries, skipped)
    known = select(manifest.c.id).where(manifest.c.job == job, manifest.c.sha256 == sha256)
    found = connection.execute(known).scalar()
    if found is not None:
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
    if entries:
        connection.execute(insert(manifest_entry), [{"manifest": made, **entry._asdict()} for entry in entries])
    return made


def manifest_of(connection: Connection, found: int) -> ManifestRow | None:
    """One manifest."""
    row = connection.execute(select(manifest).where(manifest.c.id == found)).mappings().one_or_none()
    if row is None:
        return None
    skipped = tuple((path, why) for path, why in json.loads(row["skipped"]))
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


def there(connection: Connection, place: int) -> dict[str, There]:
    """By relative path, what a place has."""
    columns = [place_content.c[name] for name in There._fields]
    query = select(*columns).where(place_content.c.place == place)
    return {row[0]: There(*row) for row in connection.execute(query)}


def note_there(connection: Connection, place: int, files: Sequence[There]) -> None:
    """Files that a place has from now on."""
    if files:
        query = upsert(place_content)
        later: Mapping[str, object] = {name: query.excluded[name] for name in There._fields[1:]}
        query = query.on_conflict_do_update(index_elements=["place", "relative"], set_=later)
        connection.execute(query, [{"place": place, **one._asdict()} for one in files])


def forget_there(connection: Connection, place: int, relatives: Sequence[str]) -> None:
    """Files that a place no longer has, or of which nobody knows what they are."""
    if relatives:
        same = place_content.c.place == place, place_content.c.relative == bindparam("gone")
        connection.execute(delete(place_content).where(*same), [{"gone": one} for one in relatives])
