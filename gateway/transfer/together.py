"""Many small files through DESIGN §4 side by side: each step for all of them, each commit shared by all.

The steps and their order are those of one file.  Whatever does not go smoothly for a file makes it leave the others
at once, in the state that the ledger has: `deliver` begins it, or `resume_delivery` brings it on, by itself, and says
what was wrong.  So nothing here decides anything that settle and the plain steps decide.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from gateway.core.errors import GatewayError, NotThere, PathRefused
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Laid, Small, Whole
from gateway.ledger import Connection, deliveries_bulk
from gateway.ledger.deliveries import notes_text
from gateway.ledger.deliveries_bulk import Wanted
from gateway.ledger.delivery_row import DeliveryRow, State, changed_delivery
from gateway.transfer import naming
from gateway.transfer.aboard import SMALL_BYTES, Aboard, Lent, Turn
from gateway.transfer.bounded import answered, result_of
from gateway.transfer.collect_together import collected
from gateway.transfer.giving_back import give_back
from gateway.transfer.intend import first_partial
from gateway.transfer.intent import Hooks, Intent
from gateway.transfer.send import TIME_REFUSED, make_folders
from gateway.transfer.verify import Proof, plan_proof
from gateway.transfer.way import noted_values, told_at

T = TypeVar("T")
_Advance = Callable[..., list[bool]]


@dataclass(slots=True)
class Together:
    """One journey.  `carry` ends when each file was handed to `left` or `delivered`, or with what stopped it."""

    lent: Lent
    files: Sequence[Aboard]
    _aboard: dict[int, Aboard] = field(init=False)

    def __post_init__(self) -> None:
        self._aboard = {file.number: file for file in self.files}

    async def carry(self) -> None:
        """Bring them as far as they go together.  An error that isn't one file's makes all that are left leave."""
        try:
            await self._carry(plan_proof(self.files[0].intent, self.lent.target.features))
        except GatewayError:
            self._leave(self._all)
        except BaseException as exc:
            await self._give_back(exc)
            raise

    async def _carry(self, proof: Proof) -> None:
        for step in (partial(self._read, proof), self._look, self._intend, partial(self._lay, proof)):
            await step()
            if not self._aboard:
                return
        await self._prove(proof)
        files = self._all
        for part, turn in self.lent.turns([file.number for file in files]):
            await self._place(files[part], turn, proof)

    @property
    def _all(self) -> list[Aboard]:
        """Those that are still aboard, in order."""
        return list(self._aboard.values())

    def _leave(self, files: Sequence[Aboard]) -> None:
        for file in files:
            del self._aboard[file.number]
            if file.delivery is not None:
                self.lent.ledger.active.discard(file.delivery)
            self.lent.left(file)

    # 1, with the source read before anything is recorded of it: that is no byte of the peer's yet.

    async def _read(self, proof: Proof) -> None:
        """Only what is read as the very version that was judged stays aboard."""
        paths = [file.intent.source for file in self._all]
        algorithms = frozenset({"sha256", *proof.algorithms})
        read = await self.lent.takes.read_all(paths, most_bytes=SMALL_BYTES, algorithms=algorithms)
        for file, whole in zip(self._all, read, strict=True):
            if isinstance(whole, Whole) and _is_judged(whole, file.intent):
                file.whole = whole
            else:
                self._leave([file])

    async def _look(self) -> None:
        """What stands under the final names; some peers refuse to say so in a folder that is missing."""
        refused = await self._look_some(self._all)
        self._leave([file for file in refused if not file.intent.make_dirs])
        again = [file for file in refused if file.intent.make_dirs]
        self._leave(await self._look_some(await self._with_folders(again, lambda file: file.intent.final)))

    async def _look_some(self, files: Sequence[Aboard]) -> list[Aboard]:
        """Those whose names may not be looked at.

        What fails otherwise leaves, and what a rename can't replace: it is moved aside by whoever goes by itself.
        """
        replaces = self.lent.target.features.atomic_replace
        found = await self.lent.lays.stat_all([file.intent.final for file in files]) if files else []
        refused = []
        for file, entry in zip(files, found, strict=True):
            if isinstance(entry, Entry) and replaces and entry.kind is Kind.FILE:
                file.before = entry
            elif isinstance(entry, PathRefused):
                refused.append(file)
            elif not isinstance(entry, NotThere):
                self._leave([file])
        return refused

    async def _intend(self) -> None:
        """▣ intended."""
        lent, files = self.lent, self._all
        await lent.ledger.may_take()
        wanted = [Wanted(file.intent, file.before.stamp if file.before else None) for file in files]
        bytes_max = lent.target.features.name_bytes_max
        work = partial(_intended, wanted=wanted, lent=lent, at=lent.ledger.now_ns(), name_bytes_max=bytes_max)
        for file, row in zip(files, await self._committed(work, files), strict=True):
            if not isinstance(row, DeliveryRow):
                self._leave([file])

    async def _committed(
        self, work: Callable[[Connection], list[DeliveryRow | GatewayError]], files: Sequence[Aboard]
    ) -> list[DeliveryRow | GatewayError]:
        """The commit goes to its end whatever happens; the files then have the rows that it made."""
        moving = self.lent.ledger.submit(work)
        try:
            return await answered(moving)
        finally:
            rows: list[DeliveryRow | GatewayError] = result_of(moving) or []
            for file, row in zip(files, rows, strict=False):
                if isinstance(row, DeliveryRow):
                    file.row = row
                    self.lent.ledger.active.add(row.id)

    # 2 to 4.

    async def _lay(self, proof: Proof) -> None:
        """Lay them down; where a folder is missing that may be made, once more."""
        missing = await self._lay_some(self._all, proof)
        self._leave([file for file in missing if not file.intent.make_dirs])
        again = [file for file in missing if file.intent.make_dirs]
        again = await self._with_folders(again, lambda file: file.row.partial)
        self._leave(await self._lay_some(again, proof))

    async def _with_folders(self, files: Sequence[Aboard], path_of: Callable[[Aboard], str]) -> list[Aboard]:
        """Those whose folder stands now."""
        by_folder = defaultdict[str, list[Aboard]](list)
        for file in files:
            by_folder[naming.split(path_of(file))[0].rstrip("/")].append(file)
        self._leave(by_folder.pop("", []))
        refused = await self._asked([partial(make_folders, self.lent.target, folder) for folder in by_folder])
        for those, error in zip(by_folder.values(), refused, strict=True):
            if isinstance(error, GatewayError):
                self._leave(those)
            elif error is not None:
                raise error
        return [file for file in files if file.number in self._aboard]

    async def _lay_some(self, files: Sequence[Aboard], proof: Proof) -> list[Aboard]:
        """Those whose folder is missing; what fails otherwise leaves."""
        if not files:
            return []
        keeps_time = self.lent.target.features.set_mtime
        parcels = [
            Small(file.row.partial, file.whole.data, file.intent.mtime_ns if keeps_time else None) for file in files
        ]
        missing = []
        for file, laid in zip(files, await self.lent.lays.lay_all(parcels), strict=True):
            if isinstance(laid, Laid):
                file.laid = laid
            elif isinstance(laid, NotThere):
                missing.append(file)
            else:
                self._leave([file])
        there = [file for file in files if file.laid is not None]
        await self._look_again([file for file in there if file.laid is not None and file.laid.seen is None])
        self._leave([file for file in there if not _is_whole(file, proof)])
        return missing

    async def _look_again(self, files: Sequence[Aboard]) -> None:
        """Once more at what was not seen with the laying: some servers look before they have closed."""
        found = await self.lent.lays.stat_all([file.row.partial for file in files]) if files else []
        for file, entry in zip(files, found, strict=True):
            if file.laid is not None and isinstance(entry, Entry) and entry.kind is Kind.FILE:
                file.laid = replace(file.laid, seen=entry)

    async def _prove(self, proof: Proof) -> None:
        """Sizes were seen with the laying; a hash is asked for where one proves it."""
        if proof.algorithm is None:
            return
        files = self._all
        hashed = self.lent.target.remote_hash
        digests = await self._asked([partial(hashed, file.row.partial, proof.algorithm) for file in files])
        for file, digest in zip(files, digests, strict=True):
            if isinstance(digest, BaseException) and not isinstance(digest, GatewayError):
                raise digest
            if digest != file.whole.digests[proof.algorithm]:
                self._leave([file])

    async def _asked(self, calls: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T | BaseException]:
        """What each says or raises: all at once where the session carries that, since a call's time begins with it."""
        if self.lent.target.features.concurrent:
            return await asyncio.gather(*(call() for call in calls), return_exceptions=True)
        return [(await asyncio.gather(call(), return_exceptions=True))[0] for call in calls]

    # 5 to 7.

    async def _place(self, files: Sequence[Aboard], turn: Turn, proof: Proof) -> None:
        """▣ placing, the renames, ▣ delivered, and what comes after that."""
        await turn.before_placing()
        for file in files:
            file.proved = _proved(file, proof)
        each = partial(
            deliveries_bulk.advance_each,
            found=[file.row.id for file in files],
            source=State.INTENDED,
            target=State.PLACING,
            values=[file.proved for file in files],
        )
        files = await self._advanced(files, each)
        await turn.before_rename()
        turn.renames_sent()  # nothing comes between this and the call: it sends before it waits
        there = await self._renamed(files)
        await self._collect(await self._delivered([file for file in there if file.intent.remove_source]))
        self._done(await self._delivered([file for file in there if not file.intent.remove_source], State.DONE))

    async def _renamed(self, files: Sequence[Aboard]) -> list[Aboard]:
        """Those that have their names; what has become of the others is for settle."""
        names = [(file.row.partial, file.row.final) for file in files]
        refused = await self.lent.lays.rename_all(names) if names else []
        self._leave([file for file, error in zip(files, refused, strict=True) if error is not None])
        return [file for file, error in zip(files, refused, strict=True) if error is None]

    async def _delivered(self, files: Sequence[Aboard], target: State = State.DELIVERED) -> list[Aboard]:
        """▣ delivered, and with it `done` where nothing is left to do at the source."""
        now = self.lent.ledger.now_ns()
        values = {"delivered_at": now, "error": None, "error_class": None, "next_at": None, "placed": "same"}
        if target is State.DONE:
            values |= {"finished_at": now, "owner": None}
        after = [changed_delivery(file.row, target, {**file.proved, **values}) for file in files]
        return await self._told(
            files, after, partial(deliveries_bulk.advance_alike, source=State.PLACING, values=values)
        )

    async def _collect(self, files: Sequence[Aboard]) -> None:
        """8, ▣ done; a source that is not as it was sent is looked at by itself."""
        kept = await collected(self.lent, files)
        self._leave([file for file in files if file.number not in kept])
        files = [file for file in files if file.number in kept]
        values: dict[str, Any] = {"finished_at": self.lent.ledger.now_ns(), "owner": None}
        values |= {"error": None, "error_class": None}
        each = [{**values, "sent_as": kept[file.number]} for file in files]
        after = [changed_delivery(file.row, State.DONE, one) for file, one in zip(files, each, strict=True)]
        done = partial(deliveries_bulk.advance_each, source=State.DELIVERED, values=each)
        self._done(await self._told(files, after, done))

    async def _told(self, files: Sequence[Aboard], after: Sequence[DeliveryRow], advance: _Advance) -> list[Aboard]:
        """Those that `advance` has made what `after` says; who hears of it was told in the same commit."""
        before = [file.row for file in files]
        moved = await self._advanced(
            files, partial(_told, before=before, after=after, advance=advance, hooks=self.lent.hooks)
        )
        rows = {row.id: row for row in after}
        for file in moved:
            file.row = rows[file.row.id]
        return moved

    def _done(self, files: Sequence[Aboard]) -> None:
        for file in files:
            del self._aboard[file.number]
            self.lent.ledger.active.discard(file.row.id)
            self.lent.delivered(file.row, file)

    async def _advanced(self, files: Sequence[Aboard], work: Callable[[Connection], list[bool]]) -> list[Aboard]:
        """Those whose state was changed; the others leave."""
        if not files:
            return []
        moved = await answered(self.lent.ledger.submit(work))
        self._leave([file for file, done in zip(files, moved, strict=True) if not done])
        return [file for file, done in zip(files, moved, strict=True) if done]

    # The end.

    async def _give_back(self, error: BaseException) -> None:
        """We are stopped."""
        rows = [file.delivery for file in self._aboard.values() if file.delivery is not None]
        try:
            await give_back(self.lent.ledger, self.lent.owner, rows, error)
        finally:
            self.lent.ledger.active.difference_update(rows)


