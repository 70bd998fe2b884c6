"""One file from here to there: the order of DESIGN §4, generic over the two ends.

PUT = local -> remote, GET = remote -> local, LCOPY = local -> local.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypedDict

from gateway.core.clock import Clock
from gateway.core.errors import NotThere
from gateway.endpoints.base import Endpoint
from gateway.ledger import Ledger, deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import SourceBusy
from gateway.transfer.archive import ArchiveSource
from gateway.transfer.bounded import answered, cleaned, result_of
from gateway.transfer.collect import finish
from gateway.transfer.intend import go_on_if_free, intend, start
from gateway.transfer.intent import Caller, Delivered, Held, Intent, Outcome, class_of, text_of
from gateway.transfer.place import place, swap_on
from gateway.transfer.resume import go_on
from gateway.transfer.settle import settle
from gateway.transfer.unzip import Sending, unpack
from gateway.transfer.way import Way

_NOBODY = Caller()
_OVER = (State.DONE, State.AWAITING, State.DELETE_FAILED)

_STEPS: dict[State, Callable[[Way], Awaitable[None]]] = {
    State.INTENDED: lambda way: start(way) if way.intent.unzip is None else _unpack(way),
    State.PLACING: place,
    State.SWAPPING: swap_on,
    State.DELIVERED: finish,
}


async def deliver(
    intent: Intent,
    source: Endpoint,
    target: Endpoint,
    *,
    ledger: Ledger,
    clock: Clock,
    owner: int,
    caller: Caller = _NOBODY,
) -> Outcome:
    """Deliver one file: recorded, sent beside its name, verified, renamed once, then the source collected.

    `owner` is our row in the instance table.  Raises SourceBusy or FinalBusy if it can't be intended beside another
    open delivery.  Any other GatewayError leaves the row in a state from which `resume_delivery` goes on: `intended`
    (the caller may say `failed`), `placing` or `swapping` (unsettled), or `delivered` (the source is still there).
    """
    way = await intend(intent, _opened(intent, source, clock), target, ledger, clock, owner, caller)
    return await _owned(way, _take_over if way.inherited else _carry)


async def resume_delivery(
    delivery: int,
    source: Endpoint,
    target: Endpoint,
    *,
    ledger: Ledger,
    clock: Clock,
    owner: int,
    caller: Caller = _NOBODY,
    by_operator: bool = False,
) -> Outcome:
    """Go on with a delivery by its id: settle it first, on sessions made after the last attempt.

    A delivery held for its name goes on once the name is free; one held for a person only with `by_operator`.
    Raises NotThere if it is over, SourceBusy if somebody works on it, else as `deliver`.
    """
    if delivery in ledger.active:
        raise SourceBusy(f"delivery {delivery}: it is under way right now")
    ledger.active.add(delivery)
    try:
        row = await _claimed(ledger, delivery, owner)
    except BaseException:
        ledger.active.discard(delivery)
        raise
    if row is None:
        ledger.active.discard(delivery)
        raise NotThere(f"delivery {delivery}: it is over, or another process works on it")
    way = Way(row, _opened(row.intent, source, clock), target, ledger, clock, owner, caller)
    way.placing = row.state in (State.PLACING, State.SWAPPING)
    return await _owned(way, partial(_resume, by_operator=by_operator))


async def _claimed(ledger: Ledger, delivery: int, owner: int) -> DeliveryRow | None:
    """The delivery, ours from now on; a cancel meanwhile gives it back."""
    claiming = ledger.submit(partial(deliveries.claim, found=delivery, owner=owner))
    try:
        return await answered(claiming)
    except BaseException as exc:
        row = result_of(claiming)
        if row is not None:
            await cleaned(ledger.write(partial(deliveries.release, found=delivery, owner=owner, **_why(row, exc))))
        raise


async def _take_over(way: Way) -> Outcome:
    """Go on with the partial of a delivery that failed."""
    await go_on(way)
    return await _carry(way)


async def _resume(way: Way, *, by_operator: bool) -> Outcome:
    if way.row.state is State.HELD and not await go_on_if_free(way, by_operator=by_operator):
        await _release(way, None)
        return Held(way.row, way.row.error or "")
    if way.row.state is State.INTENDED:
        await go_on(way)
    else:
        await settle(way)
    return await _carry(way)


async def _carry(way: Way) -> Outcome:
    """Step by step until it is over or held: each step leaves the row in the state that names the next one."""
    while way.row.state in _STEPS:
        await _STEPS[way.row.state](way)
    if way.row.state in _OVER:
        return Delivered(way.row)
    return Held(way.row, way.row.error or "")


def _opened(intent: Intent, source: Endpoint, clock: Clock) -> Endpoint:
    """Where the source is read: an entry of an archive is read from it."""
    return source if intent.member_of is None else ArchiveSource(source, intent.member_of, clock)


async def _unpack(way: Way) -> None:
    """-UNZ: the entries are deliveries like any other; they hear what the archive's caller lends."""
    common: _Lent = {
        "ledger": way.ledger,
        "clock": way.clock,
        "owner": way.owner,
        "caller": Caller(also=way.caller.also),
    }
    await unpack(
        way,
        Sending(
            new=lambda intent: deliver(intent, way.source, way.target, **common),
            again=lambda found: resume_delivery(found, way.source, way.target, **common),
        ),
    )


class _Lent(TypedDict):
    ledger: Ledger
    clock: Clock
    owner: int
    caller: Caller


async def _owned(way: Way, work: Callable[[Way], Awaitable[Outcome]]) -> Outcome:
    """Give the delivery back on every way out; why stands in its row."""
    way.ledger.active.add(way.row.id)
    try:
        return await work(way)
    except BaseException as exc:
        await cleaned(_release(way, exc))
        raise
    finally:
        way.ledger.active.discard(way.row.id)


async def _release(way: Way, error: BaseException | None) -> None:
    work = partial(
        deliveries.release,
        found=way.row.id,
        owner=way.owner,
        swept=way.swept and way.row.state is State.INTENDED,
        **_why(way.row, error),
    )
    await way.ledger.write(work)


def _why(row: DeliveryRow, error: BaseException | None) -> "_Why":
    """A held delivery keeps the reason why it is held."""
    if error is None or row.state is State.HELD:
        return {"error": row.error, "error_class": row.error_class}
    return {"error": text_of(error), "error_class": class_of(error)}


class _Why(TypedDict):
    error: str | None
    error_class: str | None
