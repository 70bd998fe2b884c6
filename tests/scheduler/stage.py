"""What scheduler tests share: a scheduler over real folders, a clock that is turned, runs that are recorded."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.core.clock import TurnedClock
from gateway.core.mounts import Mounts
from gateway.core.wake import Wake
from gateway.language.parse import parse_action
from gateway.ledger.looks import Look
from gateway.ledger.standing import HeldEndpoint, Standing
from gateway.runner.due import Due, Outcome, RunResult
from gateway.runner.instance import Instance
from gateway.scheduler.autocheck import Report
from gateway.scheduler.book import Standings
from gateway.scheduler.loop import Scheduler
from gateway.scheduler.make import Pace
from gateway.scheduler.watch import FolderEvents
from tests.settled import settled

PUT_ALL = "@endpoint acme\n@schedule on file polling continuously\nPUT -DEL * /in/\n"


def instance(root: Path, text: str = PUT_ALL, name: str = "orders", zone: str = "UTC") -> Instance:
    """An action over real folders: `root/outbox`, `root/inbox`."""
    for folder in ("outbox", "inbox"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    parsed = parse_action(text, f"{name}.act")
    assert not [finding for finding in parsed.findings if finding.severity == "error"], parsed.findings
    return Instance(
        name=name,
        action=parsed.action,
        settings=parsed.settings,
        endpoint=parsed.settings.endpoint,
        root=root,
        inbox=root / "inbox",
        outbox=root / "outbox",
        zone=ZoneInfo(zone),
    )


@dataclass(slots=True)
class RememberedBook:
    """A book in memory, to simulate with: it answers what a test put into it."""

    known: dict[tuple[str, str], list[Standing]] = field(default_factory=dict)
    held: dict[str, HeldEndpoint] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    told: dict[str, Report] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    async def standings(self, sources: Mapping[str, Collection[str]]) -> Mapping[str, Standings]:
        self.asked += 1
        return {
            action: {path: self.known[action, path] for path in paths if (action, path) in self.known}
            for action, paths in sources.items()
        }

    async def note(self, looks: Sequence[Look]) -> None:
        self.looks += looks

    async def held_endpoints(self) -> Mapping[str, HeldEndpoint]:
        return self.held

    async def reports(self, action: str) -> Mapping[str, Report]:
        return self.told

    async def forget_reports(self, action: str, present: Collection[str]) -> None:
        self.told = {path: report for path, report in self.told.items() if path in present}

    async def last_times(self) -> Mapping[str, datetime]:
        return self.times

    async def keep_times(self, times: Mapping[str, datetime], skipped: Mapping[str, str]) -> None:
        self.times.update(times)
        self.skipped.update(skipped)


@dataclass(slots=True)
class RecordedRuns:
    """Runs that are written down with the time by the turned clock; each file offered is removed, as -DEL does."""

    clock: TurnedClock
    started: list[tuple[float, Due]] = field(default_factory=list)
    removes: bool = True
    full: bool = False  # a full disk ends each run before its first file
    limit: int | None = None
    hook: Callable[[Due], "asyncio.Future[None] | None"] | None = None

    async def run(self, due: Due) -> RunResult:
        self.started.append((self.clock.monotonic(), due))
        if self.hook is not None and (waits := self.hook(due)) is not None:
            await waits
        if self.full:
            return RunResult(run=len(self.started), outcome=Outcome.FAILED, error="full", rests=True)
        files = [found for one in (due.judged or {}).values() for found in one]
        if self.removes:
            for found in files[: self.limit]:
                Path(found.path).unlink(missing_ok=True)
        outcome = Outcome.DONE if files else Outcome.NOTHING
        return RunResult(run=len(self.started), outcome=outcome, files=len(files))

    @property
    def names(self) -> list[list[str]]:
        """The file names of each run."""
        return [[found.relative for one in (due.judged or {}).values() for found in one] for _, due in self.started]


@dataclass(slots=True)
class Stage:
    """A scheduler that runs while the clock is turned."""

    scheduler: Scheduler
    runs: RecordedRuns
    book: RememberedBook
    clock: TurnedClock
    wake: Wake
    task: "asyncio.Task[None] | None" = None

    async def turn(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass, leaving the threads room to end their looks after each step."""
        left = seconds
        while left > 1e-9:
            step = min(step_s, left)
            await self.quiet()
            await self.clock.turn(timedelta(seconds=step))
            left -= step
        await self.quiet()

    async def quiet(self) -> None:
        """Until no look is under way and all that came of it has begun."""
        await settled()
        while self.scheduler.is_looking:
            await asyncio.sleep(0.0005)
            await settled()

    async def __aenter__(self) -> "Stage":
        self.task = asyncio.get_running_loop().create_task(self.scheduler.run())
        await self.quiet()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.scheduler.stop()
        assert self.task is not None
        await self.task


async def stage(
    *instances: Instance,
    pace: Pace | None = None,
    start: datetime | None = None,
    events: FolderEvents | None = None,
    own_folders: Collection[Path] = (),
    mounts: str = "",
) -> Stage:
    """A scheduler for `instances`, not yet running."""
    clock = TurnedClock(start or datetime.now(UTC))
    book, wake = RememberedBook(), Wake()
    runs = RecordedRuns(clock)
    pace = pace or Pace(grace=timedelta(seconds=1))
    scheduler = Scheduler(
        runs, book, clock, wake, pace=pace, events=events, own_folders=own_folders, mounts=lambda: Mounts(mounts)
    )
    await scheduler.load(instances)
    return Stage(scheduler, runs, book, clock, wake)
