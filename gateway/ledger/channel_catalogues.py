"""What a catalogue held when it was last at rest.  Plain tuples of many rows, made for 100,000s of files."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, true, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.core.portions import portions
from gateway.ledger.channel_tables import catalogue_file, catalogue_item, catalogue_look

_ASKED_AT_ONCE = 500
SHORT = 32
"""Digits of a hash that tell contents apart."""


class FileRow(NamedTuple):
    """A file of an item at rest; `meta_sha256` for metadata alone, of what counts in it; `fault`: not well-formed."""

    item: str
    relative: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sha256: str
    meta_sha256: str | None
    fault: str | None
    hashed_at: int

    @property
    def counted(self) -> str:
        """The hash by which a change is told."""
        return (self.meta_sha256 or self.sha256)[:SHORT]


class ItemRow(NamedTuple):
    """An item at rest: the digests of its listing, of its metadata and of its other files."""

    item: str
    look: str
    metadata: str
    files: str
    fault: str | None


class Look(NamedTuple):
    """How a catalogue looked last; `digest` None: not all of it was at rest."""

    digest: str | None
    rules: str | None
    items: int
    looked_at: int
    error: str | None


def digest_of(files: Iterable[FileRow]) -> str:
    """The digest of files' names and contents, as `catalogue_item` keeps it."""
    made = hashlib.sha256()
    for name, counted in sorted((one.relative, one.counted) for one in files):
        made.update(f"{name}\0{counted}\n".encode("utf-8", "surrogateescape"))
    return made.hexdigest()[:SHORT]


def looked(connection: Connection, catalogue: str) -> Look | None:
    """How a catalogue looked last, None if nobody ever looked."""
    columns = [catalogue_look.c[name] for name in Look._fields]
    row = connection.execute(select(*columns).where(catalogue_look.c.catalogue == catalogue)).one_or_none()
    return None if row is None else Look(*row)


def note_look(connection: Connection, catalogue: str, look: Look) -> None:
    """Keep it."""
    values = look._asdict()
    query = upsert(catalogue_look).values(catalogue=catalogue, **values)
    connection.execute(query.on_conflict_do_update(index_elements=["catalogue"], set_=values))


def note_trouble(connection: Connection, catalogue: str, at: int, error: str) -> None:
    """It could not be looked at; what is known of it stays."""
    query = upsert(catalogue_look).values(catalogue=catalogue, items=0, looked_at=at, error=error)
    query = query.on_conflict_do_update(index_elements=["catalogue"], set_={"looked_at": at, "error": error})
    connection.execute(query)


def disturb(connection: Connection, catalogue: str) -> None:
    """Its rows are about to change: until the next `note_look` nothing is up to date with it."""
    connection.execute(update(catalogue_look).where(catalogue_look.c.catalogue == catalogue).values(digest=None))


def outdate(connection: Connection, catalogue: str, rules: str) -> None:
    """From now on metadata is told by `rules`; each item keeps what it came to until it is read by them."""
    disturb(connection, catalogue)
    connection.execute(update(catalogue_look).where(catalogue_look.c.catalogue == catalogue).values(rules=rules))
    connection.execute(update(catalogue_item).where(catalogue_item.c.catalogue == catalogue).values(outdated=True))


def outdated(connection: Connection, catalogue: str) -> frozenset[str]:
    """The items whose metadata was told by other rules."""
    told = catalogue_item.c.catalogue == catalogue, catalogue_item.c.outdated.is_(true())
    return frozenset(connection.execute(select(catalogue_item.c.item).where(*told)).scalars())


def looks(connection: Connection, catalogue: str) -> dict[str, str]:
    """The digest of each item's listing, by item."""
    query = select(catalogue_item.c.item, catalogue_item.c.look).where(catalogue_item.c.catalogue == catalogue)
    return {row[0]: row[1] for row in connection.execute(query)}


def items(connection: Connection, catalogue: str, wanted: Sequence[str]) -> dict[str, ItemRow]:
    """These items, as far as they are known."""
    columns = [catalogue_item.c[name] for name in ItemRow._fields]
    query = select(*columns).where(catalogue_item.c.catalogue == catalogue)
    rows = (
        row
        for some in portions(wanted, _ASKED_AT_ONCE)
        for row in connection.execute(query.where(catalogue_item.c.item.in_(some)))
    )
    return {row[0]: ItemRow(*row) for row in rows}


def files(connection: Connection, catalogue: str, wanted: Sequence[str]) -> dict[str, tuple[FileRow, ...]]:
    """The files of these items by name, each item's in order."""
    columns = [catalogue_file.c[name] for name in FileRow._fields]
    query = select(*columns).where(catalogue_file.c.catalogue == catalogue)
    query = query.order_by(catalogue_file.c.item, catalogue_file.c.relative)
    found: dict[str, list[FileRow]] = {}
    for some in portions(wanted, _ASKED_AT_ONCE):
        for row in connection.execute(query.where(catalogue_file.c.item.in_(some))):
            found.setdefault(row[0], []).append(FileRow(*row))
    return {item: tuple(rows) for item, rows in found.items()}


def note_items(connection: Connection, catalogue: str, rows: Sequence[ItemRow], contents: Sequence[FileRow]) -> None:
    """These items are at rest as this; `contents` are all their files."""
    forget_items(connection, catalogue, [row.item for row in rows])
    if rows:
        connection.execute(insert(catalogue_item), [{"catalogue": catalogue, **row._asdict()} for row in rows])
    if contents:
        connection.execute(insert(catalogue_file), [{"catalogue": catalogue, **row._asdict()} for row in contents])


def forget_items(connection: Connection, catalogue: str, gone: Sequence[str]) -> None:
    """Items that the catalogue no longer holds."""
    for some in portions(gone, _ASKED_AT_ONCE):
        for table in (catalogue_file, catalogue_item):
            connection.execute(delete(table).where(table.c.catalogue == catalogue, table.c.item.in_(some)))


def count(connection: Connection, catalogue: str) -> int:
    """How many items a catalogue held when it was last at rest."""
    query = select(func.count()).select_from(catalogue_item).where(catalogue_item.c.catalogue == catalogue)
    return int(connection.execute(query).scalar_one())
