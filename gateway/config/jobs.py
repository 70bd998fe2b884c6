"""The shape of distribution jobs (`conf/jobs.d/NAME.toml`) and of the profiles that they and endpoints name."""

from datetime import datetime, time, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.config.job_kinds import (
    Clock,
    Codes,
    CommandLine,
    Day,
    DeadlineText,
    DeleteLimit,
    IgnorePattern,
    Late,
    LateText,
    LimitText,
    Offline,
    OfflineText,
    Require,
    RequireText,
    Weekday,
)
from gateway.config.kinds import Bandwidth, Duration, Many
from gateway.config.strict import Strict

Event = Literal["finished", "failed", "error"]
Repeat = Literal["manual", "once", "minutes", "hourly", "daily", "weekly"]
LEAST_MINUTES = 5


class JobSource(Strict):
    """`[source]`: where the files come from."""

    path: str = Field(description="The folder whose files are distributed; at the source endpoint, if one is named.")
    endpoint: str | None = Field(
        default=None, description="Where the folder lies; default: this machine.  A remote one is collected first."
    )
    links: Literal["skip", "follow"] = Field(
        default="skip", description="Symbolic links: skipped and reported, or followed, never out of the source."
    )


class JobDestination(Strict):
    """`[[destinations]]`: an endpoint, or all endpoints of a group."""

    endpoint: str | None = Field(default=None, description="One endpoint; it joins no group by that; no default.")
    group: str | None = Field(default=None, description="Every endpoint of a group, in place of one; no default.")
    path: str | None = Field(
        default=None, description="The folder there, macros and {tags} put in; default: the path of the endpoint's URL."
    )
    profile: str | None = Field(
        default=None, description="A profile for these, before the one that endpoint or group name; no default."
    )
    priority: int | None = Field(default=None, ge=1, le=9, description="1-9, 9 first; default: the job's.")
    place_at: Clock | None = Field(
        default=None, description="Bytes at once, final names at this time in the endpoint's zone; default: at once."
    )

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        if (self.endpoint is None) == (self.group is None):
            raise ValueError('names no one place; write endpoint = "NAME" or group = "NAME", and only one of them')
        return self


class JobTrigger(Strict):
    """`[triggers.…]`: a command per platform; a list is a program and its arguments, a text a line for the shell."""

    linux: CommandLine | None = Field(default=None, description="The command where the platform is linux; no default.")
    windows: CommandLine | None = Field(
        default=None,
        description="The command where the platform is windows: not run yet, refused where it would be; no default.",
    )
    macos: CommandLine | None = Field(default=None, description="The command where the platform is macos; no default.")
    timeout: Duration = Field(
        default=timedelta(hours=1), gt=timedelta(0), description="How long it may take; then it is ended."
    )
    on_fail: Literal["fail", "warn"] = Field(
        default="fail", description="Whether a failed command fails what it belongs to, or is only reported."
    )
    ok_codes: Codes = Field(default=((0, 0),), description="Exit codes that mean success.")
    again_codes: Codes = Field(default=(), description="Exit codes after which it is run again, three times at most.")

    @model_validator(mode="after")
    def _has_a_command(self) -> Self:
        if self.linux is None and self.windows is None and self.macos is None:
            raise ValueError('has no command; write linux = ["/usr/local/bin/program"], windows = … or macos = …')
        return self


class EndpointTrigger(JobTrigger):
    """`[triggers.after_endpoint]`: at each destination, once it has everything."""

    at: Clock | None = Field(
        default=None, description="Wait for this time in the endpoint's own zone; default: at once."
    )


class AllTrigger(JobTrigger):
    """`[triggers.after_all]`: at every destination, then at the source."""

    when: Literal["complete", "settled"] = Field(
        default="complete",
        description="complete: every required destination has everything; settled: each has come to an end.",
    )
    again: bool = Field(
        default=False, description="Run it again where it can't be known whether it ran; else a person must say."
    )


