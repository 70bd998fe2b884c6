"""`gateway history`: deliveries, newest first; with --runs the runs, with --inbound what partners did.

As a table, JSON, CSV or a file of either.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, print_rows, standard_output

if TYPE_CHECKING:
    from gateway.cli.history_asked import Asked
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger import Ledger
    from gateway.service.exporting import Sheet
    from gateway.service.forms import Form

COLUMNS = ("id", "when", "action", "endpoint", "file", "final", "size", "state", "verified", "error")
RUN_COLUMNS = ("id", "when", "action", "trigger", "outcome", "files", "failed", "size", "took", "said")
ACT_COLUMNS = ("id", "when", "partner", "what", "file", "to", "size", "state", "over", "from", "said")
CHAIN_COLUMNS = ("when", "what", "by", "file", "to", "size", "state", "said")


def history(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="All that became of files of this name or path: laid here by a partner, and delivered."
        ),
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only of this action; a group's action means all of it.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to or from this endpoint.")] = None,
    name: Annotated[str | None, typer.Option(help="Only files of this name, here or there; * and ? match.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: done, failed, parked, interrupted …")] = None,
    since: Annotated[str | None, typer.Option(help="Started at or after: a time, or a length such as 2h.")] = None,
    until: Annotated[str | None, typer.Option(help="Started before: a time, or a length before now.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many; else 100, and all with --csv or --export.")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="The runs instead, with what each had to say.")] = False,
    inbound: Annotated[
        bool,
        typer.Option("--inbound", help="What partners did at the embedded servers instead: uploads, downloads …"),
    ] = False,
    partner: Annotated[str | None, typer.Option(help="The same, of this account alone.")] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write whole receipts to FILE.csv, FILE.json or FILE.jsonl.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Whole receipts as CSV instead of a table.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deliveries, newest first: what was, is or waits on its way; of a FILE also what partners did with it."""
    from gateway.cli.doing import do, tell
    from gateway.cli.history_asked import Asked
    from gateway.core.errors import Refused

    asked = Asked(
        action=action,
        endpoint=endpoint,
        partner=partner,
        name=name if file is None else file,
        state=state,
        since=since,
        until=until,
        limit=limit,
    )
    if file is not None and name is not None:
        raise Refused("FILE and --name say the same thing; give one of them")
    what = _what(asked, runs=runs, inbound=inbound, chain=file is not None)
    form = _form(export, as_csv=as_csv, as_json=as_json)
    if form is None:
        return _show(what, asked, as_json=as_json)
    written = do(partial(_exported, what=what, asked=asked, form=form, file=export), looks_back=True)
    if export is not None:
        tell(f"{written} {_COUNTED[what][written != 1]} written to {export}")
    return None


_DELIVERIES, _RUNS, _ACTS, _CHAIN = "deliveries", "runs", "acts", "chain"
_SHOWN_COLUMNS = {_DELIVERIES: COLUMNS, _RUNS: RUN_COLUMNS, _ACTS: ACT_COLUMNS, _CHAIN: CHAIN_COLUMNS}
_COUNTED = {
    _DELIVERIES: ("delivery", "deliveries"),
    _RUNS: ("run", "runs"),
    _ACTS: ("act of a partner", "acts of partners"),
}
_NOTHING = {
    _DELIVERIES: "Nothing was delivered yet.",
    _RUNS: "Nothing ran yet.",
    _ACTS: "No partner has done anything yet.",
}


def _what(asked: "Asked", *, runs: bool, inbound: bool, chain: bool) -> str:
    """Which list is meant.  Raises Refused for what makes no sense together."""
    from gateway.core.errors import Refused

    inbound = inbound or asked.partner is not None
    if inbound and (runs or asked.action or asked.endpoint):
        raise Refused("--inbound shows what partners did, which no action and no run did; leave one of them out")
    if chain and (runs or asked.state):
        raise Refused("FILE shows all that became of it; with --runs or --state leave it out, or say --name FILE")
    return _RUNS if runs else _ACTS if inbound else _CHAIN if chain else _DELIVERIES


def _show(what: str, asked: "Asked", *, as_json: bool) -> None:
    from gateway.cli import history_rows
    from gateway.cli.doing import do
    from gateway.cli.history_names import with_names

    found = {
        _DELIVERIES: history_rows.delivery_lines,
        _RUNS: history_rows.run_lines,
        _ACTS: history_rows.act_lines,
        _CHAIN: history_rows.chain_lines,
    }[what]
    lines = do(partial(with_names, find=found, asked=asked), looks_back=True)
    print_rows(
        [receipt if as_json else shown for receipt, shown in lines],
        _SHOWN_COLUMNS[what],
        as_json=as_json,
        empty="Nothing matches." if asked.narrow or what == _CHAIN else _NOTHING[what],
    )


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


async def _exported(
    loaded: "Loaded", clock: "Clock", what: str, asked: "Asked", form: "Form", file: Path | None
) -> int:
    from gateway.core.errors import Refused
    from gateway.service.exporting import write_file, write_sheet
    from gateway.service.reading import reading

    if what == _CHAIN:
        raise Refused(
            "receipts of deliveries and of partners are tables of their own: say --name FILE for the former, "
            "--inbound FILE for the latter"
        )
    async with reading(loaded, clock) as ledger:
        sheet = await _sheet(ledger, loaded, clock, what, asked)
        if file is not None:
            return await write_file(sheet, form, file)
        with standard_output() as out:
            return await write_sheet(sheet, form, out)


async def _sheet(ledger: "Ledger", loaded: "Loaded", clock: "Clock", what: str, asked: "Asked") -> "Sheet":
    from gateway.cli.history_rows import cut_off
    from gateway.service.exporting import acts_sheet, deliveries_sheet, runs_sheet
    from gateway.service.reading import is_served

    if what == _RUNS:
        return runs_sheet(ledger, asked.runs(loaded, clock, sys.maxsize), loaded.zone())
    if what == _DELIVERIES:
        deliveries = asked.deliveries(loaded, clock, sys.maxsize)
        return deliveries_sheet(ledger, asked.narrowed(deliveries, await cut_off(loaded, ledger)), loaded.zone())
    wanted = asked.acts(loaded, clock, sys.maxsize)
    return acts_sheet(ledger, wanted, loaded.zone(), is_served=await is_served(loaded))
