"""From what the configuration says of a job to the job itself: members, paths, profiles; conflicts name both routes."""

import sys
from collections.abc import Iterator
from datetime import date, datetime, time

from gateway.config.findings import error, section, warning
from gateway.config.job_kinds import WEEKDAYS
from gateway.config.jobs import JobDestination, JobNotify, JobSettings, JobTrigger
from gateway.config.jobs import JobSchedule as ScheduleSettings
from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings, Scheme
from gateway.core.model import Finding, Span
from gateway.jobs.findings import BAD_PATH, CONFLICT, NOBODY
from gateway.jobs.model import Destination, Job, JobSchedule, Machine, Moment, Notify, Repeat, Route, Source, Trigger
from gateway.jobs.paths import BadPath, command_folder, place_of, plain_folder, with_tags
from gateway.jobs.profiles import profile_of

_RUNS_COMMANDS = (Scheme.SFTP, Scheme.FILE)
_PLATFORMS = {"darwin": "macos", "win32": "windows"}


class Resolver:
    """Resolves one job; `findings` collects what is wrong on the way."""

    def __init__(self, loaded: Loaded, name: str) -> None:
        self._loaded = loaded
        self._name = name
        self._settings: JobSettings = loaded.config.jobs[name]
        self.findings: list[Finding] = []

    def job(self) -> Job:
        """The job, without the destinations and paths that can't be."""
        said = self._settings.settings
        return Job(
            name=self._name,
            description=self._settings.description,
            enabled=self._settings.enabled,
            hash=self._settings.hash,
            source=self._source(),
            destinations=self._destinations(),
            triggers=tuple(self._triggers()),
            schedule=schedule_of(self._settings.schedule),
            profile=profile_of((said.profile,), self._loaded.config.profiles),
            priority=said.priority,
            deadline=said.deadline,
            require=said.require,
            offline=said.offline,
            together=said.release == "together",
            rehash_all=said.rehash == "always",
            span=self._span(),
            notify=notify_of(self._settings.notify),
        )

    def _span(self, *path: str | int) -> Span:
        return self._loaded.span("jobs", self._name, *path)

    def _error(self, code: str, message: str, *path: str | int) -> None:
        self.findings.append(error(self._span(*path), code, f"{section(('jobs', self._name))}{message}"))

    def _source(self) -> Source:
        said, loaded = self._settings.source, self._loaded
        path, endpoint = self._plain(said.path, "source", "path"), said.endpoint
        settings = loaded.config.endpoints[endpoint] if endpoint is not None else None
        if settings is None:
            path = str(loaded.resolve(path))
        folder = path if settings is None else command_folder(settings, place_of(settings, path, loaded.root))
        return Source(
            endpoint=endpoint,
            path=path,
            follow_links=said.links == "follow",
            machine=self._machine(settings, folder),
            span=self._span("source", "path"),
        )

    def _machine(self, settings: EndpointSettings | None, folder: str) -> Machine:
        own = settings.timezone if settings is not None else None
        return Machine(
            platform=settings.platform if settings is not None else _PLATFORMS.get(sys.platform, "linux"),
            zone=own or self._loaded.config.gateway.timezone or "",
            runs_commands=settings is None or settings.scheme in _RUNS_COMMANDS,
            tags=dict(settings.tags) if settings is not None else {},
            command_folder=folder,
        )

    def _destinations(self) -> tuple[Destination, ...]:
        found: dict[str, Destination] = {}
        for number, said in enumerate(self._settings.destinations):
            for endpoint in self._members(said, number):
                one = self._destination(said, number, endpoint)
                if one is not None:
                    self._compare(found.setdefault(endpoint, one), one)
        return tuple(found.values())

    def _members(self, said: JobDestination, number: int) -> tuple[str, ...]:
        members = self._loaded.members(said.group or said.endpoint or "")
        if not members:
            message = f"the group {said.group} has no endpoints: nothing goes there; add some, or check its tags"
            span = self._span("destinations", number, "group")
            self.findings.append(warning(span, NOBODY, f"{section(('jobs', self._name))}{message}"))
        return members

    def _destination(self, said: JobDestination, number: int, endpoint: str) -> Destination | None:
        loaded = self._loaded
        settings = loaded.config.endpoints[endpoint]
        key = "path" if said.path is not None else "group" if said.group is not None else "endpoint"
        try:
            folder = plain_folder(with_tags(said.path or "", settings.tags, endpoint))
        except BadPath as problem:
            self._error(BAD_PATH, f"destinations: {problem}", "destinations", number, key)
            return None
        place = place_of(settings, folder, loaded.root)
        job = self._settings.settings
        group = loaded.config.groups[said.group].profile if said.group is not None else None
        names = (said.profile, settings.profile, group, job.profile)
        return Destination(
            endpoint=endpoint,
            scheme=settings.scheme.value,
            folder=folder,
            place=place,
            route=Route(f"group {said.group}" if said.group else f"endpoint {endpoint}", self._route(number, said)),
            priority=said.priority or job.priority,
            place_at=said.place_at,
            profile=profile_of(names, loaded.config.profiles),
            machine=self._machine(settings, command_folder(settings, place)),
        )

    def _route(self, number: int, said: JobDestination) -> Span:
        return self._span("destinations", number, "group" if said.group is not None else "endpoint")

    def _compare(self, first: Destination, one: Destination) -> None:
        """One endpoint by two routes is fine as long as both say the same."""
        if one.place != first.place:
            differs = f"to {one.place} and to {first.place}"
        elif one.profile != first.profile:
            differs = f"with the profiles {_names(one)} and {_names(first)}, which differ"
        else:
            return
        message = (
            f"{one.endpoint} is reached by {one.route.said} and by {first.route.said} ({first.route.span}), {differs}; "
            "take one of the two out"
        )
        self.findings.append(error(one.route.span, CONFLICT, f"{section(('jobs', self._name))}{message}"))

    def _plain(self, path: str, *key: str | int) -> str:
        try:
            return plain_folder(path)
        except BadPath as problem:
            self._error(BAD_PATH, str(problem), *key)
            return "/"

    def _triggers(self) -> Iterator[Trigger]:
        said = self._settings.triggers
        for moment, one in (
            (Moment.BEFORE_INDEXING, said.before_indexing),
            (Moment.AFTER_ENDPOINT, said.after_endpoint),
            (Moment.AFTER_ALL, said.after_all),
        ):
            if one is not None:
                yield _trigger(moment, one, self._span("triggers", moment.value))


