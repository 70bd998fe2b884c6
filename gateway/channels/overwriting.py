"""What a delivery would overwrite at the recipient: a file of one item is never silently replaced by another item's."""

from collections.abc import Iterable, Sequence

from gateway.channels.model import Channel
from gateway.channels.payload import REMEDY, Named, name_key
from gateway.ledger import Connection, channel_going, channel_names
from gateway.ledger.channel_events import EventRow


class Holders:
    """Which files of other items have names already that these are to get."""

    def __init__(self, connection: Connection, channel: Channel, wanted: Iterable[Sequence[Named]]) -> None:
        finals = [one.final for files in wanted for one in files]
        found = channel_names.holders(connection, channel.name, channel.catalogue.name, finals)
        self._ignore_case = channel.ignore_case
        self._items: dict[str, dict[str, str]] = {}
        for one in sorted(found):
            self._items.setdefault(self._key(one.final), {})[one.item] = f"{one.item}/{one.relative}"

    def overwritten(self, event: EventRow, files: Sequence[Named]) -> str | None:
        """Why an event can't go, unless a person let it go although he knew just that."""
        pairs = [
            f"{one.piece.below} would take the place of {other}, which has the name {one.final} there"
            for one in files
            for item, other in self._items.get(self._key(one.final), {}).items()
            if item != event.item
        ]
        reason = f"{'; '.join(pairs)}{REMEDY}, or approve it" if pairs else None
        return None if event.reason == f"{channel_going.ALL_THE_SAME}{reason}" else reason

    def _key(self, final: str) -> str:
        return name_key(final, ignore_case=self._ignore_case)
