"""Steps 6 and 7 of DESIGN §4: the partial takes the final name, once; whatever is unclear is settled."""

from gateway.core.errors import AlreadyThere, GatewayError, NameTaken, NeedsOperator, NotThere, PathRefused, Retryable
from gateway.core.model import Entry
from gateway.language.nodes import Taken
from gateway.ledger.delivery_row import State
from gateway.ledger.errors import FinalBusy
from gateway.ledger.stamps import stamp_columns
from gateway.transfer import naming
from gateway.transfer.append import append_on
from gateway.transfer.intent import Unsettled
from gateway.transfer.same import same_content
from gateway.transfer.send import make_folders
from gateway.transfer.settle import Step, remove_partial, settle
from gateway.transfer.way import Way, entry_at, not_a_file, removed, stamp_at

_NAMES_TRIED = 10_000


async def place(way: Way) -> None:
    """6: rename once.  A peer that answers "not there" is looked at; one that refuses is given up on."""
    if way.intent.mode is Taken.APPEND:
        await append_on(way)
        return
    if way.intent.archive is not None and await stamp_at(way.target, way.row.final) is not None:
        await swap(way)
        return
    try:
        await _rename(way)
    except AlreadyThere:
        await _taken(way)
        return
    except NotThere as exc:
        if await settle(way) is Step.RENAME:
            raise Unsettled(
                f"{way.row.final}: the peer shows {way.row.partial} and says it isn't there when it is to be renamed; "
                "look whether its folder can be written"
            ) from exc
        return
    except (NeedsOperator, Retryable) as exc:
        if exc.concerns_endpoint:
            raise
        await _refused(way, exc)
    await way.delivered(placed="same")


async def _refused(way: Way, error: GatewayError) -> None:
    """The peer has answered that it doesn't rename; many say no more than "failure" of a folder in the way.  Raises."""
    in_the_way = await _in_the_way(way)
    if in_the_way is None and isinstance(error, Retryable):
        raise error
    await give_up(way)
    raise in_the_way or _named(way, error) from error


def _named(way: Way, error: GatewayError) -> GatewayError:
    """A refusal with what can be set where the peer lets nobody rename, whatever the name."""
    if not isinstance(error, PathRefused):
        return error
    return PathRefused(f"{error}; where nobody may rename, set inplace = true for {way.intent.endpoint or 'it'}")


async def _in_the_way(way: Way) -> PathRefused | None:
    """What has our name and can't be replaced, while our partial waits for it."""
    if await stamp_at(way.target, way.row.partial) is None:
        return None
    return not_a_file(await entry_at(way.target, way.row.final))


async def _rename(way: Way) -> None:
    """The one call, by the rule for names that are taken."""
    row, target = way.row, way.target
    if way.in_line is not None:
        await way.in_line.before_rename()
        try:
            await target.ready()  # here: those behind would not wait for the login, and the last to come would be first
        finally:
            way.in_line.rename_sent()  # nothing comes between this and the call: it sends before it waits
    if way.intent.mode is Taken.REPLACE:
        await target.rename(row.partial, row.final)
    elif target.features.rename_noreplace:
        await target.rename_noreplace(row.partial, row.final)
    elif target.features.atomic_replace:
        # This peer's rename replaces, so the look comes first; what arrives between the two is replaced.
        if await stamp_at(target, row.final) is not None:
            raise AlreadyThere(f"{row.final}: something stands there")
        await target.rename(row.partial, row.final)
    else:
        await target.rename(row.partial, row.final)


async def _taken(way: Way) -> None:
    """Something stands under the final name, and our rename was answered with it.

    It may be ours: some peers look at the new name first, and a dead session's rename may have come to its end.
    """
    if await stamp_at(way.target, way.row.partial) is None:
        await settle(way)
        return
    match way.intent.mode:
        case Taken.UNIQUE:
            await _next_name(way)
        case Taken.REPLACE:
            await swap(way)
        case Taken.HOLD if await same_content(way):
            await way.delivered(placed="same", notes=way.noted("equal content stood there already"))
            await remove_partial(way)
        case Taken.HOLD:
            await give_up(way)
            await hold_for_name(way)
        case _:
            await give_up(way)
            raise name_taken(way)


