"""A delivery under way: its row, its two ends, and the one way in which its state changes."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.core.clock import Clock
from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Taken
from gateway.ledger import Connection, Ledger, deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.stamps import stamp_columns
from gateway.transfer import naming
from gateway.transfer.bounded import answered, cleaned, result_of
from gateway.transfer.intent import Also, Caller, Hooks, InLine, Intent
from gateway.transfer.kept import Kept


@dataclass(slots=True)
class Way:
    """What the steps of one delivery share.  `row` is always what the ledger says last."""

    row: DeliveryRow
    source: Endpoint
    target: Endpoint
    ledger: Ledger
    clock: Clock
    owner: int
    caller: Caller
    placing: bool = field(default=False)
    """`placing` is recorded, or may be: nobody but settle touches the partial."""

    swept: bool = field(default=False)
    """The partial is gone for sure."""

    kept: Kept | None = field(default=None)
    """The partial of an earlier attempt that this one goes on with."""

    unreadable: bool = field(default=False)
    """It was the source that refused us."""

    in_the_way: PathRefused | None = field(default=None)
    """What stood under the final name when this was intended, if it can't be replaced."""

    @property
    def intent(self) -> Intent:
        """What was asked for."""
        return self.row.intent

    @property
    def in_line(self) -> InLine | None:
        """The turn to send the rename, where the peer carries renames out in the order in which they come."""
        ordered = self.intent.mode is Taken.REPLACE and self.target.features.ordered_renames
        return self.caller.in_line if ordered else None

    @property
    def made(self) -> str:
        """What makes the names of this start ours alone."""
        return naming.token(self.ledger.mark, self.row.id, self.row.starts)

    @property
    def inherited(self) -> bool:
        """True if the partial is that of an earlier delivery."""
        return bool(self.row.partial) and self.made not in self.row.partial

    async def move(self, target: State, **values: Any) -> None:
        """Commit a change of state; a cancel meanwhile is raised after it, with `row` right."""
        if target in (State.PLACING, State.SWAPPING):
            self.placing = True  # before the commit: its answer may be lost
        work = partial(
            _move, row=self.row, target=target, values=values, also=told_at(self.caller.also, self.row, target)
        )
        moving = self.ledger.submit(work)
        try:
            await answered(moving)
        finally:
            self._moved(result_of(moving))

    def _moved(self, row: DeliveryRow | None) -> None:
        """What is committed; None leaves all as it was feared to be."""
        if row is not None:
            self.row = row
            self.placing = row.state in (State.PLACING, State.SWAPPING)

    async def delivered(self, **values: Any) -> None:
        """7, and with it 9 where nothing is left to do at the source."""
        now = self.ledger.now_ns()
        values = {"delivered_at": now, "error": None, "error_class": None, "next_at": None, **values}
        if self.intent.remove_source or self.row.backup or "backup" in values:
            await self.move(State.DELIVERED, **values)
        else:
            await self.ended(**values)

    async def ended(self, **values: Any) -> None:
        """9: nothing is left to do, but to await an answer."""
        end = State.AWAITING if self.intent.awaits_answer else State.DONE
        finished = None if self.intent.awaits_answer else self.ledger.now_ns()
        await self.move(end, **{"finished_at": finished, "owner": None, "error": None, "error_class": None, **values})

    async def hold(self, reason: str, error_class: str, **values: Any) -> None:
        """Wait for a person, or for the name to get free."""
        await self.move(State.HELD, error=reason, error_class=error_class, owner=None, **values)

    def noted(self, *notes: str) -> str:
        """The notes column with `notes` added."""
        added = tuple(note for note in notes if note not in self.row.notes)
        return deliveries.notes_text(self.row.notes + added)

    async def forget_partial(self) -> None:
        """Remove the partial after an error; best effort."""
        self.swept = await cleaned(removed(self.target, self.row.partial))


def told_at(hooks: Hooks, row: DeliveryRow, target: State) -> tuple[Also, ...]:
    """Who hears of a change of state; a delivery that ends with its delivery is told both."""
    before_its_end = row.delivered_at is None and target in (State.DONE, State.AWAITING)
    found = {
        State.DELIVERED: (hooks.delivered,),
        State.DONE: (hooks.delivered, hooks.done) if before_its_end else (hooks.done,),
        State.AWAITING: (hooks.delivered,) if before_its_end else (),
        State.DELETE_FAILED: (hooks.delete_failed,),
        State.HELD: (hooks.held,),
    }.get(target, ())
    return tuple(hook for hook in found if hook is not None)


def _move(
    connection: Connection,
    *,
    row: DeliveryRow,
    target: State,
    values: dict[str, Any],
    also: tuple[Also, ...],
) -> DeliveryRow:
    after = deliveries.advance(connection, row, target, values)
    for hook in also:
        hook(connection, [after])
    return after


def noted_values(stamp: Stamp | None) -> dict[str, int | None]:
    """The columns for what the finished partial showed."""
    return stamp_columns("partial", stamp)


async def removed(endpoint: Endpoint, path: str) -> None:
    """Remove one file; one that isn't there is fine."""
    try:
        await endpoint.remove(path)
    except NotThere:
        return


async def entry_at(endpoint: Endpoint, path: str) -> Entry | None:
    """What stands under a path now, None if nothing does."""
    try:
        return await endpoint.stat(path)
    except NotThere:
        return None


async def stamp_at(endpoint: Endpoint, path: str) -> Stamp | None:
    """Its stamp alone."""
    there = await entry_at(endpoint, path)
    return None if there is None else there.stamp


def not_a_file(there: Entry | None) -> PathRefused | None:
    """The error if a final name belongs to a folder, or to anything but a file: that is never replaced or moved."""
    if there is None or there.kind is Kind.FILE:
        return None
    what = {Kind.FOLDER: "a folder", Kind.LINK: "a link"}.get(there.kind, "something that is no regular file")
    return PathRefused(
        f"{there.path}: {what} stands under the final name, and only a file is ever replaced; move it away or give "
        "the file another name"
    )
