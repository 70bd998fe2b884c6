"""A delivery as an action: a PUT for each file, and one of the marker last.

The nodes are those that the parser makes of the printed text: what `gateway channel compile` prints is what runs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.channels.model import Channel
from gateway.channels.payload import CantBeSaid, final_text, source_text
from gateway.config.loaded import Loaded
from gateway.core.model import Span
from gateway.language.nodes import Action, Header, Put, Text
from gateway.language.parse import Parsed, parse_action
from gateway.language.show import show
from gateway.runner.actions import instances_of
from gateway.runner.instance import Instance

PREFIX = "channels/"
_RETRIES, _RETRY_DELAY = "3", "10s"
"""Within one delivery: a recipient that is away for a minute gets it all the same."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One file of a delivery: from where to where."""

    source: str
    final: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A delivery as a script.  `notes` are for people."""

    channel: str
    action: Action
    notes: tuple[str, ...] = ()

    @property
    def instance(self) -> str:
        """The name that its runs have in the ledger; no script's name holds a `/`."""
        return instance_name(self.channel)


def instance_name(channel: str) -> str:
    """The name of a channel's runs."""
    return f"{PREFIX}{channel}"


def compiled(channel: Channel, files: Sequence[Sent], notes: Sequence[str] = ()) -> Compiled:
    """The action of one delivery; the marker is the last of its files.  Raises CantBeSaid."""
    puts = tuple(_put(channel.span, one) for one in files)
    action = Action(channel.name, channel.span.file, _headers(channel), puts)
    return Compiled(channel=channel.name, action=action, notes=tuple(notes))


def can_be_said(one: Sent) -> str | None:
    """Why no script can say this, None where one can."""
    try:
        source_text(one.source), final_text(one.final)
    except CantBeSaid as problem:
        return str(problem)
    return None


def show_compiled(one: Compiled) -> str:
    """The script text, with its notes as comments on top."""
    return "".join(f"# {note}\n" for note in one.notes) + show(one.action)


def bound(one: Compiled, loaded: Loaded) -> Instance:
    """The action as the runner takes it, bound to its endpoint."""
    settings = parse_action(show(replace(one.action, commands=one.action.commands[:1])), one.action.path).settings
    digest = hashlib.sha256(show(one.action).encode("utf-8", "surrogateescape")).hexdigest()
    (made,) = instances_of(loaded, Parsed(one.action, settings, ()), digest)
    return replace(made, name=one.instance)


def _put(span: Span, one: Sent) -> Put:
    return Put(span=span, source=Text(source_text(one.source), span), target=Text(final_text(one.final), span))


def _headers(channel: Channel) -> tuple[Header, ...]:
    said = {"endpoint": channel.endpoint, "description": " ".join(channel.description.split())}
    fixed = {"exists": "replace", "empty": "send after 0s", "order": "free"}
    fixed |= {"retries": _RETRIES, "retry_delay": _RETRY_DELAY}
    return tuple(Header(name, value, channel.span, channel.span) for name, value in {**said, **fixed}.items() if value)
