"""What counts in metadata is told by new rules: whoever has got an item's present content still has, by new digests."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from gateway.ledger.channel_catalogues import FileRow, digest_of
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_tables import channel_event, channel_item, channel_state

Digests = tuple[str, str]


def restate(
    connection: Connection, catalogue: str, items: Mapping[str, tuple[Sequence[FileRow], Sequence[FileRow]]]
) -> None:
    """`items`: the files of each as the ledger has them, and the very same content by the new rules."""
    changed = {item: both for item, both in items.items() if _digests(both[0]) != _digests(both[1])}
    if changed:
        query = select(channel_state.c.channel).where(channel_state.c.catalogue == catalogue)
        for channel in connection.execute(query).scalars().all():
            for item, (before, now) in changed.items():
                _restate(connection, channel, item, _digests(before), now)


def _restate(connection: Connection, channel: str, item: str, before: Digests, now: Sequence[FileRow]) -> None:
    metadata, files = _digests(now)
    values = {"metadata": metadata, "files": files, "contents": Contents.of(now).text()}
    for table in (channel_item, channel_event):
        same = table.c.channel == channel, table.c.item == item
        digests = table.c.metadata == before[0], table.c.files == before[1]
        connection.execute(update(table).where(*same, *digests).values(values))


def _digests(rows: Sequence[FileRow]) -> Digests:
    metadata = digest_of(one for one in rows if one.meta_sha256 is not None)
    return metadata, digest_of(one for one in rows if one.meta_sha256 is None)
