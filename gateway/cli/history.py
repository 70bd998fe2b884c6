"""`gateway history`: deliveries, newest first; with --runs the runs; as a table, JSON, CSV or a file of either."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Row, print_rows, standard_output

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger import Ledger
    from gateway.ledger.delivery_row import State
    from gateway.ledger.history import Filter
    from gateway.ledger.overview import RunFilter
    from gateway.service.exporting import Sheet
    from gateway.service.forms import Form
    from gateway.service.left_open import Stuck

COLUMNS = ("id", "when", "action", "endpoint", "file", "final", "size", "state", "verified", "error")
RUN_COLUMNS = ("id", "when", "action", "trigger", "outcome", "files", "failed", "size", "took", "said")
_SHOWN = 100


def history(
    action: Annotated[str | None, typer.Option(help="Only of this action; a group's action means all of it.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to or from this endpoint.")] = None,
    name: Annotated[str | None, typer.Option(help="Only files of this name, here or there; * and ? match.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: done, failed, parked, placing …")] = None,
    since: Annotated[str | None, typer.Option(help="Started at or after: a time, or a length such as 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="Started before: a time, or a length before now.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many; else 100, and all with --csv or --export.")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="The runs instead, with what each had to say.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write whole receipts to FILE.csv, FILE.json or FILE.jsonl.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Whole receipts as CSV instead of a table.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, newest first: what was, is or waits on its way."""
    from gateway.cli.doing import do, tell

    asked = _Asked(action, endpoint, name, state, since, until, limit)
    form = _form(export, as_csv=as_csv, as_json=as_json)
    if form is not None:
        written = do(partial(_exported, asked=asked, form=form, file=export, runs=runs), looks_back=True)
        if export is not None:
            tell(f"{written} {'run' if runs else 'deliver'}{_ending(written, runs)} written to {export}")
        return
    rows = do(partial(_runs if runs else _deliveries, asked=asked), looks_back=True)
    print_rows(
        [_for_programs(row) if as_json else _for_people(row) for row in rows],
        RUN_COLUMNS if runs else COLUMNS,
        as_json=as_json,
        empty="Nothing matches." if asked.narrow else "Nothing was delivered yet.",
    )


_FOR_PEOPLE = ("when", "file", "size", "left", "failed", "took", "said")


def _for_programs(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _FOR_PEOPLE}


def _for_people(row: Row) -> Row:
    left = row.get("left")
    return {**row, **left} if isinstance(left, Mapping) else row


def _ending(count: int, runs: bool) -> str:
    if runs:
        return "" if count == 1 else "s"
    return "y" if count == 1 else "ies"


def _form(export: Path | None, *, as_csv: bool, as_json: bool) -> "Form | None":
    """How whole receipts are to be written; None if they are only to be shown.  Raises Refused."""
    from gateway.core.errors import Refused
    from gateway.service.forms import Form

    if (export is not None) + as_csv + as_json > 1:
        raise Refused("--csv, --json and --export say the same thing differently; give one of them")
    if export is None:
        return Form.CSV if as_csv else None
    try:
        return Form(export.suffix.lower().removeprefix("."))
    except ValueError:
        raise Refused(f"{export}: its ending says how it is written: .csv, .json or .jsonl; give one of them") from None


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
        limit: int | None,
    ) -> None:
        self.action, self.endpoint, self.name, self.state = action, endpoint, name, state
        self.since, self.until, self.limit = since, until, limit

    @property
    def narrow(self) -> bool:
        """True if anything narrows the list."""
        return any((self.action, self.endpoint, self.name, self.state, self.since, self.until))

    def deliveries(self, loaded: "Loaded", clock: "Clock", most: int) -> "Filter":
        """The deliveries that are meant.  Raises Refused."""
        from gateway.ledger.history import Filter

        since, until = self._times(loaded, clock)
        return Filter(
            action=self.action,
            endpoint=self.endpoint,
            name=self.name,
            state=_state(self.state),
            since=since,
            until=until,
            limit=self.limit or most,
        )

    def runs(self, loaded: "Loaded", clock: "Clock", most: int) -> "RunFilter":
        """The runs that are meant; `state` is their outcome.  Raises Refused."""
        from gateway.ledger.overview import RunFilter

        since, until = self._times(loaded, clock)
        return RunFilter(
            action=self.action,
            endpoint=self.endpoint,
            outcome=self.state,
            since=since,
            until=until,
            limit=self.limit or most,
        )

    def _times(self, loaded: "Loaded", clock: "Clock") -> tuple[int | None, int | None]:
        """`since` and `until` as the ledger keeps them."""
        from gateway.cli.moments import ago
        from gateway.core.moments import ns

        now, zone = clock.now(), loaded.zone()
        first, last = (ns(ago(text, now, zone)) if text else None for text in (self.since, self.until))
        return first, last


