"""What is recorded of a file that was not delivered, in one commit: its end, the hold on its source, the reaction."""

from gateway.core.errors import GatewayError, Retryable
from gateway.ledger import Connection, deliveries, sources
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.sources import Failure
from gateway.runner.jobs import Ended, Job
from gateway.runner.reaction_rows import react_to_failure
from gateway.runner.run import Run


def record_failure(
    connection: Connection, run: Run, job: Job, delivery: int | None, error: GatewayError
) -> DeliveryRow | None:
    """`failed` is said only of what is still `intended`; what may have been placed stays for settle."""
    at = run.services.ledger.now_ns()
    row = deliveries.get(connection, delivery) if delivery is not None else None
    if row is not None and row.state is State.INTENDED:
        row = deliveries.fail(connection, row.id, str(error), type(error).__name__, at)
    if not Ended(job, row, error).failed or (row is not None and row.state is not State.FAILED):
        return row
    if row is not None:
        react_to_failure(connection, row, run.instance, error, at)
    if not error.concerns_endpoint:
        hold_back(connection, job, error, row, at)
    return row


def hold_back(connection: Connection, job: Job, error: GatewayError, row: DeliveryRow | None, at: int) -> None:
    """Until its next time this version of the source makes nothing due; parked at once if only a person can help."""
    failure = Failure(
        error=str(error),
        error_class=type(error).__name__,
        parks=not isinstance(error, Retryable),
        delivery=row.id if row is not None else None,
    )
    intent = job.intent
    sources.hold_back(connection, intent.action, intent.command, intent.source, intent.stamp, failure, at)
