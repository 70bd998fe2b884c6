"""What partners did, newest first, for `gateway history`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, select

from gateway.ledger.history import named
from gateway.ledger.pages import Page, newest_first
from gateway.ledger.partner_files import ActRow, Came, Kind, read_act
from gateway.ledger.partner_tables import partner_file

_NAMES_BEFORE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ActFilter(Page):
    """What to show; None is everything.  As `gateway.ledger.history.Filter`; `name` may also be a new name.

    What was lost to the ledger is shown whatever partner or name is asked for: it may have been theirs.
    """

    partner: str | None = None
    name: str | None = None
    state: Came | None = None


def acts(connection: Connection, wanted: ActFilter) -> tuple[ActRow, ...]:
    """What `wanted` means, newest first."""
    query = newest_first(partner_file, wanted, _conditions(wanted))
    return tuple(read_act(row) for row in connection.execute(query).mappings())


def with_names_before(connection: Connection, found: Sequence[ActRow]) -> tuple[ActRow, ...]:
    """And what was done to those files under the names that they had before they were renamed; newest first."""
    known = {row.id: row for row in found}
    new = list(found)
    for _ in range(_NAMES_BEFORE):
        new = [one for row in new for one in _under_old_name(connection, row) if one.id not in known]
        known |= {row.id: row for row in new}
        if not new:
            break
    return tuple(known[key] for key in sorted(known, reverse=True))


def _under_old_name(connection: Connection, row: ActRow) -> tuple[ActRow, ...]:
    """What gave the file the name that it had before it was renamed."""
    if row.act.kind is not Kind.RENAME:
        return ()
    at, act = partner_file.c, row.act
    uploaded = and_(at.path == act.path, at.kind == Kind.UPLOAD.value, at.state == Came.WHOLE.value)
    renamed = and_(at.renamed_to == act.path, at.kind == Kind.RENAME.value)
    query = select(partner_file).where(at.id < row.id, uploaded | renamed).order_by(at.id.desc()).limit(1)
    return tuple(read_act(one) for one in connection.execute(query).mappings())


def _conditions(wanted: ActFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    lost = partner_file.c.kind == Kind.LOST.value
    if wanted.partner is not None:
        found.append((partner_file.c.partner == wanted.partner) | lost)
    if wanted.name is not None:
        found.append(named(wanted.name, partner_file.c.path, partner_file.c.renamed_to) | lost)
    if wanted.state is not None:
        found.append((partner_file.c.state == wanted.state.value) & ~lost)
    return found
