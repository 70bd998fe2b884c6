"""What a transfer that broke leaves behind, and when it is worth keeping.  Pure."""

import asyncio
from dataclasses import dataclass

from gateway.core.errors import LinkLost, PeerBusy
from gateway.endpoints.base import Features
from gateway.language.nodes import Taken
from gateway.ledger.intent import Intent
from gateway.transfer.verify import Proof

LEAST_BYTES = 8 * 1024 * 1024
"""Less than this is sent again sooner than it is compared."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A partial to go on with.

    `offset`: in front of it all bytes were answered.  `digest` is the far side's own SHA-256 of them, None where it
    computes none.  `proof` is how the whole is verified in the end; `whole` is the checksum that a source on the
    far side is asked for, too: a hash of what arrived says nothing of what should have.
    """

    offset: int
    digest: str | None
    proof: Proof
    whole: str | None = None


def resumable(intent: Intent, source: Features, target: Features) -> bool:
    """True if the file is large, both ends start anywhere in it, and it has a partial."""
    plain = not (intent.inplace or intent.zip or intent.unzip or intent.member_of) and intent.mode is not Taken.APPEND
    return plain and intent.stamp.size_bytes >= LEAST_BYTES and source.resume and target.resume


def breaks_off(error: BaseException) -> bool:
    """True for what ends a transfer without saying anything about its bytes."""
    return isinstance(error, (LinkLost, PeerBusy, asyncio.CancelledError))


def safe_offset(there_bytes: int, whole_bytes: int, window_bytes: int) -> int:
    """Where to go on; 0 is from zero.

    What was under way at the break lies within one window: in front of it nothing is missing.
    """
    offset = there_bytes - window_bytes
    return offset if offset >= LEAST_BYTES and there_bytes <= whole_bytes else 0
