"""Which part of a history is asked for: between two times, page by page, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import ge, lt
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, or_, select


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """None is everything.  Times are nanoseconds since the epoch and compare with when a row was started.

    `below`: ids before this one, for the next page.
    """

    since: int | None = None
    until: int | None = None
    below: int | None = None
    limit: int = 100


def newest_first(table: Table, wanted: Page, conditions: Iterable[ColumnElement[bool]]) -> Select[Any]:
    """The rows of that page which meet the conditions."""
    at = table.c
    bounds = ((at.started_at, ge, wanted.since), (at.started_at, lt, wanted.until), (at.id, lt, wanted.below))
    within = [compare(column, value) for column, compare, value in bounds if value is not None]
    return select(table).where(*within, *conditions).order_by(at.id.desc()).limit(wanted.limit)


def of_action(column: Column[Any], action: str) -> ColumnElement[bool]:
    """An action for a group has one instance for each endpoint, prices@shop001."""
    return or_(column == action, column.startswith(f"{action}@", autoescape=True))
