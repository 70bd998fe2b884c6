"""A job that is being made: what was answered so far, and its file."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from gateway.config.findings import suggestion
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused

PLATFORMS = ("linux", "windows", "macos")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHELL = re.compile(r"[|&;<>()$`*?~#\n]")


@dataclass(frozen=True, slots=True)
class To:
    """A destination: an endpoint, or (`is_group`) all of a group; `path` None: each endpoint's own folder."""

    name: str
    is_group: bool
    path: str | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group made on the way: endpoints by name, and all that have these tags."""

    name: str
    endpoints: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def tree(self) -> dict[str, Any]:
        """As it stands in a file."""
        return {
            **({"endpoints": list(self.endpoints)} if self.endpoints else {}),
            **({"tags": dict(self.tags)} if self.tags else {}),
        }


@dataclass(frozen=True, slots=True)
class Command:
    """A command of one moment for one platform; `at` waits for a time of the endpoint's clock."""

    moment: str
    platform: str
    line: str
    at: str | None = None

    def words(self) -> str | list[str]:
        """A program and its arguments, where no shell is needed."""
        if self.platform == "windows" or _SHELL.search(self.line):
            return self.line
        try:
            return shlex.split(self.line)
        except ValueError:
            return self.line  # a quote that nobody closes is told by the check, in its words


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The answers; texts as people write them, "" or None where nothing was said."""

    name: str
    description: str = ""
    hash: str = "sha256"
    endpoint: str | None = None
    path: str = ""
    destinations: tuple[To, ...] = ()
    groups: tuple[NewGroup, ...] = ()
    commands: tuple[Command, ...] = ()
    repeat: str = "manual"
    every: int = 1
    at: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    start: str | None = None
    finish: str | None = None
    zone: str | None = None
    priority: int = 5
    profile: str | None = None
    deadline: str | None = None
    require: str = "all"
    offline: str = "wait"

    def with_group(self, group: NewGroup) -> "Draft":
        """One group more."""
        return replace(self, groups=(*(one for one in self.groups if one.name != group.name), group))

    def of(self, moment: str) -> tuple[Command, ...]:
        """The commands of a moment."""
        return tuple(one for one in self.commands if one.moment == moment)

    def tree(self) -> dict[str, Any]:
        """The job as it stands in its file, without what is as usual."""
        source = {**({"endpoint": self.endpoint} if self.endpoint else {}), "path": self.path}
        tree: dict[str, Any] = {
            **({"description": self.description} if self.description else {}),
            **({"hash": self.hash} if self.hash != "sha256" else {}),
            "source": source,
            "destinations": [_destination(one) for one in self.destinations],
        }
        triggers = {moment: _trigger(self.of(moment)) for moment in dict.fromkeys(one.moment for one in self.commands)}
        more = {"triggers": triggers, "schedule": self._schedule(), "settings": self._settings()}
        tree |= {key: table for key, table in more.items() if table}
        return tree

    def _schedule(self) -> dict[str, Any]:
        if self.repeat == "manual":
            return {}
        at = list(self.at) if len(self.at) > 1 else self.at[0] if self.at else None
        said = {"at": at, "days": list(self.days), "start": self.start, "finish": self.finish, "zone": self.zone}
        every = {"every": self.every} if self.every != 1 else {}
        return {"repeat": self.repeat, **every, **{key: value for key, value in said.items() if value}}

    def _settings(self) -> dict[str, Any]:
        usual = {"priority": 5, "profile": None, "deadline": None, "require": "all", "offline": "wait"}
        return {key: getattr(self, key) for key, default in usual.items() if getattr(self, key) not in (default, "")}


def _destination(one: To) -> dict[str, Any]:
    path = {"path": one.path} if one.path else {}
    return {("group" if one.is_group else "endpoint"): one.name, **path}


def _trigger(commands: tuple[Command, ...]) -> dict[str, Any]:
    at = next((one.at for one in commands if one.at), None)
    return {**{one.platform: one.words() for one in commands}, **({"at": at} if at else {})}


def text_of(draft: Draft) -> str:
    """The file."""
    import tomlkit  # a writer that keeps comments and order; no other verb needs it but `trust`

    document = tomlkit.document()
    document.add(
        tomlkit.comment("A distribution job; the name of this file is its name.  gateway job check names what is")
    )
    document.add(tomlkit.comment("wrong; conf/jobs.d/prices.toml.example of the project shows every key."))
    for key, value in draft.tree().items():
        if key == "destinations":
            tables = tomlkit.aot()
            for one in value:
                tables.append(tomlkit.item(one))
            document.add(key, tables)
        else:
            document.add(key, _dated(value) if key == "schedule" else tomlkit.item(value))
    if draft.groups:
        document.add("groups", tomlkit.item({one.name: one.tree() for one in draft.groups}))
    return tomlkit.dumps(document)


def _dated(schedule: Mapping[str, Any]) -> Any:
    """Days and moments as TOML has them, which wants seconds."""
    import tomlkit

    table = tomlkit.table()
    for key, value in schedule.items():
        table.add(key, _day(value) if key in ("start", "finish") else value)
    return table


def _day(text: str) -> date | str:
    """What is no day is told by the check, in its words."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if ":" in text else found.date()


