"""`gateway job show RUN`: a run as it stands, or followed to its end; every file of it with --files or --csv."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import typer

from gateway.cli.doing import do, is_terminal
from gateway.cli.job_following import Watch, follow, report_of
from gateway.cli.job_table import COLUMNS, command_lines, heading, place_cells, totals
from gateway.cli.output import print_json, print_table, show_value, standard_output
from gateway.config.findings import suggestion
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import Refused, Unknown
from gateway.jobs.report import Report, run_fields
from gateway.jobs.report_files import FILE_COLUMNS, FileLine, file_fields, file_lines
from gateway.ledger import Connection
from gateway.service.forms import csv_head, csv_line
from gateway.service.reading import reading

_FILES_COLUMNS = ("endpoint", "path", "state", "bytes", "at", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a run is shown; `follow` None: where a person looks on."""

    run: int
    destination: str | None = None
    files: bool = False
    as_csv: bool = False
    as_json: bool = False
    follow: bool | None = None


def show_run(asked: Shown) -> None:
    """Print it.  Raises Unknown for a run or destination that is not there."""
    if asked.as_csv and asked.as_json:
        raise Refused("--csv and --json say the same thing differently; give one of them")
    do(partial(_show, asked=asked), looks_back=True)


async def _show(loaded: Loaded, clock: Clock, asked: Shown) -> None:
    async with reading(loaded, clock) as ledger:
        report = await report_of(ledger, asked.run)
        _require_destination(report, asked.destination)
        plain = not (asked.files or asked.as_csv or asked.as_json)
        follows = asked.follow if asked.follow is not None else plain and is_terminal()
        if follows and not report.run.terminal:
            report = await follow(Watch(ledger, clock, loaded.zone(), quiet=not plain), asked.run)
        lines: list[FileLine] = []
        if asked.files or asked.as_csv:
            lines = await ledger.read(partial(_lines, report=report, endpoint=asked.destination))
        _print(report, lines, asked, loaded, ledger.now_ns())


def _lines(connection: Connection, report: Report, endpoint: str | None) -> list[FileLine]:
    return list(file_lines(connection, report, endpoint))


def _require_destination(report: Report, endpoint: str | None) -> None:
    names = [one.row.endpoint for one in report.places]
    if endpoint is not None and endpoint not in names:
        run = report.run
        raise Unknown(f"run {run.id} of {run.job} has no destination {endpoint!r}; {suggestion(endpoint, names)}")


def _print(report: Report, lines: list[FileLine], asked: Shown, loaded: Loaded, now: int) -> None:
    zone = loaded.zone()
    if asked.as_csv:
        with standard_output() as out:
            out.write(csv_head(FILE_COLUMNS))
            out.writelines(csv_line(file_fields(report.run, line, zone), FILE_COLUMNS) for line in lines)
    elif asked.as_json:
        fields = run_fields(report)
        files = [file_fields(report.run, one, zone) for one in lines]
        print_json({**fields, **({"files": files} if asked.files else {})})
    else:
        for line in run_lines(report, loaded, now, asked.destination):
            typer.echo(line)
        print_places(report, loaded, asked.destination)
        if asked.files:
            typer.echo("")
            rows = [file_fields(report.run, line, zone) for line in lines]
            print_table(_FILES_COLUMNS, [[row[column] for column in _FILES_COLUMNS] for row in rows])


def run_lines(report: Report, loaded: Loaded, now: int, endpoint: str | None = None) -> Iterator[str]:
    """What stands above the table; with `endpoint` what the job's commands printed there, too."""
    yield from (show_value(line) for line in heading(report, loaded.zone(), now))
    yield from (f"  {line}" for line in command_lines(report.starts, loaded.zone(), endpoint))


def print_places(report: Report, loaded: Loaded, endpoint: str | None = None) -> None:
    """The table of destinations, or of one, and the sum of all."""
    shown = [one for one in report.places if endpoint in (None, one.row.endpoint)]
    if not shown:
        return
    typer.echo("")
    columns = [name for name in COLUMNS if name not in ("rate", "left")]
    rows = [dict(zip(COLUMNS, place_cells(one, None, loaded.zone()), strict=True)) for one in shown]
    print_table(columns, [[row[name] for name in columns] for row in rows])
    typer.echo(totals(report))