class JobTriggers(Strict):
    """`[triggers]`: what is run, and when."""

    before_indexing: JobTrigger | None = Field(default=None, description="At the source, before its files are listed.")
    after_endpoint: EndpointTrigger | None = Field(
        default=None, description="At each destination that has everything; others may still load."
    )
    after_all: AllTrigger | None = Field(
        default=None, description="At every destination once all have everything, then at the source."
    )


class JobSchedule(Strict):
    """`[schedule]`: when the job starts by itself."""

    repeat: Repeat = Field(default="manual", description="manual, once, minutes, hourly, daily or weekly.")
    every: int = Field(
        default=1, ge=1, le=10_000, description="Every so many; counted from start, else from the day it was saved."
    )
    at: Many[Clock] = Field(
        default=(time(0, 0),),
        description="One time or several; with minutes and hourly the one that is counted from.",
    )
    days: Many[Weekday] = Field(default=(), description="weekly: its days, such as Mo and Th.")
    zone: Literal["gateway", "each"] | None = Field(
        default=None, description="gateway, or each: by every destination's own clock; default: gateway, once: each."
    )
    start: Day | None = Field(default=None, description="The first day (or moment) on which it may start; no default.")
    finish: Day | None = Field(default=None, description="The last day (or moment) on which it may start; no default.")
    skip_if_running: bool = Field(
        default=True, description="Leave a start out while a run goes on; false: it starts when that one is over."
    )
    misfire: LateText = Field(
        default=Late(timedelta(hours=1)), description="Starts missed while down: run_once within a time, or skip."
    )

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        for problem in (_wrong_count(self), _wrong_days(self), _wrong_span(self), _wrong_zone(self)):
            if problem is not None:
                raise ValueError(problem)
        return self


def _wrong_count(schedule: JobSchedule) -> str | None:
    if schedule.repeat == "minutes" and schedule.every < LEAST_MINUTES:
        return f"every: {schedule.every} minutes are too few; write every = {LEAST_MINUTES} or more"
    if schedule.repeat in ("manual", "once") and schedule.every != 1:
        return f'every has no meaning with repeat = "{schedule.repeat}"; leave the line out'
    if schedule.repeat in ("minutes", "hourly") and len(schedule.at) > 1:
        return f'at: repeat = "{schedule.repeat}" counts from one time of the day; write one, such as at = "00:15"'
    if schedule.repeat == "manual" and "at" in schedule.model_fields_set:
        return 'at has no meaning with repeat = "manual"; leave the line out, or write repeat = "daily"'
    return None


def _wrong_days(schedule: JobSchedule) -> str | None:
    if schedule.repeat == "weekly" and not schedule.days:
        return 'repeat = "weekly" needs its days; write days = ["Mo", "Th"]'
    if schedule.repeat != "weekly" and schedule.days:
        return f'days belong to repeat = "weekly", not to "{schedule.repeat}"; change one of the two'
    return None


def _wrong_span(schedule: JobSchedule) -> str | None:
    if schedule.repeat == "once" and schedule.start is None:
        return 'repeat = "once" needs its day; write start = 2026-12-01 and at = "22:00"'
    if schedule.repeat == "once" and isinstance(schedule.start, datetime) and "at" in schedule.model_fields_set:
        return "start names a time, and so does at; keep one of the two"
    if schedule.start is None or schedule.finish is None:
        return None
    first = schedule.start if isinstance(schedule.start, datetime) else datetime.combine(schedule.start, time.min)
    last = schedule.finish if isinstance(schedule.finish, datetime) else datetime.combine(schedule.finish, time.max)
    return f"finish ({schedule.finish}) lies before start ({schedule.start}); swap them" if last < first else None


def _wrong_zone(schedule: JobSchedule) -> str | None:
    if schedule.zone == "each" and schedule.repeat in ("minutes", "hourly"):
        return f'zone = "each" has no meaning with repeat = "{schedule.repeat}", counted by one clock; leave it out'
    return None


