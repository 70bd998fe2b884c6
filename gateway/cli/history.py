"""`gateway history`: deliveries, newest first; with --runs the runs."""

from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Row, print_rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger.delivery_row import DeliveryRow, State
    from gateway.ledger.runs import RunRow

COLUMNS = ("id", "when", "action", "endpoint", "file", "final", "size", "state", "verified", "error")
RUN_COLUMNS = ("id", "when", "action", "trigger", "outcome", "files", "failed", "size", "took", "said")


def history(
    action: Annotated[str | None, typer.Option(help="Only of this action; a group's action means all of it.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to or from this endpoint.")] = None,
    name: Annotated[str | None, typer.Option(help="Only files of this name, here or there; * and ? match.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: done, failed, parked, placing …")] = None,
    since: Annotated[str | None, typer.Option(help="Started at or after: a time, or a length such as 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="Started before: a time, or a length before now.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    runs: Annotated[bool, typer.Option("--runs", help="The runs instead, with what each had to say.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, newest first: what was, is or waits on its way."""
    from gateway.cli.doing import do

    asked = _Asked(action, endpoint, name, state, since, until, limit)
    rows = do(partial(_runs if runs else _deliveries, asked=asked))
    print_rows(
        rows if not as_json else [{k: v for k, v in row.items() if k not in _FOR_PEOPLE} for row in rows],
        RUN_COLUMNS if runs else COLUMNS,
        as_json=as_json,
        empty="Nothing matches." if asked.narrow else "Nothing was delivered yet.",
    )


_FOR_PEOPLE = ("when", "file", "size", "failed", "took", "said")


class _Asked:
    """The options, as given."""

    def __init__(
        self,
        action: str | None,
        endpoint: str | None,
        name: str | None,
        state: str | None,
        since: str | None,
        until: str | None,
        limit: int,
    ) -> None:
        self.action, self.endpoint, self.name, self.state = action, endpoint, name, state
        self.since, self.until, self.limit = since, until, limit

    @property
    def narrow(self) -> bool:
        """True if anything narrows the list."""
        return any((self.action, self.endpoint, self.name, self.state, self.since, self.until))

    def times(self, loaded: "Loaded", clock: "Clock") -> tuple[int | None, int | None]:
        """`since` and `until` as the ledger keeps them."""
        from gateway.cli.moments import ago, ns

        now, zone = clock.now(), loaded.zone()
        first, last = (ns(ago(text, now, zone)) if text else None for text in (self.since, self.until))
        return first, last


async def _deliveries(loaded: "Loaded", clock: "Clock", asked: _Asked) -> list[Row]:
    from gateway.ledger.history import Filter
    from gateway.ledger.history import history as deliveries_of
    from gateway.ledger.overview import parked_deliveries
    from gateway.service.talking import reading

    since, until = asked.times(loaded, clock)
    wanted = Filter(
        action=asked.action,
        endpoint=asked.endpoint,
        name=asked.name,
        state=_state(asked.state),
        since=since,
        until=until,
        limit=asked.limit,
    )
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(deliveries_of, wanted=wanted))
        parked = await ledger.read(partial(parked_deliveries, found=[row.id for row in found]))
    return [delivery_json(row, parked, loaded.zone()) for row in found]


def _state(text: str | None) -> "State | None":
    from gateway.core.errors import Refused
    from gateway.ledger.delivery_row import State

    try:
        return None if text is None else State(text.lower())
    except ValueError:
        raise Refused(f"there is no state {text!r}; there are: {', '.join(State)}") from None


def delivery_json(row: "DeliveryRow", parked: "Collection[int]", zone: tzinfo) -> Row:
    """The fields of DESIGN §8, and those for people."""
    from gateway.cli.moments import iso, short
    from gateway.core.units import show_size
    from gateway.ledger.delivery_row import State

    intent = row.intent
    size = row.size if row.size is not None else intent.stamp.size_bytes
    return {
        "id": row.id,
        "run": intent.run,
        "action": intent.action,
        "endpoint": intent.endpoint or None,
        "command": intent.command,
        "source": intent.source,
        "final": row.final,
        "size_bytes": size,
        "sha256": row.sha256,
        "state": "parked" if row.state is State.FAILED and row.id in parked else row.state.value,
        "verified": row.verified,
        "attempts": row.attempts,
        "started_at": iso(row.started_at, zone),
        "finished_at": iso(row.finished_at, zone),
        "error": row.error,
        "when": short(row.started_at, zone),
        "file": row.name,
        "size": show_size(size),
    }


async def _runs(loaded: "Loaded", clock: "Clock", asked: _Asked) -> list[Row]:
    from gateway.ledger.overview import RunFilter, past_runs
    from gateway.service.talking import reading

    since, until = asked.times(loaded, clock)
    wanted = RunFilter(
        action=asked.action,
        endpoint=asked.endpoint,
        outcome=asked.state,
        since=since,
        until=until,
        limit=asked.limit,
    )
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(past_runs, wanted=wanted))
    return [run_json(row, loaded.zone()) for row in found]


def run_json(row: "RunRow", zone: tzinfo) -> Row:
    """One run."""
    from gateway.cli.moments import iso, short
    from gateway.core.units import show_size

    said = [row.error] if row.error else []
    return {
        "id": row.id,
        "action": row.action,
        "endpoint": row.endpoint,
        "trigger": row.trigger,
        "state": row.state,
        "outcome": row.outcome,
        "files": row.files,
        "failed_files": row.failed_files,
        "size_bytes": row.size_bytes,
        "started_at": iso(row.started_at, zone),
        "ended_at": iso(row.ended_at, zone),
        "error": row.error,
        "notes": list(row.notes),
        "when": short(row.started_at, zone),
        "failed": row.failed_files,
        "size": show_size(row.size_bytes),
        "took": None if row.ended_at is None else f"{(row.ended_at - row.started_at) / 1e9:.1f} s",
        "said": "; ".join([*said, *row.notes]) or None,
    }
