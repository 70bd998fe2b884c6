"""What counts as delivered before (-NEW, baseline), and when a remote file was first seen (GET)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.core.model import Stamp
from gateway.ledger.stamps import read_stamp, stamp_columns
from gateway.ledger.tables import seen, sighting

EVERY_COMMAND = 0
"""What a baseline marks counts for every command of its action."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version that counts as delivered by a command; `sha256` decides where only inode or device differ."""

    source: str
    stamp: Stamp
    sha256: str | None = None
    command: int = EVERY_COMMAND


def mark_seen(connection: Connection, action: str, files: Iterable[Seen], at: int) -> None:
    """These versions count as delivered."""
    for file in files:
        values = {**stamp_columns("stamp", file.stamp), "sha256": file.sha256, "at": at, "gone_at": None}
        query = insert(seen).values(action=action, source=file.source, command=file.command, **values)
        connection.execute(query.on_conflict_do_update(index_elements=["action", "source", "command"], set_=values))


def sight(connection: Connection, action: str, command: int, listing: Mapping[str, Stamp], at: int) -> dict[str, int]:
    """Note what a listing shows; for each path, since when it has shown this version.

    Paths of this command that the listing lacks are forgotten: a file that comes back is new.
    """
    mine = (sighting.c.action == action, sighting.c.command == command)
    known = {row["path"]: row for row in connection.execute(select(sighting).where(*mine)).mappings()}
    since: dict[str, int] = {}
    for path, stamp in listing.items():
        row = known.get(path)
        before = read_stamp("stamp", row) if row is not None else None
        same = row is not None and before is not None and before.same_version(stamp)
        since[path] = row["first_seen_at"] if row is not None and same else at
        values = {**stamp_columns("stamp", stamp), "first_seen_at": since[path], "last_seen_at": at}
        query = insert(sighting).values(action=action, command=command, path=path, **values)
        connection.execute(query.on_conflict_do_update(index_elements=["action", "command", "path"], set_=values))
    for path in known.keys() - listing.keys():
        connection.execute(delete(sighting).where(*mine, sighting.c.path == path))
    return since
