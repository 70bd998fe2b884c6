"""A distribution job with everything resolved: groups to endpoints, profiles to values, tags put into paths.

Frozen, and plain enough to be kept as text: a run goes by the job as it was when it started (`gateway.jobs.frozen`).
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from gateway.config.job_kinds import Deadline, DeleteLimit, Offline, Require
from gateway.core.model import Span

HERE = ""
"""The name of this machine where others are names of endpoints."""


class Repeat(StrEnum):
    """What a schedule counts in."""

    MANUAL = "manual"
    ONCE = "once"
    MINUTES = "minutes"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSchedule:
    """When a job starts by itself; all times are local, of the gateway's zone or (`each`) of every destination's.

    `days` count from Monday = 0.  `start` and `finish` are included.  `late` is how long a missed start may be made
    good, None: it is skipped.
    """

    repeat: Repeat = Repeat.MANUAL
    every: int = 1
    at: tuple[time, ...] = (time(0, 0),)
    days: tuple[int, ...] = ()
    each: bool = False
    start: datetime | None = None
    finish: datetime | None = None
    skip_if_running: bool = True
    late: timedelta | None = timedelta(hours=1)


class Moment(StrEnum):
    """When a trigger's command is run."""

    BEFORE_INDEXING = "before_indexing"
    AFTER_ENDPOINT = "after_endpoint"
    AFTER_ALL = "after_all"


Words = str | tuple[str, ...]
"""A command: a line for the shell, or a program and its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A command for one moment, by platform.

    `warns`: a failure is only reported.  `at`: waits for this time of the endpoint's clock.  `settled`: after_all runs
    whatever became of the destinations.  `again`: it is run again where it can't be known whether it ran.
    """

    moment: Moment
    commands: dict[str, Words]
    timeout: timedelta
    warns: bool
    ok_codes: tuple[tuple[int, int], ...]
    again_codes: tuple[tuple[int, int], ...]
    span: Span
    at: time | None = None
    settled: bool = False
    again: bool = False


class AfterSuccess(StrEnum):
    """What becomes of the source's files once all have them."""

    KEEP = "keep"
    ARCHIVE = "archive"
    DELETE = "delete"


_LIMIT = DeleteLimit(10, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a destination is treated; `names` are the profiles it comes from, the strongest first."""

    names: tuple[str, ...] = field(default=(), compare=False)
    delete_absent: bool = False
    delete_limit: DeleteLimit = _LIMIT
    archive: timedelta = timedelta(0)
    ignore: tuple[str, ...] = ()
    bandwidth: str = "off"
    after_success: AfterSuccess = AfterSuccess.KEEP
    abort_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a command finds at a place: `zone` is a name of the time zone data, `tags` are the endpoint's.

    `command_folder` is where the job's folder is for a command there, "" for the folder that a login starts in.
    """

    platform: str
    zone: str
    runs_commands: bool
    tags: dict[str, str]
    command_folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the files come from; `endpoint` is None for this machine, whose `path` is absolute."""

    endpoint: str | None
    path: str
    follow_links: bool
    machine: Machine
    span: Span


@dataclass(frozen=True, slots=True)
class Route:
    """How a destination came into the job: `group shops` or `endpoint shop001`, and where that stands."""

    said: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One endpoint that gets the files.

    `folder` is as a PUT says it ("" for the endpoint's own), macros still in it; `place` is the same from the server's
    root or the login folder: two destinations of one endpoint and `place` are the same files.
    """

    endpoint: str
    scheme: str
    folder: str
    place: str
    route: Route
    priority: int
    place_at: time | None
    profile: Profile
    machine: Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Who is told of runs: an address (or where it is kept), a program, or both; `on` are the events."""

    webhook: str | None
    command: tuple[str, ...]
    on: tuple[str, ...]
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job.  `destinations` hold each endpoint once."""

    name: str
    description: str
    enabled: bool
    hash: str
    source: Source
    destinations: tuple[Destination, ...]
    triggers: tuple[Trigger, ...]
    schedule: JobSchedule
    profile: Profile
    priority: int
    deadline: Deadline | None
    require: Require
    offline: Offline
    together: bool
    rehash_all: bool
    span: Span
    notify: Notify | None = None

    def trigger(self, moment: Moment) -> Trigger | None:
        """The command of a moment, None if there is none."""
        return next((trigger for trigger in self.triggers if trigger.moment is moment), None)

    def destination(self, endpoint: str) -> Destination | None:
        """The destination at an endpoint, None if it has none."""
        return next((one for one in self.destinations if one.endpoint == endpoint), None)

    def required(self) -> int:
        """How many destinations must have everything."""
        return required_of(self.require, len(self.destinations))


def required_of(require: Require, count: int) -> int:
    """How many of `count` must have everything."""
    if require.count is not None:
        return min(require.count, count)
    percent = require.percent if require.percent is not None else 100
    return -(-count * percent // 100)
