"""What goes with a batch is frozen portion by portion: whoever else writes gets his turn in between.

A kill in between leaves a batch that is still `freezing`; whoever carries it goes on with what waits by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.channels import up_to_date
from gateway.channels.batches import MARKER, frozen, sort_out
from gateway.channels.counted_names import keep_names
from gateway.channels.model import Channel, Kind
from gateway.channels.payload import Occasion, name_key
from gateway.core.moments import moment
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_batches, channel_events, channel_going
from gateway.ledger.channel_batches import BatchRow, BatchState

AT_ONCE = 100
"""Items in a commit: of four files each they hold the ledger for 30 ms."""
NOBODY = "the gateway"
_NOTHING = "nothing of it is left to send"
_NOTHING_GOES = "nothing that waits can go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """A batch of a channel that is still `freezing`."""

    channel: Channel
    row: BatchRow

    async def freeze(self, ledger: Ledger) -> BatchRow:
        """All that waits of its kind now; the batch as it is then, given up if nothing can go."""
        kind = Kind(self.row.kind)
        waiting = await ledger.read(partial(up_to_date.waiting_ids, channel=self.channel, kind=kind))
        taken = await ledger.read(self._names)
        await keep_names(ledger, self.channel)
        for some in portions(waiting, AT_ONCE):
            work = partial(freeze_some, of=self, events=some, taken=taken, at=ledger.now_ns())
            taken |= await ledger.write(work)
        return await ledger.write(partial(end_freezing, of=self, at=ledger.now_ns()))

    def _names(self, connection: Connection) -> dict[str, str]:
        """Those that are taken: the marker's, and those that were frozen before a kill."""
        folder = f"{self.channel.catalogue.path}/"
        rows = channel_batches.names_of(connection, self.row.id)
        return {self.key(final): source.removeprefix(folder) or MARKER for final, source in rows}

    def key(self, final: str) -> str:
        """What two names must not have in common."""
        return name_key(final, ignore_case=self.channel.ignore_case)


def freeze_some(
    connection: Connection, of: Freezing, events: Sequence[int], taken: dict[str, str], at: int
) -> dict[str, str]:
    """These events, as far as they still wait and can go, with their files as they are now; the names that they get."""
    channel, row = of.channel, of.row
    ripe = up_to_date.ripe(connection, channel, Kind(row.kind), at, events)
    on = Occasion(moment(row.due_at, channel.zone), row.number)
    looked = sort_out(connection, channel, ripe, on, taken)
    for event, reason in looked.held.items():
        channel_events.hold(connection, event, reason)
    if looked.empty:
        channel_going.drop(connection, channel.name, looked.empty, NOBODY, _NOTHING, at)
    files = frozen(channel, looked.fit, channel_batches.last_file(connection, row.id))
    channel_batches.freeze(connection, row.id, files)
    channel_going.freeze(connection, [one for one in ripe if one.id in looked.fit], row.id)
    return looked.names


def end_freezing(connection: Connection, of: Freezing, at: int) -> BatchRow:
    """All that goes with it is in it; a batch of nothing was none, but for what was tried with it and has left it."""
    if channel_batches.last_file(connection, of.row.id):
        return channel_batches.change(connection, of.row.id, {"freezing": False})
    if of.row.failures:
        over = {"state": BatchState.GIVEN_UP.value, "freezing": False, "error": _NOTHING_GOES, "ended_at": at}
        return channel_batches.change(connection, of.row.id, over)
    channel_batches.remove(connection, of.row.id)
    return replace(of.row, state=BatchState.GIVEN_UP, freezing=False, error=_NOTHING_GOES)
