"""What a run needs from outside, handed over once: no run reaches for anything global."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.config.schema import EndpointSettings
from gateway.core.clock import Clock
from gateway.endpoints.base import Endpoint
from gateway.endpoints.pool import Pool
from gateway.ledger import Ledger

Progress = Callable[[str, int, int], None]
"""Hears a file's name, its size and the bytes sent so far, often."""


def told_nobody(_name: str, _size_bytes: int, _sent_bytes: int) -> None:
    """Nobody follows this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What the configuration says to runs.

    `stable_for_s` is the gateway's value, None for auto; `hidden` are environment variables that hold passwords.
    """

    endpoints: Mapping[str, EndpointSettings]
    allow: tuple[tuple[str, ...], ...]
    macros: Mapping[str, str]
    stable_for_s: float | None
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`owner` is this process's row in the ledger; `local` is this machine's disks, absolute paths only; `linked` shows
    what links lead to, for sources of endpoints whose `follow_links` says so.

    A reload makes a new one: runs under way keep theirs.
    """

    ledger: Ledger
    pool: Pool
    clock: Clock
    local: Endpoint
    linked: Endpoint
    owner: int
    configured: Configured
    progress: Progress = told_nobody

    def sources(self, *, follow_links: bool) -> Endpoint:
        """This machine's disks as sources are read from them."""
        return self.linked if follow_links else self.local