class JobRunSettings(Strict):
    """`[settings]`: how runs of the job behave."""

    priority: int = Field(default=5, ge=1, le=9, description="1-9, 9 first; a start by hand may say another.")
    profile: str | None = Field(
        default=None, description="The profile that fills in what destinations' leave open; no default."
    )
    deadline: DeadlineText | None = Field(
        default=None, description='How long ("10h") or until when ("06:00"); default: the next start, without one 24h.'
    )
    require: RequireText = Field(
        default=Require(percent=100), description="Destinations that must have everything: all, any, a number, n%."
    )
    offline: OfflineText = Field(
        default=Offline(), description="A destination that is down: wait (till the deadline), or exclude after a time."
    )
    release: Literal["each", "together"] = Field(
        default="each", description="together: final names only when every required destination has all bytes."
    )
    rehash: Literal["changed", "always"] = Field(
        default="changed", description="Hash what changed, and everything every 7 days; or everything at every start."
    )


class JobNotify(Strict):
    """`[notify]`: who is told how runs end, and what goes wrong on the way; one JSON object each time."""

    webhook: str | None = Field(
        default=None,
        description="An http(s):// address that gets it by POST; env:, file: or cred: keep it; no default.",
    )
    command: Many[str] = Field(
        default=(), description="A program of [system] allow; the file that JOB_EVENT_FILE names holds it."
    )
    on: Many[Event] = Field(
        default=("finished", "failed", "error"),
        description="finished: all is well; failed: any other end; error: a destination can't be brought its files.",
    )
    timeout: Duration = Field(
        default=timedelta(seconds=10), gt=timedelta(0), description="How long the telling may take each time."
    )

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if self.webhook is None and not self.command:
            raise ValueError('tells nobody; write webhook = "https://…" or command = ["/usr/local/bin/program"]')
        if self.webhook is not None and not self.webhook.startswith(("http://", "https://", "env:", "file:", "cred:")):
            raise ValueError(
                'webhook is no address; write "https://…", or env:NAME, file:PATH, cred:NAME that holds it'
            )
        return self


class JobSettings(Strict):
    """`conf/jobs.d/NAME.toml`, or `[jobs.NAME]`: one folder for many destinations."""

    description: str = Field(default="", description="One line for people.")
    enabled: bool = Field(default=True, description="false: it never starts by itself, and can't be started.")
    hash: Literal["sha256", "sha1", "md5"] = Field(
        default="sha256", description="How contents are compared; who can't compute it is named by `gateway job check`."
    )
    source: JobSource
    destinations: tuple[JobDestination, ...] = ()
    triggers: JobTriggers = JobTriggers()
    schedule: JobSchedule = JobSchedule()
    settings: JobRunSettings = JobRunSettings()
    notify: JobNotify | None = None


class ProfileSettings(Strict):
    """`[profiles.NAME]`: how a destination is treated.  Only keys that are said hold; others fill in the rest."""

    delete_absent: bool = Field(default=False, description="Delete at the destination what the source lacks.")
    delete_limit: LimitText = Field(
        default=DeleteLimit(10, 100), description="More than the smaller: nothing is deleted, it waits for approval."
    )
    archive: Duration = Field(
        default=timedelta(0), description="How long what is replaced or deleted there is kept; 0s = not at all."
    )
    ignore: Many[IgnorePattern] = Field(
        default=(),
        description="Names or paths not distributed, as hidden and temporary names aren't; a later !name is after all.",
    )
    bandwidth: Bandwidth = Field(
        default="off", description='Bytes a second to each destination: "2M", or by the clock "06:00,512k 22:00,off".'
    )
    after_success: Literal["keep", "archive", "delete"] = Field(
        default="keep", description="What becomes of the source's files once all have them."
    )
    abort_on: Many[str] = Field(
        default=(), description="Error classes that abort a destination after 60 s, such as NoSpace."
    )
