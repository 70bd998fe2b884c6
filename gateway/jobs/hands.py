"""What a run's loop has done for it; each may be called again after a kill, at any moment of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.endpoints.base import Endpoint
from gateway.jobs.model import Job
from gateway.jobs.underway import Underway
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import TriggerState
from gateway.runner.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The frozen source."""

    manifest: int
    hashed_files: int = 0
    kept_hashes: int = 0
    bytes_read: int = 0
    notes: tuple[str, ...] = ()


class Hands(Protocol):
    """The work of a run."""

    def source(self, services: Services, job: Job) -> Endpoint:
        """What all destinations of a run read from."""
        ...

    async def prepare(self, under: Underway) -> Prepared:
        """before_indexing, collecting, index.  Raises GatewayError; a Retryable one is tried again."""
        ...

    async def carry(self, under: Underway, endpoint: str) -> None:
        """One try to bring everything to a destination, arrows included; raises nothing but a cancel."""
        ...

    async def after_all(self, under: Underway, places: Sequence[PlaceRow], place: str) -> TriggerState:
        """after_all at a place ("" is the source), at most once for a run.  Raises GatewayError: tried again later."""
        ...

    async def clean(self, under: Underway) -> str:
        """after_success at the source; "done" or "none".  Raises GatewayError where it can't be."""
        ...

    def commands(self, under: Underway, places: Sequence[PlaceRow]) -> Mapping[str, bool]:
        """By place ("" is the source), whether after_all has a command there."""
        ...
