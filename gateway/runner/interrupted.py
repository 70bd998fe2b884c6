"""What a killed process left of a command: begun deliveries go on by their ids, ended ones are not done again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.core import errors
from gateway.core.errors import GatewayError
from gateway.ledger import deliveries
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.runner.jobs import Ended, Job
from gateway.runner.run import Run
from gateway.transfer.intent import Intent

_GOES_ON = frozenset(OPEN) - {State.AWAITING}
_FAILED = (State.FAILED, State.PARKED)


@dataclass(frozen=True, slots=True)
class Work:
    """The files of a command that are to be carried, in order, and those that ended before the process did."""

    jobs: Sequence[Job]
    earlier: Sequence[Ended] = ()


async def begun(run: Run, number: int) -> Mapping[str, DeliveryRow]:
    """By source, the deliveries of a command that was interrupted; none for any other."""
    if run.resumed != number:
        return {}
    rows = await run.services.ledger.read(partial(deliveries.of_run, run=run.id, command=number))
    return {row.intent.source: row for row in rows if row.intent.parent is None}


def work_of(intents: Sequence[Intent], rows: Mapping[str, DeliveryRow]) -> Work:
    """New deliveries for what has none yet, in the order of the frozen list."""
    jobs = [Job(intent.n, intent) for intent in intents if intent.source not in rows]
    jobs += [Job(row.intent.n, row.intent, row.id) for row in rows.values() if row.state in _GOES_ON]
    earlier = [_ended(row) for row in rows.values() if row.state not in _GOES_ON]
    return Work(sorted(jobs, key=lambda job: job.n), earlier)


def _ended(row: DeliveryRow) -> Ended:
    error = recalled(row.error_class, row.error) if row.state in _FAILED else None
    return Ended(Job(row.intent.n, row.intent, row.id), row, error)


def recalled(error_class: str | None, text: str | None) -> GatewayError:
    """An error as the ledger kept it: its class where that is one of ours."""
    kind = getattr(errors, error_class or "", GatewayError)
    is_ours = isinstance(kind, type) and issubclass(kind, GatewayError)
    return (kind if is_ours else GatewayError)(text or "it failed before the gateway ended")