async def give_up(way: Way) -> None:
    """First recorded, then removed: from now on the partial is nobody's."""
    await way.move(State.INTENDED)
    await way.forget_partial()


async def hold_for_name(way: Way) -> None:
    """-DEL never replaces other content: wait until somebody took the old file."""
    await way.hold(str(name_taken(way)), NameTaken.__name__)


def name_taken(way: Way) -> NameTaken:
    """What to say of a name that other content has."""
    say = "-UNI or -APE" if way.intent.zip is not None else "-UNI, -APE or @exists replace"
    return NameTaken(f"{way.row.final}: another file stands there; move it away, or say {say} in the script")


async def _next_name(way: Way) -> None:
    """-UNI: the next free name, `▣ placing` again; the same partial takes it."""
    names = naming.free_names(way.intent.final, way.target.features.name_bytes_max)
    tried = 0
    for name in names:
        if name == way.row.final:
            break
    for name in names:
        tried += 1
        if tried > _NAMES_TRIED:
            break
        if await stamp_at(way.target, name) is not None:
            continue
        try:
            await way.move(State.PLACING, final=name, **stamp_columns("before", None))
        except FinalBusy:
            continue
        return
    await give_up(way)
    raise NameTaken(f"{way.intent.final}: the next {_NAMES_TRIED} names are taken, too; clear the folder")


async def swap(way: Way) -> None:
    """Where a rename doesn't replace: final -> backup, partial -> final, delivered; the backup goes after that."""
    if way.intent.replace == "refuse":
        await give_up(way)
        raise name_taken(way)
    before = await entry_at(way.target, way.row.final)
    if await stamp_at(way.target, way.row.partial) is None:
        await settle(way)  # what stands there is ours
        return
    await _refuse_others(way, before)
    backup = await _kept_as(way)
    await way.move(State.SWAPPING, backup=backup, **stamp_columns("before", before.stamp if before else None))


async def _refuse_others(way: Way, there: Entry | None) -> None:
    """Only a file is moved aside: a folder holds what nobody asked us to touch.  Raises PathRefused."""
    in_the_way = not_a_file(there)
    if in_the_way is not None:
        await give_up(way)
        raise in_the_way


async def _kept_as(way: Way) -> str:
    """Where the old final goes: beside the new one for a moment, or for good into the archive."""
    kept = way.intent.archive
    if kept is None:
        longest = way.target.features.name_bytes_max
        return naming.partial_path(naming.BACKUP_TEMPLATE, way.row.final, way.made, longest)
    await make_folders(way.target, naming.split(kept)[0].rstrip("/"))
    return kept if await stamp_at(way.target, kept) is None else f"{kept}.{way.made}"


async def swap_on(way: Way) -> None:
    """Take a swap from where it is to its end.  Looks before each rename: the names tell how far it got."""
    row, target = way.row, way.target
    if row.backup is None or await stamp_at(target, row.backup) is None:
        await _aside(way, row.backup or "")
    try:
        await target.rename(row.partial, row.final)
    except NotThere as exc:
        if await settle(way) is Step.RENAME:
            raise Unsettled(f"{row.final}: the peer can't rename {row.partial}, which it shows; look there") from exc
        return
    await way.delivered(placed="same", backup=row.backup)


async def _aside(way: Way, backup: str) -> None:
    await _refuse_others(way, await entry_at(way.target, way.row.final))
    try:
        await way.target.rename(way.row.final, backup)
    except NotThere:
        return  # taken meanwhile: the name is free


async def drop_backup(way: Way) -> None:
    """After `delivered`: the old final goes, unless it is archived."""
    if way.row.backup is not None and way.intent.archive is None:
        await removed(way.target, way.row.backup)
