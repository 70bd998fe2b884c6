"""What `gateway history` was asked for, as the ledger's queries take it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger.history import Filter
    from gateway.ledger.overview import RunFilter
    from gateway.ledger.partner_history import ActFilter

S = TypeVar("S", bound=StrEnum)
INTERRUPTED = "interrupted"
"""What is shown of a delivery that was cut off, whatever state it was left in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options, as given."""

    action: str | None
    endpoint: str | None
    partner: str | None
    name: str | None
    state: str | None
    since: str | None
    until: str | None
    limit: int | None

    @property
    def narrow(self) -> bool:
        """True if anything narrows the list."""
        return any((self.action, self.endpoint, self.partner, self.name, self.state, self.since, self.until))

    def deliveries(self, loaded: "Loaded", clock: "Clock", most: int) -> "Filter":
        """The deliveries that are meant, `interrupted` left to `narrowed`.  Raises Refused."""
        from gateway.ledger.delivery_row import State
        from gateway.ledger.history import Filter

        since, until = self._times(loaded, clock)
        return Filter(
            action=self.action,
            endpoint=self.endpoint,
            name=self.name,
            state=None if self._wants_interrupted else _one_of(State, self.state, (INTERRUPTED,)),
            since=since,
            until=until,
            limit=self.limit or most,
        )

    def narrowed(self, wanted: "Filter", cut_off: Collection[int]) -> "Filter":
        """The same, now that it is known which deliveries were cut off."""
        return replace(wanted, only=cut_off) if self._wants_interrupted else wanted

    @property
    def _wants_interrupted(self) -> bool:
        return self.state is not None and self.state.lower() == INTERRUPTED

    def runs(self, loaded: "Loaded", clock: "Clock", most: int) -> "RunFilter":
        """The runs that are meant; `state` is their outcome.  Raises Refused."""
        from gateway.ledger.overview import RunFilter
        from gateway.runner.due import Outcome

        since, until = self._times(loaded, clock)
        return RunFilter(
            action=self.action,
            endpoint=self.endpoint,
            outcome=None if self.state is None else _require(self.state, (*Outcome, "skipped")),
            since=since,
            until=until,
            limit=self.limit or most,
        )

    def acts(self, loaded: "Loaded", clock: "Clock", most: int) -> "ActFilter":
        """What is meant of what partners did.  Raises Refused."""
        from gateway.ledger.partner_files import Came
        from gateway.ledger.partner_history import ActFilter

        since, until = self._times(loaded, clock)
        return ActFilter(
            partner=self.partner,
            name=self.name,
            state=_one_of(Came, self.state),
            since=since,
            until=until,
            limit=self.limit or most,
        )

    def _times(self, loaded: "Loaded", clock: "Clock") -> tuple[int | None, int | None]:
        """`since` and `until` as the ledger keeps them."""
        from gateway.cli.moments import ago
        from gateway.core.moments import ns

        now, zone = clock.now(), loaded.zone()
        first, last = (ns(ago(text, now, zone)) if text else None for text in (self.since, self.until))
        return first, last


def _one_of(states: type[S], text: str | None, others: Sequence[str] = ()) -> S | None:
    """`others` are told beside them where there is no such state.  Raises Refused."""
    return None if text is None else states(_require(text, (*others, *states)))


def _require(text: str, states: Sequence[str]) -> str:
    """Raises Refused with what there is."""
    from gateway.core.errors import Refused

    if text.lower() not in states:
        raise Refused(f"there is no state {text!r}; there are: {', '.join(states)}")
    return text.lower()
