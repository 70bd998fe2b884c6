"""The third part: a week of a catalogue and two recipients with different rhythms, by a clock that is turned."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from demo.books import BOOKS, LATER, lay, write_epub, write_onix
from demo.proof import digest
from demo.stage import Stage
from gateway.config.load import load
from gateway.core.clock import TurnedClock
from gateway.ledger import channel_batches, channel_events
from gateway.ledger.channel_batches import BatchRow
from gateway.service.engine import Engine, engine
from gateway.service.logs import configure_logs

ZONE = ZoneInfo("Europe/Vienna")
MONDAY = datetime(2026, 11, 23, 9, 5, tzinfo=ZONE)
WEEK = timedelta(days=7)
CHANNELS = {
    "bookshop": "first deliveries daily at 22:00, metadata hourly at :30, files Sunday at 14:00",
    "library": "everything Friday at 18:00",
}
_WORDS = {
    "first": ("first delivery", "first deliveries"),
    "metadata": ("metadata change", "metadata changes"),
    "file": ("file change", "file changes"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the publisher does."""

    at: datetime
    said: str
    do: Callable[[], None]


class Week:
    """Turns the clock from one due time to the next, and says what went out."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._folder = stage.folder / "books"
        self._catalogue = self._folder / "titles"
        self._far = {name: stage.partner / name for name in CHANNELS}
        self._config = self._folder / "conf" / "gateway.toml"
        self._console = console
        self._clock = TurnedClock(MONDAY)
        self._told: set[int] = set()
        self._sent: dict[str, int] = dict.fromkeys(CHANNELS, 0)
        self._write(stage)

    async def play(self) -> bool:
        """True if both recipients have the catalogue as it is, byte for byte, after as many deliveries as are due."""
        self._say(f"{len(BOOKS)} titles (ONIX 3.0, EPUB, cover), two recipients, a week by a clock that is turned:")
        for name, said in CHANNELS.items():
            self._say(f"  {name:9} {said}")
        configure_logs(verbose=False, as_json=False, quiet=True)
        async with engine(load(self._config), self._clock, "demo") as built:
            for event in self._events():
                await self._until(built, event.at)
                await asyncio.to_thread(event.do)
                self._say(f"  {event.at:%a %H:%M}            {event.said}")
            await self._until(built, MONDAY + WEEK)
            return await self._prove(built)

    def _events(self) -> list[Event]:
        first, second, third = BOOKS

        def at(day: int, hour: int, minute: int) -> datetime:
            return MONDAY.replace(hour=hour, minute=minute) + timedelta(days=day)

        def price(book: int, amount: str, when: datetime) -> Callable[[], None]:
            return partial(write_onix, self._catalogue, BOOKS[book], amount, when)

        return [
            Event(at(1, 10, 20), f"the price of {first.title} changes", price(0, "12.90", at(1, 10, 20))),
            Event(at(1, 10, 40), "and once more", price(0, "11.90", at(1, 10, 40))),
            Event(at(2, 15, 20), f"errata in {second.title}", partial(self._errata, 1, "one mistake less")),
            Event(
                at(3, 11, 0), f"a new title, {LATER.title}", partial(lay, self._catalogue, LATER, "9.90", at(3, 11, 0))
            ),
            Event(at(3, 16, 5), f"errata in {second.title} again", partial(self._errata, 1, "no mistake at all")),
            Event(
                at(4, 9, 15),
                f"{third.title}: the date alone is new, nobody gets it",
                price(2, "9.90", at(4, 9, 15)),
            ),
        ]

    def _errata(self, book: int, text: str) -> None:
        write_epub(self._catalogue, BOOKS[book], text)

    async def _until(self, built: Engine, end: datetime) -> None:
        """From one due time to the next; what comes due is done in its moment."""
        while True:
            next_at = await self._worked(built.channels.settled())
            await self._tell(built)
            now = self._clock.now()
            if now >= end:
                return
            await self._clock.turn(min(next_at or end, end) - now)

    async def _worked(self, work: Awaitable[datetime | None]) -> datetime | None:
        async with asyncio.timeout(180):
            return await work

    async def _tell(self, built: Engine) -> None:
        for name in CHANNELS:
            for row in reversed(await built.ledger.read(partial(channel_batches.latest, channel=name))):
                if row.id not in self._told:
                    self._told.add(row.id)
                    await self._tell_of(built, row)

    async def _tell_of(self, built: Engine, row: BatchRow) -> None:
        events = await built.ledger.read(partial(channel_events.of_batch, batch=row.id))
        files = await built.ledger.read(partial(channel_batches.files_of, batch=row.id))
        self._sent[row.channel] += sum(one.event is not None for one in files)
        what = _WORDS[row.kind][len(events) != 1]
        at = self._clock.now().astimezone(ZONE)
        count = len(files) - 1
        became = f"{count} file{'' if count == 1 else 's'}, then the marker" if row.error is None else row.error
        self._say(f"  {at:%a %H:%M}  {row.channel:9} {len(events)} {what}: {became}")

    async def _prove(self, built: Engine) -> bool:
        table = Table(title="What the recipients have after the week", title_style="bold", box=None, pad_edge=False)
        for column in ("recipient", "deliveries", "files sent", "titles", "content"):
            table.add_column(column, justify="left" if column == "recipient" else "right", no_wrap=True)
        wanted, all_right = await asyncio.to_thread(_contents, self._catalogue, "**/*"), True
        for name, folder in self._far.items():
            rows = await built.ledger.read(partial(channel_batches.latest, channel=name))
            there = await asyncio.to_thread(_contents, folder, "titles/**/*")
            equal = there == wanted and all(row.state.value == "delivered" for row in rows)
            all_right = all_right and equal
            judged = "[green]equal[/]" if equal else "[bold red]DIFFERS[/]"
            table.add_row(name, str(len(rows)), str(self._sent[name]), str(len({one[0] for one in there})), judged)
        self._console.print(table)
        return all_right

    def _write(self, stage: Stage) -> None:
        """The configuration; the recipients are folders at the partner's SFTP server."""
        shop = load(stage.config).config.endpoints["shop001"]
        facts = {
            "key": stage.folder / "conf" / "user_key",
            "host_key": shop.host_key[0],
            "url": shop.url.rpartition("/")[0],
        }
        for book in BOOKS:
            lay(self._catalogue, book, "9.90", MONDAY)
        for folder in self._far.values():
            folder.mkdir(parents=True, exist_ok=True)
        (self._config.parent / "channels.d").mkdir(parents=True)
        self._config.write_text(_CONFIG.format(**facts), encoding="utf-8")
        for name, text in (("bookshop", _BOOKSHOP), ("library", _LIBRARY)):
            (self._config.parent / "channels.d" / f"{name}.toml").write_text(text + _PLACE, encoding="utf-8")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


