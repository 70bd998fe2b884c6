"""What a catalogue holds at rest, brought up to date in the ledger: only what looks otherwise than it did is read.

An item that is not at rest, or can't be read, stays in the ledger as it was when it last was at rest.
"""

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.channels.looking import Looking, Pulse
from gateway.channels.model import Catalogue
from gateway.channels.reading import Reader, ReadFiles
from gateway.channels.scanning import Listing, Looked, list_item
from gateway.channels.stable import Quiet
from gateway.core.errors import GatewayError
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_catalogues, channel_rules
from gateway.ledger.channel_catalogues import FileRow, ItemRow, Look, digest_of
from gateway.runner.services import Services
from gateway.transfer.seen import Seen
from gateway.transfer.stability import Verdict

_PORTION = 500
_RULES = "2"
"""Changes whenever what counts in metadata is told in another way."""


@dataclass(slots=True)
class Brought:
    """What came of it.  `digest` is the catalogue's; None: something of it was not at rest, or could not be read."""

    digest: str | None = None
    unstable: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    hashed_files: int = 0

    @property
    def open(self) -> frozenset[str]:
        """The items of which nothing is concluded this time."""
        return frozenset(self.unstable) | frozenset(self.unreadable)


async def bring_up_to_date(catalogue: Catalogue, looking: Looking, looked: Looked, services: Services) -> Brought:
    """Read what changed since the ledger was last brought up to date.  Raises Retryable if `looking` hangs."""
    last = await services.ledger.read(partial(channel_catalogues.looked, catalogue=catalogue.name))
    digest, rules = looked.digest(), rules_of(catalogue)
    made = Brought(unreadable=dict(looked.unreadable))
    if last is None or (last.digest, last.rules) != (digest, rules):
        if last is not None and last.rules != rules:
            outdate = partial(channel_catalogues.outdate, catalogue=catalogue.name, rules=rules)
            await services.ledger.write(outdate)
        quiet = await looking.run(lambda _: Quiet(catalogue.path, services))
        await _Bringing(catalogue, looking, looked, quiet, services.ledger, made).all()
    at_rest = not made.unstable and made.unreadable.keys() == looked.unreadable.keys()
    made.digest = digest if at_rest else None
    look = Look(made.digest, rules, len(looked.items), services.ledger.now_ns(), looking.trouble)
    await services.ledger.write(partial(channel_catalogues.note_look, catalogue=catalogue.name, look=look))
    return made


def rules_of(catalogue: Catalogue) -> str:
    """The digest of what tells metadata from files, and what of it counts."""
    said = (_RULES, [one.token for one in catalogue.metadata], sorted(catalogue.metadata_ignore))
    return hashlib.sha256(repr(said).encode()).hexdigest()[: channel_catalogues.SHORT]


