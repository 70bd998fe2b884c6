"""`gateway job restart`, `pause`, `resume`, `stop` and `approve`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import typer

from gateway.cli.doing import do, say
from gateway.cli.job_following import Watch
from gateway.cli.job_start import end, followed, working
from gateway.cli.output import show_value
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.users import who_am_i
from gateway.jobs.report import Report
from gateway.service.operations import Said, read_said
from gateway.service.talking import Here

_GOES_ON = ("job_restart", "job_resume", "job_approve")
"""After these a run is under way: where nobody serves, this command works on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says to a run; `follow`: also beside a gateway that serves."""

    kind: str
    run: int
    destination: str | None = None
    follow: bool = False
    as_json: bool = False

    def arguments(self) -> Mapping[str, Any]:
        """As it travels between processes."""
        return {"run": self.run, "destination": self.destination, "by": who_am_i()}


def steer(word: Word) -> None:
    """Have it done; followed to the end of the run where that is wanted, or nobody else works on it."""
    said, loaded, report, now = do(partial(_steer, word=word), asks=True)
    if report is None:
        say(said, as_json=word.as_json)
    end(report, loaded, now, as_json=word.as_json)


async def _steer(loaded: Loaded, clock: Clock, word: Word) -> tuple[Said, Loaded, Report | None, int]:
    async with working(loaded, clock) as talking:
        said = read_said(await talking.ask(word.kind, word.arguments()))
        alone = isinstance(talking, Here) and word.kind in _GOES_ON
        if not (word.follow or alone):
            return said, loaded, None, 0
        if not word.as_json:
            for line in said.lines:
                typer.echo(show_value(line))
        watch = Watch(talking.ledger, clock, loaded.zone(), quiet=word.as_json)
        report = await followed(talking, watch, int(said.facts["run"]))
        return said, loaded, report, talking.ledger.now_ns()
