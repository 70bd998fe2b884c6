"""When first deliveries are so many that a person is asked: those of a new channel, or of a new selection.

What is still being written counts, too: a catalogue that is being filled would pass in portions.  For the same reason
what arrives of it first doesn't yet make a channel an old one, and counts with what follows.  Once a person is asked,
new items wait for the answer; what arrives meanwhile is none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.channels.model import Channel, Kind
from gateway.ledger.channel_events import EventState, OpenKey
from gateway.ledger.channel_states import StateRow


@dataclass(frozen=True, slots=True)
class FirstGuard:
    """Over one channel; `rules` is the digest of what it says now."""

    channel: Channel
    state: StateRow
    rules: str

    @property
    def is_same(self) -> bool:
        """True if the channel says of its items and events what it said at the last look, and takes them from there."""
        return self.state.rules == self.rules and self.state.catalogue == self.channel.catalogue.name

    @property
    def is_over(self) -> bool:
        """True for an old channel that selects what it did: new items of any number are its daily work."""
        return self._is_old and self.is_same

    @property
    def has_begun(self) -> bool:
        """True if something arrived of a catalogue that was being filled."""
        return self.state.released and not self._is_old

    def asks(self, firsts: Collection[str], queued: Sequence[OpenKey], had: int) -> bool:
        """True if too many of these items, which the channel never got, would go out, or a person has yet to answer.

        `had` others arrived since it has begun.
        """
        if self.is_over:
            return False
        agreed = {one.item for one in queued if one.by is not None or one.state is EventState.BATCHED}
        if self._is_old:  # and it selects other items than it did
            agreed |= {one.item for one in queued}
        unasked = set(firsts) - agreed
        return (bool(unasked) and len(unasked) + had > self.channel.most_first) or self._has_asked(queued)

    def stays_new(self, *, filling: bool, asks: bool) -> bool:
        """True if what arrives does not make the channel an old one yet; `filling`: new items are being written."""
        return filling and not asks and not self._is_old

    @property
    def _is_old(self) -> bool:
        """True if a person let it begin, or something of a catalogue arrived that nobody was filling."""
        return self.state.released and self.state.rules is not None and not self.state.filling

    def _has_asked(self, queued: Sequence[OpenKey]) -> bool:
        mine = [one for one in queued if one.kind == Kind.FIRST and one.state is EventState.REVIEW and one.by is None]
        return bool(mine) and self.is_same and Kind.FIRST not in self.channel.manual
