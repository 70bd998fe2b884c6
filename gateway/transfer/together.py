"""Many small files through DESIGN §4 side by side: each step for all of them, each commit shared by all.

The steps and their order are those of one file.  Whatever does not go smoothly for a file makes it leave the others
at once, in the state that the ledger has: `deliver` begins it, or `resume_delivery` brings it on, by itself, and says
what was wrong.  So nothing here decides anything that settle and the plain steps decide.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from gateway.config.schema import Verify
from gateway.core.errors import GatewayError, NotThere
from gateway.core.model import Entry
from gateway.endpoints.base import BulkSource, BulkTarget, Endpoint, Laid, Small, Whole
from gateway.language.nodes import Taken
from gateway.ledger import Connection, Ledger, deliveries_bulk
from gateway.ledger.deliveries import notes_text
from gateway.ledger.deliveries_bulk import Wanted
from gateway.ledger.delivery_row import DeliveryRow, State, changed_delivery
from gateway.transfer import naming
from gateway.transfer.bounded import answered, cleaned, result_of
from gateway.transfer.intend import first_partial
from gateway.transfer.intent import Hooks, Intent
from gateway.transfer.send import TIME_REFUSED, make_folders
from gateway.transfer.verify import Proof, plan_proof
from gateway.transfer.way import noted_values, told_at

T = TypeVar("T")
SMALL_BYTES = 64 * 1024
"""The largest file that is held in memory whole."""


def fits(intent: Intent) -> bool:
    """True for a small file that takes its name as most do; all others go by themselves."""
    special = intent.inplace or intent.awaits_answer or intent.zip or intent.unzip or intent.member_of
    plain = intent.mode is Taken.REPLACE and intent.verify is not Verify.READBACK and not special
    return plain and intent.stamp.size_bytes <= SMALL_BYTES


class Turn(Protocol):
    """When files that follow each other may take their names; as `InLine`, for all of them at once."""

    async def before_placing(self) -> None:
        """Return when it may be recorded that they take their names."""
        ...

    async def before_rename(self) -> None:
        """Return when their renames may be sent."""
        ...

    def renames_sent(self) -> None:
        """Their renames are sent before anything else happens."""
        ...


@dataclass(slots=True, eq=False)
class Aboard:
    """One file on its way with others; `number` is its place in the command."""

    number: int
    intent: Intent
    row: DeliveryRow | None = None
    whole: Whole | None = None
    before: Entry | None = None
    laid: Laid | None = None
    proved: Mapping[str, Any] = field(default_factory=dict)
    """The columns of `placing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What the caller lends.  `target` is the session whose `to` is asked; `turns` parts files that may go at once.

    `left` takes a file that is to be brought on by itself, `delivered` one that is delivered: at once, on the loop.
    """

    source: BulkSource
    to: BulkTarget
    target: Endpoint
    ledger: Ledger
    owner: int
    hooks: Hooks
    turns: Callable[[Sequence[int]], Sequence[tuple[slice, Turn]]]
    left: Callable[[Aboard], None]
    delivered: Callable[[DeliveryRow, Aboard], None]


@dataclass(slots=True)
class Together:
    """One journey.  `carry` ends when each file was handed to `left` or `delivered`."""

    lent: Lent
    files: Sequence[Aboard]
    _aboard: dict[int, Aboard] = field(init=False)

    def __post_init__(self) -> None:
        self._aboard = {file.number: file for file in self.files}

    async def carry(self) -> None:
        """Bring them as far as they go together.  An error that isn't one file's makes all that are left leave."""
        try:
            await self._carry()
        except GatewayError:
            self._leave(list(self._aboard.values()))
        except BaseException as exc:
            await self._give_back(exc)
            raise

    async def _carry(self) -> None:
        await self._read()
        await self._look()
        await self._intend()
        proof = plan_proof(self._all[0].intent, self.lent.target.features) if self._all else None
        if proof is None:
            return
        await self._lay()
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
            if file.row is not None:
                self.lent.ledger.active.discard(file.row.id)
            self.lent.left(file)

    # 1, with the source read before anything is recorded of it: that is no byte of the peer's yet.

    async def _read(self) -> None:
        """Only what is read as the very version that was judged stays aboard."""
        paths = [file.intent.source for file in self._all]
        proof = plan_proof(self._all[0].intent, self.lent.target.features)
        algorithms = frozenset({"sha256", *proof.algorithms})
        read = await self.lent.source.read_all(paths, most_bytes=SMALL_BYTES, algorithms=algorithms)
        for file, whole in zip(self._all, read, strict=True):
            if isinstance(whole, Whole) and _is_judged(whole, file.intent):
                file.whole = whole
            else:
                self._leave([file])

    async def _look(self) -> None:
        """What stands under the final names."""
        found = await self._asked(lambda: self.lent.to.stat_all([file.intent.final for file in self._all]))
        for file, entry in zip(self._all, found, strict=True):
            if isinstance(entry, Entry):
                file.before = entry
            elif not isinstance(entry, NotThere):
                self._leave([file])

    async def _intend(self) -> None:
        """▣ intended."""
        lent, files = self.lent, self._all
        if not files:
            return
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

    async def _lay(self) -> None:
        """Lay them down; where a folder is missing that may be made, once more."""
        missing = await self._lay_some(self._all)
        again = [file for file in missing if file.intent.make_dirs]
        folders = {naming.split(_row(file).partial)[0].rstrip("/") for file in again} - {""}
        for folder in sorted(folders):
            await make_folders(self.lent.target, folder)
        still = await self._lay_some(again) if folders else again
        self._leave([file for file in missing if not file.intent.make_dirs] + still)

    async def _lay_some(self, files: Sequence[Aboard]) -> list[Aboard]:
        """Those whose folder is missing; what fails otherwise leaves."""
        if not files:
            return []
        keeps_time = self.lent.target.features.set_mtime
        parcels = [
            Small(_row(file).partial, _whole(file).data, file.intent.mtime_ns if keeps_time else None) for file in files
        ]
        missing = []
        for file, laid in zip(files, await self.lent.to.lay_all(parcels), strict=True):
            if isinstance(laid, NotThere):
                missing.append(file)
            elif isinstance(laid, GatewayError) or not _is_whole(laid, file):
                self._leave([file])
            else:
                file.laid = laid
        return missing

    async def _prove(self, proof: Proof) -> None:
        """Sizes were seen with the laying; a hash is asked for where one proves it."""
        if proof.algorithm is None:
            return
        files = self._all
        asked = (self.lent.target.remote_hash(_row(file).partial, proof.algorithm) for file in files)
        digests = await asyncio.gather(*asked, return_exceptions=True)
        for file, digest in zip(files, digests, strict=True):
            if isinstance(digest, BaseException) and not isinstance(digest, GatewayError):
                raise digest
            if digest != _whole(file).digests[proof.algorithm]:
                self._leave([file])

    # 5 to 7.

    async def _place(self, files: Sequence[Aboard], turn: Turn, proof: Proof) -> None:
        """▣ placing, the renames, ▣ delivered."""
        await turn.before_placing()
        for file in files:
            file.proved = _proved(file, proof)
        each = partial(
            deliveries_bulk.advance_each,
            found=[_row(file).id for file in files],
            source=State.INTENDED,
            target=State.PLACING,
            values=[file.proved for file in files],
        )
        files = await self._advanced(files, each)
        await turn.before_rename()
        turn.renames_sent()  # nothing comes between this and the call: it sends before it waits
        names = [(_row(file).partial, _row(file).final) for file in files]
        refused = await self._asked(lambda: self.lent.to.rename_all(names))
        there = [file for file, error in zip(files, refused, strict=True) if error is None]
        self._leave([file for file, error in zip(files, refused, strict=True) if error is not None])
        await self._delivered([file for file in there if file.intent.remove_source], State.DELIVERED)
        await self._delivered([file for file in there if not file.intent.remove_source], State.DONE)

    async def _delivered(self, files: Sequence[Aboard], target: State) -> None:
        """▣ delivered, and with it `done` where nothing is left to do at the source; those to collect leave."""
        now = self.lent.ledger.now_ns()
        over = {"delivered_at": now, "error": None, "error_class": None, "next_at": None, "placed": "same"}
        values = over if target is State.DELIVERED else {**over, "finished_at": now, "owner": None}
        before = [_row(file) for file in files]
        after = [changed_delivery(_row(file), target, {**file.proved, **values}) for file in files]
        there = await self._advanced(
            files, partial(_there, before=before, after=after, values=values, hooks=self.lent.hooks)
        )
        rows = {row.id: row for row in after}
        for file in there:
            file.row = rows[_row(file).id]
        if target is State.DELIVERED:
            self._leave(there)
        else:
            self._done(there)

    def _done(self, files: Sequence[Aboard]) -> None:
        for file in files:
            del self._aboard[file.number]
            self.lent.ledger.active.discard(_row(file).id)
            self.lent.delivered(_row(file), file)

    async def _advanced(self, files: Sequence[Aboard], work: Callable[[Connection], list[bool]]) -> list[Aboard]:
        """Those whose state was changed; the others leave."""
        if not files:
            return []
        moved = await answered(self.lent.ledger.submit(work))
        self._leave([file for file, done in zip(files, moved, strict=True) if not done])
        return [file for file, done in zip(files, moved, strict=True) if done]

    # The end.

    async def _asked(self, call: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """Nothing is asked for nobody."""
        return await call() if self._aboard else []

    async def _give_back(self, error: BaseException) -> None:
        """We are stopped: the deliveries are nobody's, in the state that they have."""
        rows = [file.row.id for file in self._aboard.values() if file.row is not None]
        work = partial(
            deliveries_bulk.release_all,
            found=rows,
            owner=self.lent.owner,
            error="it was stopped",
            error_class=type(error).__name__,
        )
        if rows:
            await cleaned(self.lent.ledger.write(work))
        self.lent.ledger.active.difference_update(rows)


def _row(file: Aboard) -> DeliveryRow:
    assert file.row is not None, "it was intended"
    return file.row


def _whole(file: Aboard) -> Whole:
    assert file.whole is not None, "it was read"
    return file.whole


def _is_judged(whole: Whole, intent: Intent) -> bool:
    """2 and 3: what was opened, and what stands there after its last byte, is the version that was judged."""
    return whole.opened.same_version(intent.stamp) and whole.after.same_version(intent.stamp)


def _is_whole(laid: Laid, file: Aboard) -> bool:
    """4: the peer shows the size that was sent."""
    sent = len(_whole(file).data)
    return laid.size_bytes == sent and laid.seen is not None and laid.seen.stamp.size_bytes == sent


def _proved(file: Aboard, proof: Proof) -> dict[str, Any]:
    """The columns of `placing`."""
    laid = file.laid
    assert laid is not None, "it was laid down"
    notes = (TIME_REFUSED,) if laid.time_taken is False else ()
    return {
        "size": len(_whole(file).data),
        "sha256": _whole(file).digests["sha256"],
        "verified": proof.name,
        "notes": notes_text(_row(file).notes + notes),
        **noted_values(laid.seen.stamp if laid.seen else None),
    }


def _intended(
    connection: Connection, *, wanted: Sequence[Wanted], lent: Lent, at: int, name_bytes_max: int
) -> list[DeliveryRow | GatewayError]:
    def named(found: int, intent: Intent) -> str:
        return first_partial(intent, intent.final, found, lent.ledger.mark, name_bytes_max)

    rows = deliveries_bulk.intend_all(connection, wanted, owner=lent.owner, at=at, name_partial=named)
    for row in rows:
        if lent.hooks.intended is not None and isinstance(row, DeliveryRow):
            lent.hooks.intended(connection, row)
    return rows


def _there(
    connection: Connection,
    *,
    before: Sequence[DeliveryRow],
    after: Sequence[DeliveryRow],
    values: Mapping[str, Any],
    hooks: Hooks,
) -> list[bool]:
    target = after[0].state
    moved = deliveries_bulk.advance_alike(connection, [row.id for row in after], State.PLACING, target, values)
    for was, row, done in zip(before, after, moved, strict=True):
        for hook in told_at(hooks, was, target) if done else ():
            hook(connection, row)
    return moved
