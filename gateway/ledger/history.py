"""`gateway history`: what was, is or waits, newest first."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, bindparam, or_, select

from gateway.ledger.delivery_row import DeliveryRow, State, read_delivery
from gateway.ledger.pages import Page, newest_first, of_action
from gateway.ledger.tables import delivery, held_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Page):
    """What to show; None is everything.  `name` matches a file's name here or there, with `*` and `?`.

    `only`: of these ids.
    """

    action: str | None = None
    endpoint: str | None = None
    name: str | None = None
    state: State | None = None
    only: Collection[int] | None = None


def history(connection: Connection, wanted: Filter) -> tuple[DeliveryRow, ...]:
    """The deliveries that `wanted` means, newest first."""
    query = newest_first(delivery, wanted, _conditions(wanted))
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def of_source(connection: Connection, source: str, limit: int = 20) -> tuple[DeliveryRow, ...]:
    """The latest deliveries of one source path, newest first: for `gateway why`."""
    query = select(delivery).where(delivery.c.source == source).order_by(delivery.c.id.desc()).limit(limit)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.action is not None:
        found.append(of_action(delivery.c.action, wanted.action))
    if wanted.endpoint is not None:
        found.append(delivery.c.endpoint == wanted.endpoint)
    if wanted.name is not None:
        found.append(named(wanted.name, delivery.c.source, delivery.c.final))
    if wanted.state is not None:
        found.append(_in_state(wanted.state))
    if wanted.only is not None:
        # Written out: a statement takes only so many parameters.
        found.append(delivery.c.id.in_(bindparam("only", tuple(wanted.only), expanding=True, literal_execute=True)))
    return found


def _in_state(state: State) -> ColumnElement[bool]:
    """A failed delivery counts as parked while its source is."""
    sources = select(held_back.c.delivery).where(held_back.c.state == State.PARKED.value)
    parked = delivery.c.id.in_(sources.where(held_back.c.delivery.is_not(None)))
    if state is State.PARKED:
        return or_(delivery.c.state == state.value, parked)
    if state is State.FAILED:
        return and_(delivery.c.state == state.value, ~parked)
    return delivery.c.state == state.value


def named(name: str, *columns: Column[Any]) -> ColumnElement[bool]:
    """The path in any of `columns` ends with `name`.

    LIKE finds few, fast; the expression knows that `*` and `?` stand for no `/`.
    """
    text = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%").replace("?", "_")
    parts = {"*": "[^/]*", "?": "[^/]"}
    exact = "".join(parts.get(sign) or re.escape(sign) for sign in name)
    return or_(
        *(and_(column.like(f"%{text}", escape="\\"), column.regexp_match(rf"(\A|/){exact}\Z")) for column in columns)
    )
