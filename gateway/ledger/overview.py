"""What the command line asks of the ledger: a run to follow, runs of the past, what needs a person."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from gateway.ledger.delivery_row import OPEN, DeliveryRow, State, read_delivery
from gateway.ledger.pages import Page, newest_first, of_action
from gateway.ledger.runs import RunRow, read_run
from gateway.ledger.tables import delivery, held_back, instance, reaction, run

UNSETTLED = (State.PLACING, State.SWAPPING, State.DELIVERED, State.HELD, State.DELETE_FAILED)
"""States in which a delivery may stay for long: somebody should know."""


def newest_run(connection: Connection) -> int:
    """The highest id of a run, 0 if there is none."""
    return connection.execute(select(func.max(run.c.id))).scalar() or 0


def run_after(connection: Connection, action: str, after: int) -> RunRow | None:
    """The first run of an action behind the run `after`."""
    query = select(run).where(run.c.action == action, run.c.id > after).order_by(run.c.id).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read_run(row)


def run_under_way(connection: Connection, action: str) -> RunRow | None:
    """The run of an action that is not over."""
    query = select(run).where(run.c.action == action, run.c.state != "ended")
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read_run(row)


def to_follow(connection: Connection, found: int, after: int, known: Collection[int]) -> tuple[DeliveryRow, ...]:
    """The deliveries of a run that are newer than `after`, and those of `known`, oldest first."""
    query = select(delivery).where(delivery.c.run == found, or_(delivery.c.id > after, delivery.c.id.in_(known)))
    return tuple(read_delivery(row) for row in connection.execute(query.order_by(delivery.c.id)).mappings())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter(Page):
    """Which runs to show; None is everything."""

    action: str | None = None
    endpoint: str | None = None
    outcome: str | None = None


def past_runs(connection: Connection, wanted: RunFilter) -> tuple[RunRow, ...]:
    """The runs that `wanted` means, newest first."""
    query = newest_first(run, wanted, _conditions(wanted))
    return tuple(read_run(row) for row in connection.execute(query).mappings())


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.action is not None:
        found.append(of_action(run.c.action, wanted.action))
    if wanted.endpoint is not None:
        found.append(run.c.endpoint == wanted.endpoint)
    if wanted.outcome is not None:
        found.append(run.c.outcome == wanted.outcome)
    return found


def held_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many sources of an action are held back, parked or skipped: by action and state."""
    query = select(held_back.c.action, held_back.c.state, func.count()).group_by(held_back.c.action, held_back.c.state)
    return {(action, state): count for action, state, count in connection.execute(query)}


def parked_sources(connection: Connection) -> dict[str, str]:
    """Of each action the source that has been parked the longest."""
    query = select(held_back.c.action, held_back.c.source).where(held_back.c.state == "parked")
    rows = connection.execute(query.order_by(held_back.c.first_failed_at.desc()))
    return {row[0]: row[1] for row in rows}


def unsettled_counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries of an action are in a state that may last: by action and state."""
    states = [state.value for state in UNSETTLED]
    query = select(delivery.c.action, delivery.c.state, func.count()).where(delivery.c.state.in_(states))
    rows = connection.execute(query.group_by(delivery.c.action, delivery.c.state))
    return {(action, state): count for action, state, count in rows}


def reaction_counts(connection: Connection) -> dict[str, int]:
    """How many reactions of an action failed and were not done since."""
    query = select(reaction.c.action, func.count()).where(reaction.c.error.is_not(None), reaction.c.state != "done")
    return {row[0]: row[1] for row in connection.execute(query.group_by(reaction.c.action))}


def parked_deliveries(connection: Connection, found: Collection[int]) -> frozenset[int]:
    """Those of `found` whose source is parked since."""
    query = select(held_back.c.delivery).where(held_back.c.delivery.in_(found), held_back.c.state == "parked")
    return frozenset(connection.execute(query).scalars())


def left_alone(connection: Connection, *, held: bool = True) -> tuple[DeliveryRow, ...]:
    """Deliveries that are not over and that nobody carries, oldest first; what only waits for an answer left out.

    `held`: some process has the state folder; else nobody carries anything, whatever the rows say.
    """
    states = [state.value for state in OPEN if state is not State.AWAITING]
    query = select(delivery).where(delivery.c.state.in_(states)).order_by(delivery.c.id)
    if held:
        dead = select(instance.c.id).where(instance.c.ended_at.is_not(None))
        live = select(run.c.id).where(run.c.state != "ended")
        query = query.where(delivery.c.owner.is_(None) | delivery.c.owner.in_(dead))
        query = query.where(delivery.c.run.is_(None) | delivery.c.run.not_in(live))
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def unfinished(connection: Connection) -> tuple[DeliveryRow, ...]:
    """Deliveries that are not over, and those whose source could not be removed, oldest first."""
    states = [state.value for state in (*OPEN, State.DELETE_FAILED)]
    query = select(delivery).where(delivery.c.state.in_(states)).order_by(delivery.c.id)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())
