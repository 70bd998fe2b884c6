"""What a job that is being made would mean: all that a check would say of it, in the words of whoever makes it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from gateway.cli.job_draft import Draft
from gateway.cli.job_said import Saying, spoken_spans
from gateway.config.findings import suggestion
from gateway.config.jobs import JobSettings
from gateway.config.lines import KeyPath
from gateway.config.loaded import Loaded
from gateway.config.schema import GroupSettings
from gateway.core.model import Finding
from gateway.jobs.model import Job
from gateway.jobs.read import read_jobs


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft as it would be: the job (None where a key is wrong), and what is to be said of it."""

    job: Job | None
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    loaded: Loaded


def judge(loaded: Loaded, draft: Draft, saying: Saying) -> Judged:
    """Everything that `job check` would say once the file stands (blocks: it looks whether the source is there)."""
    try:
        settings = JobSettings.model_validate(draft.tree())
        groups = {one.name: GroupSettings.model_validate(one.tree()) for one in draft.groups}
    except ValidationError as problem:
        return Judged(None, tuple(_plain(one, draft, saying) for one in problem.errors()), (), loaded)
    config = loaded.config.model_copy(
        update={"jobs": {**loaded.config.jobs, draft.name: settings}, "groups": {**loaded.config.groups, **groups}}
    )
    spoken = spoken_spans(draft, saying)
    would_be = replace(loaded, config=config, spans={**loaded.spans, **spoken})
    unknown = tuple(_unknown(would_be, draft, saying))
    if unknown:
        return Judged(None, unknown, (), would_be)
    jobs = read_jobs(would_be)
    before = {(one.code, one.message) for one in read_jobs(loaded).findings}
    new = [one for one in jobs.findings if (one.code, one.message) not in before]
    known = {span.file for span in spoken.values()}
    errors = tuple(_said(one, draft.name, known) for one in new if one.severity.value == "error")
    return Judged(
        jobs.jobs[draft.name],
        errors or ((_said(jobs.broken[draft.name], draft.name, known),) if draft.name in jobs.broken else ()),
        tuple(_said(one, draft.name, known) for one in new if one.severity.value != "error"),
        would_be,
    )


def _said(finding: Finding, name: str, spoken: Collection[str]) -> str:
    """With what was said, where the finding is about that; its span may be a part of it."""
    where = finding.span.file if finding.span.file in spoken else ""
    return _with(where, finding.message.removeprefix(f"[jobs.{name}] "))


def _with(where: str, said: str) -> str:
    return f"{where}: {said}" if where else said


def _plain(problem: Mapping[str, Any], draft: Draft, saying: Saying) -> str:
    """What a key says that it can't hold; a place that nobody has named is shown as it stands in a file."""
    path: KeyPath = tuple(problem["loc"])
    where = saying(draft, path) or ".".join(map(str, path))
    return _with(where, str(problem["msg"]).removeprefix("Value error, "))


def _unknown(loaded: Loaded, draft: Draft, saying: Saying) -> Iterator[str]:
    """Names that stand for nothing."""
    config = loaded.config
    endpoints, groups, profiles = tuple(config.endpoints), tuple(config.groups), tuple(config.profiles)
    asked: list[tuple[str | None, tuple[str, ...], str, KeyPath]] = [
        (draft.endpoint, endpoints, "endpoint", ("source", "endpoint")),
        (draft.profile, profiles, "profile", ("settings", "profile")),
    ]
    for number, one in enumerate(draft.destinations):
        known = groups if one.is_group else endpoints
        asked.append((one.name, known, "group or endpoint", ("destinations", number)))
    for group in draft.groups:
        asked += [(one, endpoints, "endpoint", ("groups", group.name)) for one in group.endpoints]
    for name, known, what, path in asked:
        if name and name not in known:
            yield _with(saying(draft, path), f"there is no {what} {name!r}; {suggestion(name, known)}")
    if not draft.destinations:
        yield "nobody gets the files; name a group or an endpoint"
