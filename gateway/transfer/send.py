"""Steps 2 to 5 of DESIGN §4: the bytes go beside the final name, are counted, hashed and verified."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from gateway.core.errors import (
    AlreadyThere,
    FolderRefused,
    GatewayError,
    LinkLost,
    NeedsOperator,
    NotThere,
    PathRefused,
    Retryable,
    SourceChanged,
)
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint, Laid
from gateway.endpoints.wrap import close_iterator
from gateway.ledger.delivery_row import State
from gateway.transfer import naming
from gateway.transfer.bounded import Progress, progressing
from gateway.transfer.kept import breaks_off, resumable
from gateway.transfer.tally import Tally
from gateway.transfer.verify import Proof, plan_proof, prove
from gateway.transfer.way import Way, noted_values, stamp_at

_LITTLE_BYTES = 1024 * 1024
"""Sent sooner than looked at."""

TIME_REFUSED = "the peer does not let us set the time of the file"
_RUN_REFUSED = "the peer does not let us make the file executable"
Beside = tuple[Stamp | None, Proof, Tally, list[str]]


async def from_zero(way: Way) -> Beside:
    """2 to 4: the whole source, into a new partial."""
    proof = plan_proof(way.intent, way.target.features)
    known = None
    if way.intent.stamp.size_bytes > _LITTLE_BYTES or resumable(way.intent, way.source.features, way.target.features):
        seen = await same_source(way)  # spares sending much in vain; the look that counts comes after the bytes
        known = way.intent.sha256 if seen.untouched_since(way.intent.stamp) else None
    tally = Tally.knowing(known, *proof.algorithms)
    laid = await transmit(way, way.row.partial, tally, mtime_ns=wanted_time(way))
    seen = await same_source(way)
    if known is not None and not seen.untouched_since(way.intent.stamp):
        raise SourceChanged(f"{way.intent.source}: it was touched while it was sent; it is judged anew")
    notes = [*await give_time(way, way.row.partial, laid), *await let_run(way, way.row.partial)]
    stamp = await prove(way.target, way.row.partial, proof, tally.size_bytes, tally.hex, way.intent, laid.seen)
    return stamp, proof, tally, notes


async def send(way: Way, beside: Callable[[Way], Awaitable[Beside]] = from_zero) -> None:
    """Bring the bytes beside the final name, and record that they may take it."""
    try:
        stamp, proof, tally, notes = await beside(way)
        as_promised(way, tally)
        await (way.in_line or way.caller).before_placing()
        await way.move(
            State.PLACING,
            size=tally.size_bytes,
            sha256=tally.hex("sha256"),
            verified=proof.name,
            notes=way.noted(*notes),
            **noted_values(stamp),
        )
    except BaseException as exc:
        kept = breaks_off(exc) and resumable(way.intent, way.source.features, way.target.features)
        if not way.placing and not kept:
            await way.forget_partial()
        raise


async def transmit(way: Way, path: str, tally: Tally, *, mtime_ns: int | None = None) -> Laid:
    """2: stream the source into `path`, once; what is known of it after that."""
    async with progressing(way.clock, way.intent.timeout, way.intent.source) as progress:
        laid = await _write(way, path, tally, progress, mtime_ns)
    await tally.settled()
    if laid.size_bytes != tally.size_bytes:
        raise LinkLost(
            f"{path}: {tally.size_bytes} bytes were given, the peer took {laid.size_bytes}; it is sent again"
        )
    if tally.size_bytes != way.intent.stamp.size_bytes:
        await same_source(way)
        raise Retryable(
            f"{way.intent.source}: {tally.size_bytes} bytes were read where {way.intent.stamp.size_bytes} stand, "
            "as if that were its end; it is sent again"
        )
    return laid


async def _write(way: Way, path: str, tally: Tally, progress: Progress, mtime_ns: int | None) -> Laid:
    try:
        return await _write_once(way, path, tally, progress, mtime_ns)
    except NotThere as exc:
        folder = naming.split(path)[0]
        if not way.intent.make_dirs or tally.size_bytes or not folder:
            raise NeedsOperator(f"{folder or path}: this folder is missing; make it, or set make_dirs = true") from exc
    await make_folders(way.target, folder.rstrip("/"))
    return await _write_once(way, path, tally, progress, mtime_ns)


async def _write_once(way: Way, path: str, tally: Tally, progress: Progress, mtime_ns: int | None) -> Laid:
    blocks = blocks_of(way, tally, progress)
    try:
        return await way.target.lay(path, blocks, mtime_ns=mtime_ns)
    except PathRefused as exc:
        if way.unreadable or path != way.row.partial:
            raise
        raise FolderRefused(str(exc)) from exc
    finally:
        await blocks.aclose()


async def make_folders(endpoint: Endpoint, folder: str) -> None:
    """Make a folder and those above it; one that somebody else makes at the same moment is fine."""
    try:
        await endpoint.mkdir(folder)
    except AlreadyThere:
        return
    except NotThere:
        above = naming.split(folder)[0].rstrip("/")
        if not above:
            raise
        await make_folders(endpoint, above)
        await make_folders(endpoint, folder)


async def blocks_of(way: Way, tally: Tally, progress: Progress, offset: int = 0) -> AsyncGenerator[bytes, None]:
    """The source's bytes from `offset` as they are read, counted and hashed on the way."""
    blocks = way.source.read(way.intent.source, offset)
    try:
        while (block := await _next(blocks, way.intent.source)) is not None:
            await tally.add(block)
            yield block
            progress.made()
            way.caller.on_progress(tally.size_bytes)
    except PathRefused:
        way.unreadable = True
        raise
    finally:
        await close_iterator(blocks)


