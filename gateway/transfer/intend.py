"""Step 1 of DESIGN §4: what is going to happen is recorded before the first remote byte."""

from collections.abc import Iterable
from functools import partial

from gateway.core.clock import Clock
from gateway.core.errors import NameTaken, PathRefused
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Taken
from gateway.ledger import Connection, Ledger, deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import FinalBusy
from gateway.ledger.inheritance import inherit
from gateway.ledger.stamps import stamp_columns
from gateway.transfer import naming
from gateway.transfer.append import append
from gateway.transfer.bounded import answered, cleaned, result_of
from gateway.transfer.inplace import write_inplace
from gateway.transfer.intent import Caller, Intent
from gateway.transfer.kept import resumable
from gateway.transfer.place import hold_for_name, name_taken
from gateway.transfer.resume import send_rest
from gateway.transfer.same import same_content
from gateway.transfer.send import make_folders, same_source
from gateway.transfer.verify import sha256_of
from gateway.transfer.way import Way, entry_at, not_a_file, stamp_at
from gateway.transfer.zip import pack


async def intend(
    intent: Intent,
    source: Endpoint,
    target: Endpoint,
    ledger: Ledger,
    clock: Clock,
    owner: int,
    caller: Caller,
) -> Way:
    """▣ intended.  Raises SourceBusy or FinalBusy."""
    if intent.mode is Taken.APPEND and intent.unzip is None:
        await caller.before_placing()  # what appends is visible from its first byte
    for final in _names(intent, target):
        before = await _standing(intent, target, final)
        if before is not None and _is_unique(intent):
            continue
        recorded = partial(
            _record,
            intent=intent,
            final=final,
            before=before.stamp if before is not None else None,
            owner=owner,
            at=ledger.now_ns(),
            mark=ledger.mark,
            name_bytes_max=target.features.name_bytes_max,
            caller=caller,
            inherits=resumable(intent, source.features, target.features),
        )
        try:
            row = await _recorded(ledger, recorded, owner)
        except FinalBusy:
            if intent.mode is Taken.UNIQUE:
                continue
            raise
        if caller.on_intended is not None:
            caller.on_intended(row)
        return Way(row, source, target, ledger, clock, owner, caller, in_the_way=_in_the_way(intent, before))
    raise NameTaken(f"{intent.final}: every name is taken")


def _in_the_way(intent: Intent, before: Entry | None) -> PathRefused | None:
    """What is no file is never replaced.  Bytes that go into what stands there displace nothing; folders take none."""
    is_folder = before is not None and before.kind is Kind.FOLDER
    if intent.unzip is not None or ((intent.inplace or intent.mode is Taken.APPEND) and not is_folder):
        return None
    return not_a_file(before)


def _is_unique(intent: Intent) -> bool:
    return intent.mode is Taken.UNIQUE and intent.unzip is None


def _names(intent: Intent, target: Endpoint) -> Iterable[str]:
    """The final names to try; only -UNI has more than one."""
    return naming.free_names(intent.final, target.features.name_bytes_max) if _is_unique(intent) else (intent.final,)


async def _standing(intent: Intent, target: Endpoint, name: str) -> Entry | None:
    """What stands under a name; some peers refuse to say so in a folder that is missing, drop folders always."""
    try:
        return await entry_at(target, name)
    except PathRefused:
        if intent.inplace and intent.mode is Taken.REPLACE:
            return None  # whatever stands there is written over
        folder = naming.split(name)[0].rstrip("/")
        if not intent.make_dirs or not folder:
            raise
    await make_folders(target, folder)
    return await entry_at(target, name)


async def _recorded(ledger: Ledger, work: "partial[DeliveryRow]", owner: int) -> DeliveryRow:
    """The commit goes to its end; a cancel meanwhile gives the delivery back, as nobody heard of it."""
    await ledger.may_take()
    taken = ledger.submit(work)
    try:
        return await answered(taken)
    except BaseException:
        row = result_of(taken)
        if row is not None:
            release = partial(
                deliveries.release,
                found=row.id,
                owner=owner,
                error="it was stopped",
                error_class="CancelledError",
                swept=True,
            )
            await cleaned(ledger.write(release))
        raise


def _record(
    connection: Connection,
    *,
    intent: Intent,
    final: str,
    before: Stamp | None,
    owner: int,
    at: int,
    mark: str,
    name_bytes_max: int,
    caller: Caller,
    inherits: bool,
) -> DeliveryRow:
    def partial_of(found: int) -> str:
        if intent.inplace or intent.mode is Taken.APPEND or intent.unzip is not None:
            return ""
        return first_partial(intent, final, found, mark, name_bytes_max)

    offset = (before.size_bytes if before else 0) if intent.mode is Taken.APPEND else None
    row = deliveries.intend(
        connection, intent, final=final, before=before, offset=offset, owner=owner, at=at, name_partial=partial_of
    )
    if inherits:
        row = inherit(connection, row)
    if caller.also.intended is not None:
        caller.also.intended(connection, [row])
    return row


def first_partial(intent: Intent, final: str, found: int, mark: str, name_bytes_max: int) -> str:
    """Where the bytes of a new delivery go, by its id."""
    return naming.partial_path(intent.partial, final, naming.token(mark, found, 1), name_bytes_max)


async def start(way: Way) -> None:
    """2 to 5, by the rule for names that are taken."""
    if way.in_the_way is not None:
        way.swept = not way.inherited
        raise way.in_the_way
    if way.intent.mode is Taken.APPEND:
        await append(way)
    elif way.intent.inplace:
        await write_inplace(way)
    elif not await _stopped_by_name(way):
        await (send_rest(way) if way.intent.zip is None else pack(way))


async def _stopped_by_name(way: Way) -> bool:
    """True if the file need not, or can't, be sent because of what stands under its name."""
    if way.intent.mode not in (Taken.HOLD, Taken.FAIL) or await stamp_at(way.target, way.row.final) is None:
        return False
    if way.intent.mode is Taken.FAIL:
        raise name_taken(way)
    if way.intent.zip is not None:
        await hold_for_name(way)
        return True
    await same_source(way)
    if await same_content(way):
        await _count_as_delivered(way)
    else:
        await hold_for_name(way)
    return True


async def _count_as_delivered(way: Way) -> None:
    await way.delivered(
        size=way.intent.stamp.size_bytes,
        sha256=await sha256_of(way.target, way.row.final),
        verified="hash",
        placed="same",
        notes=way.noted("equal content stood there already; nothing was sent"),
    )


async def go_on_if_free(way: Way, *, by_operator: bool) -> bool:
    """held -> intended once the reason is gone; False while it is not."""
    for_name = way.row.error_class == NameTaken.__name__
    if not for_name and not by_operator:
        return False
    before = await stamp_at(way.target, way.row.final)
    if for_name and before is not None and not await same_content(way):
        return False
    await way.move(State.INTENDED, error=None, error_class=None, owner=way.owner, **stamp_columns("before", before))
    return True