class _Bringing:
    """One catalogue on its way into the ledger."""

    def __init__(
        self,
        catalogue: Catalogue,
        looking: Looking,
        looked: Looked,
        quiet: Quiet,
        ledger: Ledger,
        made: Brought,
    ) -> None:
        self._catalogue = catalogue
        self._looking = looking
        self._path = str(catalogue.path)
        self._looked = looked
        self._ledger = ledger
        self._quiet = quiet
        self._reader = Reader(catalogue, looking, ledger.now_ns)
        self._made = made
        self._outdated: frozenset[str] = frozenset()

    async def all(self) -> None:
        """Every item that looks otherwise, and those that are gone."""
        name, looked = self._catalogue.name, self._looked
        before = await self._ledger.read(partial(channel_catalogues.looks, catalogue=name))
        self._outdated = await self._ledger.read(partial(channel_catalogues.outdated, catalogue=name))
        gone = [item for item in before if item not in looked.items and item not in looked.unreadable]
        fresh = [item for item, look in looked.items.items() if before.get(item) != look]
        await self._ledger.write(partial(self._forget, gone=gone))
        if fresh:
            await self._quiet.enough()
        later = await self._some(fresh)
        if later:
            await self._quiet.enough_unproved()
            await self._some(later)
        same = (item for item, look in looked.items.items() if before.get(item) == look)
        await self._some([item for item in same if item in self._outdated])

    def _forget(self, connection: Connection, gone: Sequence[str]) -> None:
        channel_catalogues.disturb(connection, self._catalogue.name)
        channel_catalogues.forget_items(connection, self._catalogue.name, gone)

    async def _some(self, items: Sequence[str]) -> list[str]:
        """In portions that are worth a commit each; those that more quiet may show to be at rest."""
        later: list[str] = []
        for some in portions(items, _PORTION):
            later += await self._portion(some)
        return later

    async def _portion(self, items: Sequence[str]) -> list[str]:
        files = partial(channel_catalogues.files, catalogue=self._catalogue.name, wanted=items)
        known = await self._ledger.read(files)
        listed, later = await self._looking.run(partial(self._list, items, known))
        fresh = [one for item, listing in listed.items() for one in self._to_read(item, listing, known.get(item, ()))]
        read = await self._reader.read(fresh)
        self._made.hashed_files += len(read.hashed)
        asked = {one.relative for one in fresh}
        made = {item: self._rows(item, listing, known.get(item, ()), asked, read) for item, listing in listed.items()}
        now = {item: rows for item, rows in made.items() if rows is not None}
        there = [self._item(item, rows, listed[item].look) for item, rows in now.items()]
        await self._ledger.write(partial(self._keep, items=there, now=now, before=known))
        return later

    def _list(
        self, items: Sequence[str], known: Mapping[str, Sequence[FileRow]], pulse: Pulse
    ) -> tuple[dict[str, Listing], list[str]]:
        """The items that are at rest, and those that may turn out to be after more quiet.  Blocks."""
        listed: dict[str, Listing] = {}
        later: list[str] = []
        for item in items:
            self._made.unstable.pop(item, None)
            try:
                listing = list_item(self._path, item, pulse.beat)
            except GatewayError as exc:
                self._made.unreadable[item] = str(exc).removeprefix(f"{item}: ")
                continue
            if listing.look != self._looked.items[item]:
                self._made.unstable[item] = "it changes"
                continue
            judgement = self._quiet.judge(
                item, listing, frozenset(_stamp(one) for one in known.get(item, ())), pulse.beat
            )
            if judgement.verdict is Verdict.READY:
                listed[item] = listing
            elif judgement.verdict is Verdict.UNREADABLE:
                self._made.unreadable[item] = judgement.detail
            else:
                self._made.unstable[item] = judgement.detail
                later += [item] if judgement.verdict is Verdict.TOO_YOUNG else []
        return listed, later

    def _to_read(self, item: str, listing: Listing, known: Sequence[FileRow]) -> list[Seen]:
        """The files whose stamps are not known; by new rules all metadata."""
        same, again = {_stamp(one) for one in known}, item in self._outdated
        return [
            one._replace(relative=f"{item}/{one.relative}")
            for one in listing.files
            if one[:5] not in same or (again and self._catalogue.is_metadata(one.relative))
        ]

    def _rows(
        self, item: str, listing: Listing, known: Sequence[FileRow], asked: Container[str], read: ReadFiles
    ) -> tuple[FileRow, ...] | None:
        """The item's files as the ledger keeps them; None if it turned out not to be at rest, or not readable.

        `asked` are the files that were to be read.
        """
        before = {one.relative: one for one in known}
        rows: list[FileRow] = []
        for seen in listing.files:
            path = f"{item}/{seen.relative}"
            hashed = read.hashed.get(path)
            if path in read.failed:
                self._made.unreadable[item] = f"{seen.relative}: {read.failed[path]}"
                return None
            if path not in asked:
                rows.append(self._kept(before[seen.relative]))
            elif hashed is None or tuple(hashed[1:5]) != seen[1:5]:
                self._made.unstable[item] = f"{seen.relative}: it changed while it was read"
                return None
            else:
                rows.append(self._row(item, seen, hashed.sha256, read, hashed.hashed_at))
        return tuple(rows)

    def _row(self, item: str, seen: Seen, sha256: str, read: ReadFiles, at: int) -> FileRow:
        said = read.metadata.get(f"{item}/{seen.relative}")
        fault = None if said is None else said.fault
        return FileRow(item, *seen[:5], sha256, None if said is None else said.sha256, fault, at)

    def _kept(self, row: FileRow) -> FileRow:
        """A file that was not read again; by new rules it may be metadata, or no more."""
        if self._catalogue.is_metadata(row.relative):
            return row._replace(meta_sha256=row.meta_sha256 or row.sha256)
        return row._replace(meta_sha256=None, fault=None)

    def _item(self, item: str, rows: Sequence[FileRow], look: str) -> ItemRow:
        faults = (f"{one.relative}: {one.fault}" for one in rows if one.fault is not None)
        metadata = digest_of(one for one in rows if one.meta_sha256 is not None)
        files = digest_of(one for one in rows if one.meta_sha256 is None)
        return ItemRow(item, look, metadata, files, next(faults, None))

    def _keep(
        self,
        connection: Connection,
        items: Sequence[ItemRow],
        now: Mapping[str, Sequence[FileRow]],
        before: Mapping[str, Sequence[FileRow]],
    ) -> None:
        name = self._catalogue.name
        again = [item for item in now if item in self._outdated and item in before]
        both = {item: (before[item], self._by_new_rules(before[item], now[item])) for item in again}
        channel_rules.restate(connection, name, both)
        channel_catalogues.note_items(connection, name, items, [row for rows in now.values() for row in rows])

    def _by_new_rules(self, before: Sequence[FileRow], now: Sequence[FileRow]) -> list[FileRow]:
        """What the item held before, by the rules of now.  What counted in metadata that changed since nobody knows any
        more: it differs from what counts now.
        """
        same = {(one.relative, one.sha256): one for one in now}
        return [same.get((one.relative, one.sha256)) or self._kept(one) for one in before]


def _stamp(row: FileRow) -> tuple[object, ...]:
    return row[1:6]
