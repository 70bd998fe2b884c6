"""What a run that is over has left half-way at its destinations, and what becomes of it."""

from collections.abc import Iterator, Sequence

from gateway.ledger import Connection, left_partials
from gateway.ledger.job_destinations import PlaceRow
from gateway.transfer.kept import LEAST_BYTES


def left_behind(connection: Connection, places: Sequence[PlaceRow]) -> Iterator[str]:
    """A line for each endpoint where partial files of these are kept for a while (`gateway.transfer.sweep`)."""
    runs = [one.action_run for one in places if one.action_run is not None]
    for place, count in left_partials.left_by(connection, runs, LEAST_BYTES).items():
        what = "1 unfinished file" if count == 1 else f"{count} unfinished files"
        yield f"{what} at {place or 'this machine'} for a day: the next run goes on there, else it is removed"
