"""Paths of jobs: tags put in, what a path means at an endpoint, and whether two places overlap."""

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.schema import EndpointSettings, Scheme
from gateway.endpoints.place import from_settings
from gateway.language.macros import uses_file
from gateway.language.pattern import is_literal, split_path
from gateway.runner.targets import join_remote

_TAG = re.compile(r"\{([^{}]*)\}")


class BadPath(ValueError):
    """A path that a job can't use; says what to write instead."""


def with_tags(path: str, tags: Mapping[str, str], endpoint: str) -> str:
    """`/in/{country}` with the endpoint's tag put in.  Raises BadPath for one that it lacks."""
    missing = next((name for name in _TAG.findall(path) if name not in tags), None)
    if missing is not None:
        has = f"it has {', '.join(sorted(tags))}" if tags else "it has no tags"
        raise BadPath(
            f"{path!r} asks for the tag {missing!r}, which {endpoint} lacks ({has}); "
            f'write tags = {{ {missing} = "…" }} there'
        )
    return _TAG.sub(lambda match: tags[match[1]], path)


def plain_folder(path: str) -> str:
    """A folder as it is compiled: no pattern, no macro of a file, no separator at the end.  Raises BadPath."""
    try:
        parts = split_path(path)
    except ValueError as problem:
        raise BadPath(f"{path!r}: {problem}") from None
    bad = next((part for part in parts if not is_literal(part)), None)
    if bad is not None:
        raise BadPath(f"{path!r} holds the pattern {bad!r}; a job distributes one folder: write its plain name")
    if uses_file(path):
        raise BadPath(f"{path!r} holds a macro that names one file; a job keeps the names of the source")
    if "\n" in path or ("'" in path and '"' in path):
        raise BadPath(f"{path!r} holds both kinds of quote, or a line end, which no script can say; rename the folder")
    return path.rstrip("/") or ("/" if path else "")


def base_of(settings: EndpointSettings, root: Path) -> str:
    """Where relative paths of an endpoint start: `/pos` from the server's root, `~/in` from the login folder."""
    bare = settings.model_copy(update={"known_hosts": None})
    return from_settings("", bare, lambda _: "", root).folder


def place_of(settings: EndpointSettings, folder: str, root: Path) -> str:
    """`folder` of an endpoint from the server's root or the login folder, macros still in it."""
    return join_remote(base_of(settings, root), folder) if folder else base_of(settings, root)


def command_folder(settings: EndpointSettings, place: str) -> str:
    """`place` for a command there, which starts in the login folder: "" is that folder."""
    if settings.scheme is Scheme.FILE:
        return place
    return place.removeprefix("~").lstrip("/") if place.startswith("~") else place


def overlaps(one: str, other: str) -> bool:
    """True if one of two places is the other, or lies in it."""
    first, second = _parts(one), _parts(other)
    shared = min(len(first), len(second))
    return first[:shared] == second[:shared]


def _parts(place: str) -> list[str]:
    return [part for part in place.split("/") if part not in ("", ".")] if place.startswith("/") else place.split("/")
