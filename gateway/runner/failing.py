"""What is recorded of a file that was not delivered, in one commit: its end, the hold on its source, the reaction."""

from gateway.core.errors import FolderRefused, GatewayError, NoSpace, Retryable
from gateway.endpoints.trouble import NotYet
from gateway.ledger import Connection, deliveries, job_deliveries, sources
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import LedgerFull
from gateway.ledger.sources import Failure
from gateway.runner.instance import Instance
from gateway.runner.jobs import is_failure
from gateway.runner.reaction_rows import react_to_failure
from gateway.transfer.intent import Intent


def record_failure(
    connection: Connection,
    instance: Instance | None,
    intent: Intent,
    delivery: int | None,
    error: GatewayError,
    at: int,
) -> DeliveryRow | None:
    """`failed` is said only of what is still `intended`; what may have been placed stays for settle."""
    row = deliveries.get(connection, delivery) if delivery is not None else None
    if row is not None and row.state is State.INTENDED:
        row = deliveries.fail(connection, row.id, str(error), type(error).__name__, at)
    if intent.share is not None and not error.concerns_endpoint and (row is None or row.state is State.FAILED):
        job_deliveries.note_failed(
            connection, intent, intent.share, row.id if row is not None else None, str(error), at
        )
    if not is_failure(error) or (row is not None and row.state is not State.FAILED):
        return row
    if row is not None and instance is not None:
        react_to_failure(connection, row, instance, error, at)
    if intent.holds_back and (not error.concerns_endpoint or lacks_space(error)):
        _hold_back(connection, intent, error, row, at)
    return row


def rests(error: GatewayError) -> bool:
    """True if what has ended a run is of no single file: what is left would fail, too, and some day doesn't."""
    return lacks_space(error) or isinstance(error, FolderRefused)


def lacks_space(error: GatewayError) -> bool:
    """True where a file found no room, there or here: smaller ones may, and nobody knows when it will."""
    if isinstance(error, NotYet):
        return error.last_class == NoSpace.__name__
    return isinstance(error, NoSpace) and not isinstance(error, LedgerFull)


def _hold_back(connection: Connection, intent: Intent, error: GatewayError, row: DeliveryRow | None, at: int) -> None:
    """Until its next time this version of the source makes nothing due; parked at once if only a person can help."""
    failure = Failure(
        error=str(error),
        error_class=type(error).__name__,
        parks=not isinstance(error, Retryable | FolderRefused),
        delivery=row.id if row is not None else None,
    )
    sources.hold_back(connection, intent.action, intent.command, intent.source, intent.stamp, failure, at)
