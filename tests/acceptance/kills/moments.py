"""When to kill: drawn beforehand from a seed, spread over the whole life of a process and of a delivery."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.acceptance.kills.lookout import Lookout, Sign

PATIENCE_S = 1.5
"""So long is waited for a sign; then the kill comes all the same."""


@dataclass(frozen=True)
class Kind:
    """A sort of moment: `share` of all, up to `most_s` after the process began, or after a sign came."""

    name: str
    share: int
    most_s: float
    sign: str | None = None
    routes: tuple[str, ...] = ()


_REMOTE = ("send", "post", "unique", "append", "append_ftp", "fetch", "collect", "ask")
_LOCAL = ("zip", "bundle", "unpack")
_LARGE = ("send", "post", "fetch", "collect")
_SHOWN = tuple(name for name in (*_REMOTE, *_LOCAL) if not name.startswith("append"))

KINDS = (
    Kind("while starting and settling", 18, 0.5),
    Kind("anywhere", 18, 1.5),
    Kind("as a file travels", 18, 0.012, "partial", (*_REMOTE, *_LOCAL)),
    Kind("as a large file travels", 12, 0.02, "large partial", _LARGE),
    Kind("as a name is taken", 18, 0.004, "arrived", _SHOWN),
    Kind("as a source is claimed", 10, 0.003, "claimed", (*_REMOTE, *_LOCAL)),
    Kind("as a source goes", 6, 0.003, "collected", (*_REMOTE, *_LOCAL)),
)


@dataclass(frozen=True)
class Moment:
    """One kill to come."""

    kind: Kind
    sign: Sign | None
    after_s: float
    fresh: bool
    """The process is started from nothing; else in a nursery."""

    def wait(self, lookout: Lookout) -> None:
        """Until it has come.  Called as the process begins."""
        if self.sign is not None:
            lookout.wait_for(self.sign, PATIENCE_S)
        time.sleep(self.after_s)


def plan(chance: random.Random, kills: int, kinds: Sequence[Kind] = KINDS, fresh: float = 0.1) -> list[Moment]:
    """As many as are wanted."""
    return [_draw(chance, kinds, fresh) for _ in range(kills)]


def _draw(chance: random.Random, kinds: Sequence[Kind], fresh: float) -> Moment:
    kind = chance.choices(kinds, [kind.share for kind in kinds])[0]
    sign = Sign(chance.choice(kind.routes), kind.sign) if kind.sign else None
    after_s, is_fresh = chance.uniform(0, kind.most_s), chance.random() < fresh
    return Moment(kind, sign, after_s + (0.6 if is_fresh and sign is None else 0.0), is_fresh)
