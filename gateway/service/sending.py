"""A file on its way, and how much of it is there."""

from dataclasses import dataclass

from gateway.ledger import Connection, job_moving
from gateway.ledger.delivery_row import DeliveryRow


@dataclass(frozen=True, slots=True)
class Sending:
    """`sent_bytes` are there; the row says of how many, since when, and in which attempt."""

    row: DeliveryRow
    sent_bytes: int

    def rate(self, now_ns: int) -> float | None:
        """Bytes a second since it began; None where an earlier attempt may have brought some of them."""
        took_s = (now_ns - self.row.started_at) / 1e9
        return self.sent_bytes / took_s if took_s > 0 and self.row.attempts == 1 else None


def sending(connection: Connection) -> tuple[Sending, ...]:
    """Every file that is under way for longer than a moment."""
    return tuple(Sending(row, count) for row, count in job_moving.under_way(connection))
