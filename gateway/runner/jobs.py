"""The files of one command on their way: what is asked for, and what became of each."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.errors import GatewayError, SourceChanged
from gateway.endpoints.base import Endpoint
from gateway.endpoints.lane import Lane
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.errors import SourceBusy
from gateway.runner.order import NotMyTurn
from gateway.transfer.intent import Intent

LEFT_FOR_LATER = (SourceChanged, SourceBusy, NotMyTurn)
"""No failure: the file is judged anew, is under way already, or never had its turn."""


def is_failure(error: GatewayError) -> bool:
    """False for a file that is left for later."""
    return not isinstance(error, LEFT_FOR_LATER)


@dataclass(frozen=True, slots=True)
class Job:
    """One file of a command; `delivery` is set where an interrupted run left it open."""

    n: int
    intent: Intent
    delivery: int | None = None

    @property
    def name(self) -> str:
        """The source's last part."""
        return self.intent.source.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one file in this run; `error` is None where it is delivered."""

    job: Job
    row: DeliveryRow | None
    error: GatewayError | None

    @property
    def failed(self) -> bool:
        """True if somebody should know."""
        return self.error is not None and is_failure(self.error)


@dataclass(frozen=True, slots=True)
class Ends:
    """How a file's two ends follow from a lane: PUT local -> lane, GET lane -> local, LCOPY local -> local."""

    source: Callable[[Lane], Endpoint]
    target: Callable[[Lane], Endpoint]
