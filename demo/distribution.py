"""The second part: one folder is brought to three shops, again, and again with one of them down."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demo.proof import digest
from demo.serve import Serving, ask
from demo.shops import ALONE, JOB, Shops, change
from demo.stage import Stage
from gateway.core.units import show_size
from gateway.jobs.report import read_report, run_fields
from gateway.jobs.report_files import file_fields, file_lines
from gateway.ledger.database import FILE_NAME, reading_engine

_LOOK_EVERY_S = 0.3
_LOOKS = 200


@dataclass(frozen=True, slots=True)
class Run:
    """What `gateway job show RUN --files --json` says of a run that is over."""

    state: str
    read_bytes: int
    places: dict[str, dict[str, Any]]
    files: list[dict[str, Any]]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Run":
        """From its JSON."""
        places = {one["endpoint"]: one for one in told["destinations"]}
        return cls(told["state"], told["source_bytes_read"], places, told["files"])

    @property
    def sent_bytes(self) -> int:
        """To all shops."""
        return sum(one["bytes_sent"] for one in self.places.values())

    def said(self, shop: str) -> str:
        """How many files were sent to a shop, or are missing there."""
        place = self.places[shop]
        return f"{place['delivered']} sent" if place["state"] == "done" else place["state"]

    def lines(self, shop: str) -> list[dict[str, Any]]:
        """The files of one shop."""
        return [one for one in self.files if one["endpoint"] == shop]


class Distribution:
    """Starts the job and shows what becomes of it."""

    def __init__(self, stage: Stage, shops: Shops, alone: Serving, console: Console) -> None:
        self._config = stage.config
        self._state = stage.state
        self._shops = shops
        self._alone = alone
        self._console = console

    async def play(self) -> bool:
        """True if every shop has exactly what the report says, byte for byte."""
        files = [one for one in self._shops.source.rglob("*") if one.is_file()]
        size = sum(one.stat().st_size for one in files)
        self._say(f"One folder for three shops, two over SFTP and one over FTP: {len(files)} files, {show_size(size)}")
        first = await self._started()
        self._say(f"  first start     {first.state}: {show_size(first.sent_bytes)} sent to three shops, ", end="")
        self._say(f"{show_size(first.read_bytes)} read from the source")
        second = await self._started()
        self._say(f"  second start    {second.state}: {show_size(second.sent_bytes)} sent, nothing has changed")
        third = await self._with_one_down()
        self._say(f"  third start     {third.state}: {show_size(third.sent_bytes)} sent, that file alone to each shop")
        return await asyncio.to_thread(self._prove, [first, second, third], len(files))

    async def _started(self) -> Run:
        told = json.loads(await ask(self._config, "job", "start", JOB, "--json"))
        return await self._run(told["run"])

    async def _run(self, number: int) -> Run:
        return await asyncio.to_thread(self._read, number)

    def _read(self, number: int) -> Run:
        """What `gateway job show RUN --files --json` prints, without a process for each look."""
        engine = reading_engine(self._state / FILE_NAME)
        try:
            with engine.connect() as connection:
                report = read_report(connection, number)
                assert report is not None
                files = [file_fields(report.run, line, UTC) for line in file_lines(connection, report)]
        finally:
            engine.dispose()
        return Run.of({**run_fields(report), "files": files})

    async def _with_one_down(self) -> Run:
        """A file changes, a shop's server dies; the others have it at once, that one when it is back."""
        name = change(self._shops.source)
        await self._alone.kill()
        self._say(f"  {name} is changed, and {ALONE}'s server is killed")
        number = json.loads(await ask(self._config, "job", "start", JOB, "--detach", "--json"))["run"]
        waits = await self._until(number, lambda run: self._others_have(run, name))
        self._say(f"  third start     {waits.places[ALONE]['state']}: {waits.places[ALONE]['error']}")
        await self._alone.start()
        began = time.monotonic()
        found = await self._until(number, lambda run: run.state == "finished")
        self._say(f"  {ALONE} is up again, and has caught up after {time.monotonic() - began:.1f} s")
        return found

    def _others_have(self, run: Run, name: str) -> bool:
        wanted = digest(self._shops.source / name)
        others = [folder / name for shop, folder in self._shops.folders.items() if shop != ALONE]
        return run.places[ALONE]["state"] == "offline" and all(digest(one) == wanted for one in others)

    async def _until(self, number: int, is_so: Callable[[Run], bool]) -> Run:
        run = await self._run(number)
        for _ in range(_LOOKS):
            if is_so(run):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
            run = await self._run(number)
        return run

    def _prove(self, runs: list[Run], count: int) -> bool:
        table = Table(
            title="What the reports say, and what the shops have", title_style="bold", box=None, pad_edge=False
        )
        for column in ("shop", "route", "first", "second", "third", "files", "bytes", "SHA-256"):
            table.add_column(column, justify="right" if column in ("files", "bytes") else "left", no_wrap=True)
        all_right = _as_promised(runs, count)
        for shop, route in self._shops.routes.items():
            there = _contents(self._shops.folders[shop])
            equal = there == _contents(self._shops.source) == _reported(runs[-1], shop)
            all_right = all_right and equal and all(_adds_up(run, shop) for run in runs)
            said = [run.said(shop) for run in runs]
            size = sum(size for size, _ in there.values())
            judged = "[green]equal[/]" if equal else "[bold red]DIFFERS[/]"
            table.add_row(shop, route, *said, str(len(there)), show_size(size), judged)
        self._console.print(table)
        return all_right

    def _say(self, line: str, end: str = "\n") -> None:
        self._console.print(line, highlight=False, soft_wrap=True, end=end)


def _as_promised(runs: list[Run], count: int) -> bool:
    """All, none, and the one that was changed."""
    delivered = [[place["delivered"] for place in run.places.values()] for run in runs]
    return delivered == [[count] * 3, [0] * 3, [1] * 3] and runs[1].sent_bytes == 0


def _contents(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file, by its path."""
    files = (one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): (one.stat().st_size, digest(one)) for one in files}


def _reported(run: Run, shop: str) -> dict[str, tuple[int, str]]:
    return {one["path"]: (one["bytes"], one["sha256"]) for one in run.lines(shop)}


def _adds_up(run: Run, shop: str) -> bool:
    """The files of a report make its counters."""
    place, lines = run.places[shop], run.lines(shop)
    sent = [one["bytes"] for one in lines if one["state"] == "delivered"]
    counted = place["delivered"] + place["unchanged"] + place["skipped"] + place["failed"]
    return (len(sent), sum(sent), len(lines)) == (place["delivered"], place["bytes_sent"], counted)
