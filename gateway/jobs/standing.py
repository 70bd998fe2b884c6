"""How the destinations of a job run stand: who has everything, whom nobody waits for, who may still come.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from gateway.config.job_kinds import Require
from gateway.core import errors
from gateway.core.moments import length_ns
from gateway.jobs.model import Job, required_of
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import HAS_EVERYTHING, SETTLED, PlaceState

ABORTS_AFTER = timedelta(seconds=60)
"""An error that a profile's `abort_on` names ends the destination when it has stood for so long."""

_APPROVAL = "ApprovalNeeded"
_TRIED_AGAIN = (PlaceState.OFFLINE, PlaceState.ERROR)
_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """`places` are those of the run that nobody has taken out."""

    places: tuple[PlaceRow, ...]
    require: Require

    @classmethod
    def of(cls, places: Sequence[PlaceRow], require: Require) -> "Standing":
        """How they stand now."""
        return cls(tuple(one for one in places if one.state is not PlaceState.REMOVED), require)

    @property
    def have(self) -> tuple[PlaceRow, ...]:
        """Those that have every file, and whose after_endpoint went well."""
        return tuple(one for one in self.places if one.state in HAS_EVERYTHING)

    @property
    def undone(self) -> tuple[PlaceRow, ...]:
        """Those that lack something, whatever the reason."""
        return tuple(one for one in self.places if one.state not in HAS_EVERYTHING)

    @property
    def open(self) -> tuple[PlaceRow, ...]:
        """Those that are waited for: they may still come to have everything."""
        return tuple(
            one for one in self.undone if one.state not in SETTLED and not one.excluded and not is_for_good(one)
        )

    @property
    def under_way(self) -> tuple[PlaceRow, ...]:
        """Those waited for that nothing is known to be wrong with."""
        return tuple(one for one in self.open if one.state not in _TRIED_AGAIN)

    @property
    def needed(self) -> int:
        """How many must have everything: of those that are not excluded, one at least."""
        counted = sum(one.state in HAS_EVERYTHING or not one.excluded for one in self.places)
        return max(required_of(self.require, counted), 1) if self.places else 0

    @property
    def has_enough(self) -> bool:
        """The barrier: all that are required have everything."""
        return len(self.have) >= self.needed

    @property
    def loaded_enough(self) -> bool:
        """All that are required have at least all bytes, be it under partial names."""
        placing = sum(one.state in (PlaceState.PLACING, PlaceState.AFTER_ENDPOINT) for one in self.places)
        return len(self.have) + placing >= self.needed

    def said(self) -> str:
        """`2 of 3 destinations have everything: shop017 offline`."""
        return f"{len(self.have)} of {len(self.places)} destinations have everything: {self.who_lacks()}"

    def who_lacks(self) -> str:
        """`shop017 offline, shop020 aborted`: those that keep the required from being complete."""
        said = [f"{one.endpoint} {_word(one)}" for one in self.undone]
        more = f" and {len(said) - _NAMED_AT_MOST} more" if len(said) > _NAMED_AT_MOST else ""
        return ", ".join(said[:_NAMED_AT_MOST]) + more


def is_for_good(row: PlaceRow) -> bool:
    """True for an error that a person must act on, which may take days: it is tried, but nobody waits for it."""
    if row.state is not PlaceState.ERROR or row.error_class == _APPROVAL:
        return False
    return row.next_at is None or needs_person(row.error_class or "")


@cache
def needs_person(error_class: str) -> bool:
    """True for the classes of errors that trying again cannot help."""
    kind = getattr(errors, error_class, None)
    return isinstance(kind, type) and issubclass(kind, (errors.NeedsOperator, errors.Refused))


def is_due(row: PlaceRow, now: int) -> bool:
    """True if a try may begin now."""
    if row.state in SETTLED or (row.begins_at or 0) > now:
        return False
    if row.state not in _TRIED_AGAIN:
        return True
    return row.next_at is not None and row.next_at <= now


def times_of(row: PlaceRow) -> Iterator[int]:
    """When a try of it comes due by itself."""
    if row.state in SETTLED:
        return
    if row.begins_at is not None:
        yield row.begins_at
    if row.state in _TRIED_AGAIN and row.next_at is not None:
        yield row.next_at


def excluded_at(row: PlaceRow, job: Job) -> int | None:
    """When a destination that is down is no longer waited for, None: not for that reason."""
    after = job.offline.exclude_after
    if after is None or row.excluded or row.state is not PlaceState.OFFLINE or row.failing_since is None:
        return None
    return row.failing_since + length_ns(after)


def aborted_at(row: PlaceRow, job: Job) -> int | None:
    """When a destination is given up for its profile's `abort_on`, None: not for that reason."""
    to = job.destination(row.endpoint)
    if to is None or row.state not in _TRIED_AGAIN or row.failing_since is None:
        return None
    return row.failing_since + length_ns(ABORTS_AFTER) if row.error_class in to.profile.abort_on else None


def _word(row: PlaceRow) -> str:
    return f"{row.state.value}, left out" if row.excluded else row.state.value