def _is_judged(whole: Whole, intent: Intent) -> bool:
    """2 and 3: what was opened, and what stands there after its last byte, is the version that was judged."""
    is_same = whole.opened.same_version(intent.stamp) and whole.after.same_version(intent.stamp)
    return is_same and intent.promised in (None, whole.digests["sha256"])


def _is_whole(file: Aboard, proof: Proof) -> bool:
    """4: the peer shows the size that was sent; any, where no proof is asked."""
    laid, sent = file.laid, len(file.whole.data)
    if laid is None or laid.seen is None or laid.size_bytes != sent:
        return False
    return proof.name == "none" or laid.seen.stamp.size_bytes == sent


def _proved(file: Aboard, proof: Proof) -> dict[str, Any]:
    """The columns of `placing`."""
    laid = file.laid
    assert laid is not None, "it was laid down"
    notes = (TIME_REFUSED,) if laid.time_taken is False else ()
    return {
        "size": len(file.whole.data),
        "sha256": file.whole.digests["sha256"],
        "verified": proof.name,
        "notes": notes_text(file.row.notes + notes),
        **noted_values(laid.seen.stamp if laid.seen else None),
    }


def _intended(
    connection: Connection, *, wanted: Sequence[Wanted], lent: Lent, at: int, name_bytes_max: int
) -> list[DeliveryRow | GatewayError]:
    def named(found: int, intent: Intent) -> str:
        return first_partial(intent, intent.final, found, lent.ledger.mark, name_bytes_max)

    rows = deliveries_bulk.intend_all(connection, wanted, owner=lent.owner, at=at, name_partial=named)
    begun = [row for row in rows if isinstance(row, DeliveryRow)]
    if lent.hooks.intended is not None and begun:
        lent.hooks.intended(connection, begun)
    return rows


def _told(
    connection: Connection,
    *,
    before: Sequence[DeliveryRow],
    after: Sequence[DeliveryRow],
    advance: _Advance,
    hooks: Hooks,
) -> list[bool]:
    target = after[0].state
    moved = advance(connection, found=[row.id for row in after], target=target)
    told = [row for row, done in zip(after, moved, strict=True) if done]
    for hook in told_at(hooks, before[0], target) if told else ():  # all were in one state
        hook(connection, told)
    return moved
