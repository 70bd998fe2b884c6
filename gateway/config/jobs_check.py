"""What jobs and profiles refer to: endpoints, groups, profiles; and that a job has somewhere to send to."""

from collections.abc import Callable, Iterable, Iterator

from gateway.config.findings import BAD_VALUE, MISSING, REFERENCE, error, section, suggestion
from gateway.config.jobs import JobSettings
from gateway.config.lines import KeyPath
from gateway.config.schema import Config
from gateway.core import errors
from gateway.core.errors import GatewayError
from gateway.core.model import Finding, Span

SpanOf = Callable[..., Span]

ERROR_CLASSES = tuple(
    sorted(name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, GatewayError))
)
"""What `abort_on` may name."""


def job_references(config: Config, span_of: SpanOf) -> Iterator[Finding]:
    """Every name in a job, or beside it, that stands for nothing."""
    for name, job in config.jobs.items():
        yield from _job(name, job, config, span_of)
    for name, endpoint in config.endpoints.items():
        yield from _known(endpoint.profile, ("endpoints", name, "profile"), config.profiles, "profile", span_of)
    for name, group in config.groups.items():
        yield from _known(group.profile, ("groups", name, "profile"), config.profiles, "profile", span_of)
    for name, profile in config.profiles.items():
        for number, word in enumerate(profile.abort_on):
            if word not in ERROR_CLASSES:
                at = section(("profiles", name))
                message = f"{at}abort_on: {word!r} is no class of errors; {suggestion(word, ERROR_CLASSES)}"
                yield error(span_of("profiles", name, "abort_on", number), BAD_VALUE, message)


def _job(name: str, job: JobSettings, config: Config, span_of: SpanOf) -> Iterator[Finding]:
    at: KeyPath = ("jobs", name)
    if not job.destinations and span_of(*at, "destinations") == span_of(*at):  # none written, not: all refused
        message = (
            f'{section(at)}has no destinations; write [[destinations]] and below it endpoint = "NAME" or group = …'
        )
        yield error(span_of(*at), MISSING, message)
    yield from _known(job.source.endpoint, (*at, "source", "endpoint"), config.endpoints, "endpoint", span_of)
    yield from _known(job.settings.profile, (*at, "settings", "profile"), config.profiles, "profile", span_of)
    for number, one in enumerate(job.destinations):
        place = (*at, "destinations", number)
        yield from _known(one.endpoint, (*place, "endpoint"), config.endpoints, "endpoint", span_of)
        yield from _known(one.group, (*place, "group"), config.groups, "group", span_of)
        yield from _known(one.profile, (*place, "profile"), config.profiles, "profile", span_of)


def _known(name: str | None, path: KeyPath, known: Iterable[str], what: str, span_of: SpanOf) -> Iterator[Finding]:
    if name is not None and name not in known:
        message = f"{section(path[:-1])}there is no {what} {name!r}; {suggestion(name, known)}"
        yield error(span_of(*path), REFERENCE, message)
