"""What must be remembered of an endpoint that fails, over restarts too: the seam to whoever keeps it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How an endpoint has failed since it last let us in.

    `next_at` is the earliest next login; None: none before somebody changes something (a changed host key before
    `gateway trust`).  `digest` is `Place.digest` of the settings it failed with: other settings are tried at once.
    `error_class` is the name of a class in gateway.core.errors.
    """

    failures: int
    since: datetime
    next_at: datetime | None
    error: str
    error_class: str
    digest: str = ""


class LoginMemory(Protocol):
    """Keeps one Trouble per endpoint."""

    async def recall(self, endpoint: str) -> Trouble | None:
        """What is remembered, None if the endpoint works or was never tried."""
        ...

    async def remember(self, endpoint: str, trouble: Trouble) -> None:
        """Keep it, in place of what was kept."""
        ...

    async def forget(self, endpoint: str) -> None:
        """The endpoint works again, or a person asks for a try."""
        ...

    async def arrive(self, endpoint: str, server: str) -> None:
        """A login at `server` has worked: what was begun at another one is not to be looked for here."""
        ...


class ForgetfulMemory:
    """Keeps them as long as the process lives: for commands of the moment, and for tests."""

    def __init__(self) -> None:
        self.troubles: dict[str, Trouble] = {}

    async def recall(self, endpoint: str) -> Trouble | None:
        """As the protocol says."""
        return self.troubles.get(endpoint)

    async def remember(self, endpoint: str, trouble: Trouble) -> None:
        """As the protocol says."""
        self.troubles[endpoint] = trouble

    async def forget(self, endpoint: str) -> None:
        """As the protocol says."""
        self.troubles.pop(endpoint, None)

    async def arrive(self, endpoint: str, server: str) -> None:
        """As the protocol says; nothing here outlives a server."""