def notify_of(said: JobNotify | None) -> Notify | None:
    """Who is told, None: nobody."""
    if said is None:
        return None
    return Notify(webhook=said.webhook, command=said.command, on=said.on, timeout=said.timeout)


def _names(one: Destination) -> str:
    return "+".join(one.profile.names) or "none"


def _trigger(moment: Moment, said: JobTrigger, span: Span) -> Trigger:
    commands = {"linux": said.linux, "windows": said.windows, "macos": said.macos}
    return Trigger(
        moment=moment,
        commands={platform: words for platform, words in commands.items() if words is not None},
        timeout=said.timeout,
        warns=said.on_fail == "warn",
        ok_codes=said.ok_codes,
        again_codes=said.again_codes,
        span=span,
        at=getattr(said, "at", None),
        settled=getattr(said, "when", "complete") == "settled",
        again=getattr(said, "again", False),
    )


def schedule_of(said: ScheduleSettings) -> JobSchedule:
    """The schedule with its days counted and its span in moments: a day as `finish` is meant to its end."""
    at = said.at
    if said.repeat == "once" and isinstance(said.start, datetime):
        at = (said.start.time(),)
    return JobSchedule(
        repeat=Repeat(said.repeat),
        every=said.every,
        at=tuple(sorted(set(at))),
        days=tuple(sorted({WEEKDAYS.index(day) for day in said.days})),
        each=said.zone == "each" or (said.zone is None and said.repeat == "once"),
        start=_moment(said.start, time.min),
        finish=_moment(said.finish, time.max),
        skip_if_running=said.skip_if_running,
        late=said.misfire.within,
    )


def _moment(day: date | None, at: time) -> datetime | None:
    return day if day is None or isinstance(day, datetime) else datetime.combine(day, at)
