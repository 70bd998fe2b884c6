"""What is remembered of sources that may be gone: found out at night, forgotten after a time.

A file that comes back unchanged was delivered before (-NEW), or skipped by a person, as long as it is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, bindparam, delete, exists, or_, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from gateway.ledger.tables import check_report, held_back, seen, sighting

BITE = 500


@dataclass(frozen=True, slots=True)
class Remembered:
    """One source that an action knows.  `is_listed`: it stood in the last listing of a peer."""

    action: str
    source: str
    is_listed: bool
    gone_at: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return (self.action, self.source)


START = ("", "")


def delivered(connection: Connection, after: tuple[str, str] = START) -> tuple[Remembered, ...]:
    """The next bite of what counts as delivered, behind the key `after`."""
    listed = exists().where(sighting.c.action == seen.c.action, sighting.c.path == seen.c.source)
    query = select(seen.c.action, seen.c.source, listed, seen.c.gone_at)
    return _read(connection, query, seen.c.action, seen.c.source, after)


def held_over(
    connection: Connection, failed_before: int, due_before: int, after: tuple[str, str] = START
) -> tuple[Remembered, ...]:
    """The next bite of what was skipped and had failed before `failed_before`, or was to be tried before `due_before`.

    What is parked waits for a person, be it there or not.
    """
    listed = exists().where(sighting.c.action == held_back.c.action, sighting.c.path == held_back.c.source)
    query = select(held_back.c.action, held_back.c.source, listed, held_back.c.next_at)
    is_skipped = (held_back.c.state == "skipped") & (held_back.c.first_failed_at < failed_before)
    is_late = (held_back.c.state == "held_back") & (held_back.c.next_at < due_before)
    query = query.where(or_(is_skipped, is_late))
    return _read(connection, query, held_back.c.action, held_back.c.source, after)


def note_absence(
    connection: Connection, gone: Sequence[Remembered], back: Sequence[Remembered], *, at: int, before: int
) -> int:
    """These are gone, those are there again; drop what has been gone since before `before`, and say how many."""
    _mark(connection, [one for one in gone if one.gone_at is None], at)
    _mark(connection, back, None)
    old = [one.key for one in gone if one.gone_at is not None and one.gone_at < before]
    query = delete(seen).where(tuple_(seen.c.action, seen.c.source).in_(old), seen.c.gone_at < before)
    return connection.execute(query).rowcount


def forget_held(connection: Connection, gone: Sequence[Remembered]) -> int:
    """Drop what was skipped or held back and is gone; how many."""
    keys = [one.key for one in gone]
    query = delete(held_back).where(tuple_(held_back.c.action, held_back.c.source).in_(keys))
    return connection.execute(query.where(held_back.c.state != "parked")).rowcount


def forget_sightings(connection: Connection, before: int) -> int:
    """Drop what no listing has shown since `before`: commands and actions that are gone; how many."""
    return connection.execute(delete(sighting).where(sighting.c.last_seen_at < before)).rowcount


def forget_reports(connection: Connection, before: int) -> int:
    """Drop what no CHECK has reported since `before`; how many."""
    return connection.execute(delete(check_report).where(check_report.c.reported_at < before)).rowcount


def _read(
    connection: Connection,
    query: Select[str, str, bool, int | None],
    action: ColumnElement[str],
    source: ColumnElement[str],
    after: tuple[str, str],
) -> tuple[Remembered, ...]:
    query = query.where(tuple_(action, source) > after).order_by(action, source).limit(BITE)
    return tuple(Remembered(row[0], row[1], row[2], row[3]) for row in connection.execute(query).all())


def _mark(connection: Connection, found: Sequence[Remembered], at: int | None) -> None:
    if found:
        query = update(seen).where(seen.c.action == bindparam("of"), seen.c.source == bindparam("from"))
        connection.execute(query.values(gone_at=at), [{"of": one.action, "from": one.source} for one in found])
