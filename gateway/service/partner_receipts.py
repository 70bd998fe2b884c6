"""What the ledger says of partners, as programs read it: as `gateway.service.receipts`."""

from datetime import tzinfo

from gateway.core.moments import iso
from gateway.ledger.partner_files import ActRow, Came
from gateway.service.receipts import Receipt

PARTNER_COLUMNS = (
    "id", "kind", "partner", "address", "over", "file", "renamed_to", "size_bytes", "sha256", "state", "started_at",
    "ended_at", "error",
)  # fmt: skip
NOBODY_SERVES = "no gateway serves: it is over, and the next start finds out how it ended"


def act_receipt(row: ActRow, zone: tzinfo, *, is_served: bool) -> Receipt:
    """The fields of `PARTNER_COLUMNS`; where nobody serves no upload is under way."""
    act = row.act
    left = act.state is Came.UNDER_WAY and not is_served
    return {
        "id": row.id,
        "kind": act.kind.value,
        "partner": act.partner or None,
        "address": act.address or None,
        "over": act.over or None,
        "file": act.path or None,
        "renamed_to": act.renamed_to,
        "size_bytes": act.size,
        "sha256": act.sha256,
        "state": (Came.UNKNOWN if left else act.state).value,
        "started_at": iso(act.started_at, zone),
        "ended_at": iso(act.ended_at, zone),
        "error": NOBODY_SERVES if left else act.error,
    }
