"""Step 8 of DESIGN §4 for files that go together: -DEL by the rules of `collect`, as far as it goes smoothly."""

from collections.abc import Sequence

from gateway.endpoints.base import Claim
from gateway.transfer import naming
from gateway.transfer.aboard import Aboard, Lent
from gateway.transfer.collect import claim_path
from gateway.transfer.sentbox import kept_path


async def collected(lent: Lent, files: Sequence[Aboard]) -> dict[int, str | None]:
    """By their numbers those whose source is gone, and where it is kept.

    The others are as `collect` finds them after a kill: their source, its claim or a newer file stands there.
    """
    claims = {file.number: _claim(lent, file) for file in files if not file.intent.markers}
    if not claims:
        return {}
    answers = await lent.takes.collect_all(list(claims.values()))
    ends = zip(claims.items(), answers, strict=True)
    return {number: claim.kept for (number, claim), error in ends if error is None}


def _claim(lent: Lent, file: Aboard) -> Claim:
    intent, row, bytes_max = file.intent, file.row, lent.source.features.name_bytes_max
    made = naming.token(lent.ledger.mark, row.id, 0)
    kept = None if intent.sentbox is None else kept_path(intent.sentbox, row.id, intent.source, bytes_max)
    return Claim(intent.source, claim_path(intent.source, made, bytes_max), intent.stamp, kept)