async def _next(blocks: AsyncIterator[bytes], source: str) -> bytes | None:
    """A source that vanishes is not a target that is missing."""
    try:
        return await anext(blocks, None)
    except NotThere as exc:
        raise SourceChanged(f"{source}: it vanished while it was read; nothing was delivered") from exc


async def same_source(way: Way) -> Stamp:
    """2 and 3: what stands under the source's name, which is what was judged.  Raises SourceChanged."""
    now = await stamp_at(way.source, way.intent.source)
    if now is None:
        raise SourceChanged(f"{way.intent.source}: it vanished before it was sent; nothing was delivered")
    if not now.same_version(way.intent.stamp):
        raise SourceChanged(f"{way.intent.source}: it changed since it was judged; it is judged anew")
    return now


def as_promised(way: Way, tally: Tally) -> None:
    """What was sent is what was promised, whatever its stamp says.  Raises SourceChanged."""
    if way.intent.promised not in (None, tally.hex("sha256")):
        raise SourceChanged(
            f"{way.intent.source}: its content changed, though not its size and time; it is judged anew"
        )


def wanted_time(way: Way) -> int | None:
    """The mtime to ask for, where the peer can be asked."""
    return way.intent.mtime_ns if way.target.features.set_mtime else None


async def give_time(way: Way, path: str, laid: Laid) -> list[str]:
    """Ask for the source's mtime; a refusal is one warning."""
    wanted = wanted_time(way)
    if wanted is None:
        return []
    taken = await _granted(way.target.set_mtime(path, wanted)) if laid.time_taken is None else laid.time_taken
    return [] if taken else [TIME_REFUSED]


async def let_run(way: Way, path: str) -> list[str]:
    """The executable bit, where the source has it; a refusal is one warning."""
    if not way.intent.executable:
        return []
    return [] if await _granted(way.target.let_run(path)) else [_RUN_REFUSED]


async def _granted(wish: Awaitable[bool]) -> bool:
    """False where the peer refuses it, in whatever words."""
    try:
        return await wish
    except NotThere:
        return True  # the proof finds out, and says what to do
    except GatewayError as exc:
        if exc.concerns_endpoint:
            raise
        return False