def checked_name(text: str, loaded: Loaded) -> str:
    """A name for a new job.  Raises Refused."""
    if not _NAME.fullmatch(text) or text.isdecimal():
        raise Refused(f"{text!r} is no name for a job; use letters, digits, '.', '_' and '-', not digits alone")
    if text in loaded.config.jobs:
        raise Refused(f"there is a job {text!r} already ({loaded.span('jobs', text).file}); choose another name")
    return text


def free_name(loaded: Loaded) -> str:
    """`job1`, or the first like it that is free."""
    return next(name for number in range(1, 10**6) if (name := f"job{number}") not in loaded.config.jobs)


def destination_of(text: str, loaded: Loaded, groups: tuple[NewGroup, ...], path: str | None = None) -> To:
    """`NAME` or `NAME:PATH`; a group where there is one of that name.  Raises Refused."""
    name, colon, own = text.partition(":")
    made = {one.name for one in groups}
    known = {*loaded.config.groups, *loaded.config.endpoints, *made}
    if name not in known:
        raise Refused(f"there is no group or endpoint {name!r}; {suggestion(name, sorted(known))}")
    return To(name, name in made or name in loaded.config.groups, own if colon and own else path)


def group_of(text: str, loaded: Loaded) -> NewGroup:
    """`NAME=shop001,shop002` or `NAME:region=north,size=big`.  Raises Refused."""
    match = re.fullmatch(r"([^=:\s]+)(=|:)(.+)", text.strip())
    if match is None:
        raise Refused(f"{text!r} is no group; write NAME=ENDPOINT,ENDPOINT or NAME:TAG=VALUE")
    name, rest = match[1], [one.strip() for one in match[3].split(",") if one.strip()]
    if name in loaded.config.groups or name in loaded.config.endpoints:
        raise Refused(f"{name!r} is a group or an endpoint already; choose another name")
    if match[2] == ":":
        if any("=" not in one for one in rest):
            raise Refused(f"{text!r}: tags are written NAME:TAG=VALUE")
        return NewGroup(name, tags=tuple((one.partition("=")[0], one.partition("=")[2]) for one in rest))
    unknown = next((one for one in rest if one not in loaded.config.endpoints), None)
    if unknown is not None:
        raise Refused(f"there is no endpoint {unknown!r}; {suggestion(unknown, loaded.config.endpoints)}")
    return NewGroup(name, endpoints=tuple(rest))


def command_of(moment: str, text: str, at: str | None = None) -> Command:
    """`COMMAND`, or `windows=COMMAND` for another platform than linux."""
    platform, equals, line = text.partition("=")
    if equals and platform in PLATFORMS:
        return Command(moment, platform, line.strip(), at)
    return Command(moment, "linux", text.strip(), at)