def _contents(folder: Path, pattern: str) -> dict[tuple[str, str], str]:
    """The content of every file, by its title and its name; the day on which a message was sent does not count."""
    files = (one for one in folder.glob(pattern) if one.is_file() and one.suffix != ".done")
    return {(one.parent.name, one.name): _product(one) if one.suffix == ".xml" else digest(one) for one in files}


def _product(onix: Path) -> str:
    return onix.read_text(encoding="utf-8").partition("</Header>")[2]


_CONFIG = """\
[gateway]
root = ".."
timezone = "Europe/Vienna"
stable_for = "0s"

[endpoints.bookshop]
url = "{url}/bookshop"
key = "file:{key}"
host_key = "{host_key}"

[endpoints.library]
url = "{url}/library"
key = "file:{key}"
host_key = "{host_key}"

[catalogues.titles]
path = "titles"
metadata = ["*.onix.xml"]
metadata_ignore = ["//Header"]
"""

_BOOKSHOP = """\
endpoint = "bookshop"
catalogue = "titles"
start = "all"
[schedule]
cron     = { every = 2, set_at = 2026-11-21T01:10:00+01:00 }
first    = { every = "day", at = "22:00" }
metadata = { every = "hour", at = ":30" }
file     = { every = "week", day = "Su", at = "14:00" }
"""

_LIBRARY = """\
endpoint = "library"
catalogue = "titles"
start = "all"
[schedule]
cron     = { every = 6, set_at = 2026-11-21T01:10:00+01:00 }
first    = { every = "week", day = "Fr", at = "18:00" }
metadata = { every = "week", day = "Fr", at = "18:00" }
file     = { every = "week", day = "Fr", at = "18:00" }
"""

_PLACE = """\
[approval]
file = "auto"
[place]
path = "titles/{item}"
done = "batch_{date}_{index}.done"
"""
