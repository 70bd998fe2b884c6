"""What a check knows of everything outside the script: frozen, so that checking is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """One endpoint, as far as a script can be wrong about it.

    `outbox`, `inbox` and `folder` are absolute local folders as text; `folder` is where relative remote paths start
    at a file:// endpoint, "" for others.  `nested_outbox` says that a folder called outbox stands inside the outbox,
    or may.
    """

    scheme: str
    outbox: str = ""
    inbox: str = ""
    folder: str = ""
    exec: bool = False
    raw: bool = False
    nested_outbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The configuration as a script sees it.

    `macros` are the custom ones; `allow` are the programs that SYSTEM may run, each with its fixed leading arguments;
    `root` is the gateway's root as absolute text.
    """

    endpoints: Mapping[str, EndpointFacts] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    macros: frozenset[str] = frozenset()
    allow: tuple[tuple[str, ...], ...] = ()
    root: str = "/"

    def members(self, name: str) -> tuple[str, ...] | None:
        """The endpoints that `@endpoint name` means, None if nothing is called so."""
        if name in self.endpoints:
            return (name,)
        return self.groups.get(name)
