"""Where the paths of a script lead: local paths as absolute parts, remote ones below their endpoint.

For checks only, on text alone; the runner resolves paths with the disk at hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.language.nodes import Get, LocalCopy, Put, PutGet, Text, Transfer
from gateway.language.overlap import Area
from gateway.language.parse import Parsed
from gateway.language.pattern import ends_as_folder, split_path, split_source
from gateway.language.rules_paths import names_each_file, takes_many
from gateway.language.world import EndpointFacts, World

HERE = ""


@dataclass(frozen=True, slots=True)
class Located:
    """An area on one machine: `place` is "" for this one, else the endpoint's name."""

    place: str
    area: Area


@dataclass(frozen=True, slots=True)
class Bound:
    """One action at one endpoint (None: it names none)."""

    parsed: Parsed
    endpoint: str | None
    facts: EndpointFacts | None
    root: str

    @property
    def name(self) -> str:
        """The instance's name, for messages."""
        name = self.parsed.action.name
        return name if self.endpoint in (None, self.parsed.settings.endpoint) else f"{name}@{self.endpoint}"


def bindings(parsed: Parsed, world: World) -> Iterator[Bound]:
    """The instances of a script; none where its endpoint is unknown."""
    name = parsed.settings.endpoint
    if name is None:
        yield Bound(parsed, None, None, world.root)
        return
    for member in world.members(name) or ():
        if member in world.endpoints:
            yield Bound(parsed, member, world.endpoints[member], world.root)


def source_of(command: Transfer, bound: Bound) -> Located | None:
    """Where the files of `command` come from; None where the text can't say."""
    folders, token = _split(command.source)
    if isinstance(command, Get):
        return _remote(folders, token, command.recurse, bound)
    base = _inbox(bound) if isinstance(command, LocalCopy) else _outbox(bound)
    return Located(HERE, Area(_local(folders, base, bound), token, command.recurse))


def target_of(command: Transfer, bound: Bound) -> Located | None:
    """Where the files of `command` get their final names; None where the text can't say."""
    token = split_source(command.source.value)[1] if not command.source.value.startswith("%file%") else "*"
    if isinstance(command, LocalCopy) and command.unzip:
        token = "*"
    if isinstance(command, Put | PutGet):
        folders, name = _name(command.target, command, token)
        return _remote(folders, name, command.recurse, bound)
    base = _inbox(bound) if isinstance(command, Get) else _outbox(bound)
    folders, name = _name(command.target, command, token)
    return Located(HERE, Area(_local(folders, base, bound), name, command.recurse))


def _name(target: Text | None, command: Transfer, token: str) -> tuple[tuple[str, ...], str]:
    """The folder's parts and the name that a target gives to the files matched by `token`."""
    if target is None:
        return (), token
    parts = split_path(target.value)
    as_folder = ends_as_folder(target.value) or (takes_many(command) and not names_each_file(target.value))
    if as_folder or not parts:
        return parts, token
    return parts[:-1], parts[-1]


def _split(text: Text) -> tuple[tuple[str, ...], str]:
    return split_source(text.value)


def _remote(folders: tuple[str, ...], token: str, recurse: bool, bound: Bound) -> Located | None:
    if bound.facts is None or bound.endpoint is None:
        return None
    if bound.facts.scheme == "file":
        return Located(HERE, Area(_local(folders, bound.facts.folder, bound), token, recurse))
    # Every remote path starts at the endpoint's folder or at the root: which folder that is, only the peer knows.
    return Located(bound.endpoint, Area(_joined((), folders), token, recurse))


def _local(folders: tuple[str, ...], base: str, bound: Bound) -> tuple[str, ...]:
    if folders and folders[0] in ("%outbox%", "%inbox%"):
        base = _outbox(bound) if folders[0] == "%outbox%" else _inbox(bound)
        folders = folders[1:]
    return _joined(split_path(base), folders)


def _joined(base: tuple[str, ...], folders: tuple[str, ...]) -> tuple[str, ...]:
    """`base` and `folders` with `..` taken out; an absolute `folders` stands alone."""
    whole = folders if folders and folders[0].endswith("/") else (*base, *folders)
    made: list[str] = []
    for part in whole:
        if part == ".." and made and made[-1] != ".." and not made[-1].endswith("/"):
            made.pop()
        else:
            made.append(part)
    return tuple(made)


def _inbox(bound: Bound) -> str:
    return bound.facts.inbox if bound.facts else bound.root


def _outbox(bound: Bound) -> str:
    return bound.facts.outbox if bound.facts else bound.root