def _state(text: str | None) -> "State | None":
    from gateway.core.errors import Refused
    from gateway.ledger.delivery_row import State

    try:
        return None if text is None else State(text.lower())
    except ValueError:
        raise Refused(f"there is no state {text!r}; there are: {', '.join(State)}") from None


async def _exported(
    loaded: "Loaded", clock: "Clock", asked: _Asked, form: "Form", file: Path | None, *, runs: bool
) -> int:
    from gateway.service.exporting import write_file, write_sheet
    from gateway.service.reading import reading

    async with reading(loaded, clock) as ledger:
        sheet = _sheet(ledger, loaded, clock, asked, runs=runs)
        if file is not None:
            return await write_file(sheet, form, file)
        with standard_output() as out:
            return await write_sheet(sheet, form, out)


def _sheet(ledger: "Ledger", loaded: "Loaded", clock: "Clock", asked: _Asked, *, runs: bool) -> "Sheet":
    from gateway.service.exporting import deliveries_sheet, runs_sheet

    if runs:
        return runs_sheet(ledger, asked.runs(loaded, clock, sys.maxsize), loaded.zone())
    return deliveries_sheet(ledger, asked.deliveries(loaded, clock, sys.maxsize), loaded.zone())


async def _deliveries(loaded: "Loaded", clock: "Clock", asked: _Asked) -> list[Row]:
    from gateway.cli.moments import short
    from gateway.core.units import show_size
    from gateway.ledger.history import history as deliveries_of
    from gateway.ledger.overview import parked_deliveries
    from gateway.service.left_open import interrupted_of
    from gateway.service.reading import reading, served_by
    from gateway.service.receipts import receipt

    wanted, zone = asked.deliveries(loaded, clock, _SHOWN), loaded.zone()
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(deliveries_of, wanted=wanted))
        parked = await ledger.read(partial(parked_deliveries, found=[row.id for row in found]))
        held = await served_by(loaded) is not None
        cut_off = await ledger.read(partial(interrupted_of, rows=found, held=held))
    return [
        {
            **receipt(row, parked, zone),
            "left": _left(cut_off[row.id]) if row.id in cut_off else {},
            "when": short(row.started_at, zone),
            "file": row.name,
            "size": show_size(row.size if row.size is not None else row.intent.stamp.size_bytes),
        }
        for row in found
    ]


def _left(cut_off: "Stuck") -> Mapping[str, str]:
    """For people: what nobody carries is not under way, whatever state it was left in."""
    return {"state": "interrupted", "error": f"{cut_off.why}; {cut_off.remedy}"}


async def _runs(loaded: "Loaded", clock: "Clock", asked: _Asked) -> list[Row]:
    from gateway.cli.moments import short
    from gateway.core.units import show_size
    from gateway.ledger.overview import past_runs
    from gateway.service.reading import reading
    from gateway.service.receipts import run_receipt

    wanted, zone = asked.runs(loaded, clock, _SHOWN), loaded.zone()
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(past_runs, wanted=wanted))
    return [
        {
            **run_receipt(row, zone),
            "when": short(row.started_at, zone),
            "failed": row.failed_files,
            "size": show_size(row.size_bytes),
            "took": None if row.ended_at is None else f"{(row.ended_at - row.started_at) / 1e9:.1f} s",
            "said": "; ".join([*([row.error] if row.error else []), *row.notes]) or None,
        }
        for row in found
    ]
