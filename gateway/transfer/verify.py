"""Step 4 of DESIGN §4: what arrived is what was sent."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway.config.schema import Verify
from gateway.core.errors import NeedsOperator, NotThere, PathRefused, VerifyFailed
from gateway.core.model import Entry, Stamp
from gateway.endpoints.base import Endpoint, Features
from gateway.ledger.intent import Intent

_STRENGTH = ("sha256", "sha1", "md5", "crc32")


@dataclass(frozen=True, slots=True)
class Proof:
    """How one file is verified: `name` as the receipt says it, `algorithm` where a digest is asked of the peer."""

    name: str
    algorithm: str | None = None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The digests to compute on the way, besides SHA-256."""
        return () if self.algorithm is None else (self.algorithm,)


def plan_proof(intent: Intent, features: Features) -> Proof:
    """Choose the proof that was asked for and that the peer is able to give.

    `auto` asks a remote peer for a hash; on this machine it would only read the same cache again.
    Raises NeedsOperator where a hash is demanded of a peer that computes none.
    """
    algorithm = able(features)
    if intent.verify in (Verify.NONE, Verify.SIZE, Verify.READBACK):
        return Proof(intent.verify.value)
    if algorithm is not None and (intent.verify is Verify.HASH or intent.place):
        return Proof("hash", algorithm)
    if intent.verify is Verify.HASH and features.exec:
        return Proof("hash", "sha256")  # not probed yet: its shell may know sha256sum
    if intent.verify is Verify.HASH:
        raise NeedsOperator(
            f'{intent.endpoint or "this machine"}: it computes no hashes; set verify = "readback", "auto" or "size"'
        )
    return Proof("size")


def able(features: Features) -> str | None:
    """The strongest checksum that the peer computes and we do, too."""
    return next((name for name in _STRENGTH if name in features.remote_hash), None)


async def prove(
    target: Endpoint,
    path: str,
    proof: Proof,
    size_bytes: int,
    hex_of: Callable[[str], str],
    intent: Intent,
    seen: Entry | None = None,
) -> Stamp | None:
    """Check what stands under `path`; its stamp (None where the peer shows none and no proof is asked).

    `seen` is what was seen there after the close; it is asked for where that is missing.

    Raises VerifyFailed, or NeedsOperator where the peer took the file at its close.
    """
    stamp = seen.stamp if seen is not None else await _look(target, path, proof, intent)
    if proof.name == "none" or stamp is None:
        return stamp
    if stamp.size_bytes != size_bytes:
        raise VerifyFailed(
            f"{path}: {size_bytes} bytes were sent, the peer shows {stamp.size_bytes}; "
            "check its disk space, and whether it converts text files"
        )
    there = await _digest(target, path, proof)
    sent = hex_of(proof.algorithm or "sha256")
    if there is not None and there != sent:
        raise VerifyFailed(
            f"{path}: the bytes that arrived are not those that were sent: {proof.algorithm or 'sha256'} {there} "
            f"where {sent} was sent; check the peer's disk"
        )
    return stamp


async def _look(target: Endpoint, path: str, proof: Proof, intent: Intent) -> Stamp | None:
    try:
        return (await target.stat(path)).stamp
    except NotThere as exc:
        raise NeedsOperator(
            f"{path}: it was gone as soon as it was closed; if this peer takes files at their close, set inplace "
            f"= true for {intent.endpoint or 'it'}; if somebody removes such names there, end that"
        ) from exc
    except PathRefused:
        if proof.name == "none":
            return None
        raise


async def _digest(target: Endpoint, path: str, proof: Proof) -> str | None:
    if proof.name == "readback":
        return await read_digest(target, path)
    if proof.algorithm is None:
        return None
    there = await target.remote_hash(path, proof.algorithm)
    if there is None:
        raise NeedsOperator(
            f'{path}: the peer gave no {proof.algorithm} hash; set verify = "readback", "auto" or "size"'
        )
    return there


async def read_digest(endpoint: Endpoint, path: str) -> str:
    """The SHA-256 of a file, read in full."""
    digest = hashlib.sha256()
    async for block in endpoint.read(path):
        digest.update(block)
    return digest.hexdigest()


async def sha256_of(endpoint: Endpoint, path: str) -> str | None:
    """The SHA-256 of a file as cheaply as the endpoint gives it; None if it can't be read."""
    try:
        if "sha256" in endpoint.features.remote_hash:
            there = await endpoint.remote_hash(path, "sha256")
            if there is not None:
                return there
        return await read_digest(endpoint, path)
    except (NotThere, PathRefused):
        return None
