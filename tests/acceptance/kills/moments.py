"""When to kill: drawn beforehand from a seed, spread over the whole life of a process and of a delivery."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.acceptance.kills.lookout import Sign

ROUTES_WATCHED = 4
"""A kill that waits for a sign waits for it on so many routes."""


@dataclass(frozen=True)
class Kind:
    """A sort of moment: `share` of all, up to `most_s` after the process began, served, or a sign came."""

    name: str
    share: int
    most_s: float
    sign: str | None = None
    routes: tuple[str, ...] = ()
    serves: bool = False


_REMOTE = ("send", "post", "unique", "append", "append_ftp", "fetch", "collect", "ask")
_LOCAL = ("zip", "bundle", "unpack")
_LARGE = ("send", "post", "fetch", "collect")
_SHOWN = tuple(name for name in (*_REMOTE, *_LOCAL) if not name.startswith("append"))

KINDS = (
    Kind("as it starts", 8, 0.2),
    Kind("as it settles", 15, 0.4, serves=True),
    Kind("anywhere", 15, 1.5, serves=True),
    Kind("as a file travels", 16, 0.012, "partial", (*_REMOTE, *_LOCAL)),
    Kind("as a large file travels", 12, 0.02, "large partial", _LARGE),
    Kind("as a name is taken", 18, 0.004, "arrived", _SHOWN),
    Kind("as a source is claimed", 10, 0.003, "claimed", (*_REMOTE, *_LOCAL)),
    Kind("as a source goes", 6, 0.003, "collected", (*_REMOTE, *_LOCAL)),
)

AIMED = tuple(kind for kind in KINDS if kind.name in ("as a file travels", "as a name is taken"))
"""These find deliveries between their intent and their final name."""


@dataclass(frozen=True)
class Moment:
    """One kill to come."""

    kind: Kind
    signs: frozenset[Sign]
    """Any of these; none: the beginning."""
    after_s: float
    fresh: bool
    """The process is started from nothing; else in a nursery."""


def plan(chance: random.Random, kills: int, kinds: Sequence[Kind] = KINDS, fresh: float = 0.1) -> list[Moment]:
    """As many as are wanted."""
    return [_draw(chance, kinds, fresh) for _ in range(kills)]


def _draw(chance: random.Random, kinds: Sequence[Kind], fresh: float) -> Moment:
    kind = chance.choices(kinds, [kind.share for kind in kinds])[0]
    watched = chance.sample(kind.routes, min(ROUTES_WATCHED, len(kind.routes)))
    signs = frozenset(Sign(route, kind.sign) for route in watched if kind.sign)
    is_fresh = chance.random() < fresh
    importing = 4 if is_fresh and not kind.serves and not signs else 1  # it takes that much longer to start
    return Moment(kind, signs, chance.uniform(0, kind.most_s * importing), is_fresh)
