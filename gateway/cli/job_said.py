"""What a new job's keys are called by whoever makes it: options, or steps of the questions, in place of a line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.cli.job_draft import Draft
from gateway.config.lines import KeyPath
from gateway.core.model import Span

Saying = Callable[[Draft, KeyPath], str]
"""The name of a key of a draft, for people; "" for the job as a whole."""

STEPS = ("Kind", "Name", "Source", "Destinations", "Commands", "Schedule", "Settings")
_STEP_OF = {
    "description": "Name",
    "hash": "Name",
    "source": "Source",
    "destinations": "Destinations",
    "groups": "Destinations",
    "triggers": "Commands",
    "schedule": "Schedule",
    "settings": "Settings",
}


@dataclass(frozen=True, slots=True)
class Spoken(Span):
    """What stands in no file yet: shown as it was said."""

    def __str__(self) -> str:
        return self.file


def by_steps(_: Draft, path: KeyPath) -> str:
    """`step 4 (Destinations)`."""
    title = _STEP_OF.get(str(path[0]), "") if path else ""
    return f"step {STEPS.index(title) + 1} ({title})" if title else ""


def by_options(draft: Draft, path: KeyPath) -> str:
    """`--to shops:in`."""
    head, rest = (str(path[0]), path[1:]) if path else ("", ())
    if head == "source":
        return f"--source {draft.endpoint}:{draft.path}" if draft.endpoint else f"--source {draft.path}"
    if head == "destinations":
        one = draft.destinations[int(rest[0])] if rest else None
        return (f"--to {one.name}:{one.path}" if one.path else f"--to {one.name}") if one is not None else "--to"
    if head == "groups":
        return f"--group {rest[0]}" if rest else "--group"
    if head == "triggers" and rest:
        return _command(draft, str(rest[0]), rest[1:])
    if head == "schedule":
        return _value(draft, str(rest[0]), rest[1:]) if rest else f"--repeat {draft.repeat}"
    if head == "settings":
        return _value(draft, str(rest[0]), ()) if rest else ""
    return _value(draft, head, ()) if head in ("description", "hash") else ""


def _command(draft: Draft, moment: str, rest: KeyPath) -> str:
    option = f"--{moment.replace('_', '-')}"
    own = draft.of(moment)
    if rest[:1] == ("at",):
        return f"{option}-at {next((one.at for one in own if one.at), '')}"
    one = next((one for one in own if rest[:1] == (one.platform,)), own[0])
    return f"{option} '{'' if one.platform == 'linux' else one.platform + '='}{one.line}'"


def _value(draft: Draft, key: str, rest: KeyPath) -> str:
    value = getattr(draft, key)
    if isinstance(value, tuple):
        value = value[int(rest[0])] if rest else " ".join(value)
    return f"--{'day' if key == 'days' else key} {value}"


def spoken_spans(draft: Draft, saying: Saying) -> Mapping[KeyPath, Span]:
    """By the path of each key in the configuration, what it is called."""
    spans: dict[KeyPath, Span] = {("jobs", draft.name): Spoken("", 1, 1, 1)}
    for path in _paths(draft.tree()):
        spans["jobs", draft.name, *path] = Spoken(saying(draft, path), 1, 1, 1)
    for group in draft.groups:
        spans["groups", group.name] = Spoken(saying(draft, ("groups", group.name)), 1, 1, 1)
    return spans


def _paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key of a tree, tables and elements of lists included."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, one in inner:
        yield (*path, key)
        yield from _paths(one, (*path, key))
