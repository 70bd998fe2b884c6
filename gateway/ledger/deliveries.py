"""Deliveries: one file on its way.  A change of state compares before it sets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gateway.core.model import Stamp
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State, changed_delivery, new_delivery, read_delivery
from gateway.ledger.errors import FinalBusy, SourceBusy, StateLost
from gateway.ledger.intent import Intent, intent_columns
from gateway.ledger.ready import Ready
from gateway.ledger.stamps import stamp_columns
from gateway.ledger.tables import delivery, instance

_OPEN_NAMES = [state.value for state in OPEN]
_DEAD = exists().where(instance.c.id == delivery.c.owner, instance.c.ended_at.is_not(None))
# Made once: building a statement costs more than running it.  What a call sets are its parameters.
_INSERT = Ready(insert(delivery))
ADVANCE = Ready(
    update(delivery).where(delivery.c.id == bindparam("found"), delivery.c.state == bindparam("from_state"))
)
_MOVE = (
    update(delivery)
    .where(delivery.c.id == bindparam("found"), delivery.c.state == bindparam("from_state"))
    .returning(delivery)
)
_BEGAN_ANEW = and_(
    delivery.c.owner.is_not(None), delivery.c.owner != bindparam("mine"), delivery.c.state == State.INTENDED.value
)
_CLAIM = (
    update(delivery)
    .values(owner=bindparam("mine"), attempts=delivery.c.attempts + case((_BEGAN_ANEW, 1), else_=0))
    .where(
        delivery.c.id == bindparam("found"),
        delivery.c.state.in_(_OPEN_NAMES),
        or_(delivery.c.owner.is_(None), delivery.c.owner == bindparam("mine"), _DEAD),
    )
    .returning(delivery)
)
_RELEASE = update(delivery).where(delivery.c.id == bindparam("found"), delivery.c.owner == bindparam("mine"))
_OPEN = select(delivery).where(delivery.c.state.in_(_OPEN_NAMES)).order_by(delivery.c.id)


def intend(
    connection: Connection,
    intent: Intent,
    *,
    final: str,
    before: Stamp | None,
    offset: int | None,
    owner: int,
    at: int,
    name_partial: Callable[[int], str],
) -> DeliveryRow:
    """Record a new delivery; `name_partial` makes the partial's name of its id.

    Raises SourceBusy or FinalBusy where another open delivery has this source or this final name.
    """
    row = new_delivery(0, intent, final, before, offset, owner, at)
    try:
        found = _INSERT.run(connection, intended_columns(row)).lastrowid
    except IntegrityError as exc:
        raise _busy(intent, final, exc) from exc
    assert found is not None
    return advance(connection, replace(row, id=found), State.INTENDED, {"partial": name_partial(found)})


def intended_columns(row: DeliveryRow) -> dict[str, Any]:
    """The columns of a delivery that was just intended, but for its id."""
    return {
        **intent_columns(row.intent),
        **stamp_columns("before", row.before),
        "final": row.final,
        "partial": row.partial,
        "state": row.state.value,
        "owner": row.owner,
        "starts": row.starts,
        "attempts": row.attempts,
        "offset": row.offset,
        "started_at": row.started_at,
        "notes": notes_text(row.notes),
    }


def advance(
    connection: Connection, row: DeliveryRow, target: State, values: Mapping[str, Any] | None = None
) -> DeliveryRow:
    """`move` for whoever owns the delivery and so knows its row: nothing is read back."""
    wanted = {**(values or {}), "state": target.value, "found": row.id, "from_state": row.state.value}
    try:
        moved = ADVANCE.run(connection, wanted).rowcount
    except IntegrityError as exc:
        raise _name_busy(row.id) from exc
    if moved != 1:
        raise _lost(row.id, row.state)
    return changed_delivery(row, target, values or {})


def move(
    connection: Connection, found: int, source: State, target: State, values: Mapping[str, Any] | None = None
) -> DeliveryRow:
    """Take one delivery from state `source` to `target`.  Raises StateLost if it is in another one."""
    wanted = {**(values or {}), "state": target.value, "found": found, "from_state": source.value}
    try:
        row = connection.execute(_MOVE, wanted).mappings().one_or_none()
    except IntegrityError as exc:
        raise _name_busy(found) from exc
    if row is None:
        raise _lost(found, source)
    return read_delivery(row)


def _name_busy(found: int) -> FinalBusy:
    return FinalBusy(f"delivery {found}: another delivery is under way to the same name; this one waits")


def _lost(found: int, source: State) -> StateLost:
    return StateLost(f"delivery {found}: it is no longer {source}; somebody else moved it on")


def claim(connection: Connection, found: int, owner: int) -> DeliveryRow | None:
    """Own a delivery that nobody alive works on; None if somebody does, or it is over.

    A delivery of our own process counts as free: the caller knows what its own tasks work on.  One that a process
    left when it died is begun anew: an attempt more, where a retry within a run was counted when it was put off.
    """
    row = connection.execute(_CLAIM, {"found": found, "mine": owner}).mappings().one_or_none()
    return None if row is None else read_delivery(row)


def release(
    connection: Connection, found: int, owner: int, error: str | None, error_class: str | None, *, swept: bool = False
) -> None:
    """Nobody works on it any more; why stands in the row.  `swept`: its partial is gone for sure."""
    values: dict[str, Any] = {"owner": None, "error": error, "error_class": error_class}
    if swept:
        values["partial"] = ""
    connection.execute(_RELEASE, {**values, "found": found, "mine": owner})


def litter(connection: Connection, place: str) -> tuple[DeliveryRow, ...]:
    """Deliveries that ended without delivery and whose partial may still lie at `place`."""
    ended = delivery.c.state.in_((State.FAILED.value, State.SKIPPED.value))
    query = select(delivery).where(ended, delivery.c.place == place, delivery.c.partial != "").order_by(delivery.c.id)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def littered(connection: Connection) -> frozenset[str]:
    """The places at which `litter` finds something."""
    ended = delivery.c.state.in_((State.FAILED.value, State.SKIPPED.value))
    query = select(delivery.c.place).where(ended, delivery.c.partial != "").distinct()
    return frozenset(connection.execute(query).scalars())


def swept(connection: Connection, found: int) -> None:
    """The partial of an ended delivery is gone."""
    ended = delivery.c.state.in_((State.FAILED.value, State.SKIPPED.value))
    connection.execute(update(delivery).where(delivery.c.id == found, ended).values(partial=""))


def again_at(connection: Connection, found: int, next_at: int) -> None:
    """The next attempt of an open delivery is due then; counts the attempt."""
    query = update(delivery).where(delivery.c.id == found, delivery.c.state.in_(_OPEN_NAMES))
    connection.execute(query.values(next_at=next_at, attempts=delivery.c.attempts + 1))


def fail(connection: Connection, found: int, error: str, error_class: str, at: int) -> DeliveryRow:
    """intended -> failed: the end without delivery.  Raises StateLost from any other state: settle it first."""
    values = {"error": error, "error_class": error_class, "finished_at": at, "owner": None, "next_at": None}
    return move(connection, found, State.INTENDED, State.FAILED, values)


def get(connection: Connection, found: int) -> DeliveryRow | None:
    """One delivery."""
    row = connection.execute(select(delivery).where(delivery.c.id == found)).mappings().one_or_none()
    return None if row is None else read_delivery(row)


def open_deliveries(
    connection: Connection, *, run: int | None = None, endpoint: str | None = None, action: str | None = None
) -> tuple[DeliveryRow, ...]:
    """What is not over, oldest first."""
    query = _OPEN
    for column, value in ((delivery.c.run, run), (delivery.c.endpoint, endpoint), (delivery.c.action, action)):
        query = query if value is None else query.where(column == value)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def skip(connection: Connection, found: int, at: int) -> DeliveryRow:
    """held or intended -> skipped: a person says that it need not be sent.  Raises StateLost from other states."""
    row = get(connection, found)
    source = State.HELD if row is not None and row.state is State.HELD else State.INTENDED
    return move(connection, found, source, State.SKIPPED, {"finished_at": at, "owner": None, "next_at": None})


def resolve(connection: Connection, found: int, at: int) -> DeliveryRow:
    """delete_failed -> done: the source is gone, or a person says that it may stay."""
    return move(connection, found, State.DELETE_FAILED, State.DONE, {"finished_at": at, "error": None})


def children(connection: Connection, parent: int) -> tuple[DeliveryRow, ...]:
    """The entries of an archive that are, or were, on their way."""
    query = select(delivery).where(delivery.c.parent == parent).order_by(delivery.c.id)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def of_run(connection: Connection, run: int, command: int | None = None) -> tuple[DeliveryRow, ...]:
    """The deliveries of a run, in the order of its commands and files."""
    query = select(delivery).where(delivery.c.run == run).order_by(delivery.c.command, delivery.c.n, delivery.c.id)
    query = query if command is None else query.where(delivery.c.command == command)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def _busy(intent: Intent, final: str, exc: IntegrityError) -> Exception:
    """Which of the two rules of exclusion refused it; anything else is our own mistake and passes through."""
    said = str(exc.orig)
    if "delivery.final" in said:
        return FinalBusy(f"{final}: another delivery is under way to this name; this one waits")
    if "one_open_delivery_per_source" in said:
        return SourceBusy(f"{intent.source}: a delivery of this file is under way already")
    return exc


def notes_text(notes: tuple[str, ...]) -> str:
    """The notes column's text."""
    return json.dumps(list(notes), ensure_ascii=False) if notes else "[]"
