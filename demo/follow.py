"""Follows the ledger while files move: what was seen of each, and what became of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from demo.feed import Drop
from gateway.core.units import show_size
from gateway.ledger import Connection, history, looks
from gateway.ledger.database import FILE_NAME, reading_engine
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.looks import Look
from gateway.transfer.stability import Verdict

_LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Story:
    """What the ledger tells of one file."""

    looks: list[Look] = field(default_factory=list)
    delivery: DeliveryRow | None = None

    @property
    def is_over(self) -> bool:
        """True if the gateway is done with it."""
        return self.delivery is not None and self.delivery.state is State.DONE

    @property
    def held_s(self) -> float | None:
        """From the first look at it (what a CHECK finds: from its last change) to the start of its delivery."""
        if self.delivery is None:
            return None
        since = self.looks[0].at if self.looks else self.delivery.intent.stamp.mtime_ns or 0
        return (self.delivery.started_at - since) / 1e9

    @property
    def reasons(self) -> str:
        """Why it was held, in the order of the verdicts."""
        verdicts = dict.fromkeys(look.verdict for look in self.looks if look.verdict != Verdict.READY)
        return ", ".join(verdict.replace("_", " ") for verdict in verdicts) or "not old enough"


class Follower:
    """Reads the ledger and says what is new in it."""

    def __init__(self, state: Path, files: list[Drop], console: Console) -> None:
        self._path = state / FILE_NAME
        self._console = console
        self._names = {str(file.source): file for file in files}
        self.stories = {path: Story() for path in self._names}

    async def follow(self, limit_s: float) -> None:
        """Until every file has arrived, at most `limit_s`."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + limit_s
        while loop.time() < end_s and not all(story.is_over for story in self.stories.values()):
            self._tell(await asyncio.to_thread(self._read))
            await asyncio.sleep(_LOOK_EVERY_S)

    def _read(self) -> Mapping[str, Story]:
        engine = reading_engine(self._path)
        try:
            with engine.connect() as connection:
                return {path: _story(connection, path) for path in self._names}
        finally:
            engine.dispose()

    def _tell(self, now: Mapping[str, Story]) -> None:
        for path, story in now.items():
            before, name = self.stories[path], Path(path).name
            for look in story.looks[len(before.looks) :]:
                if look.verdict == Verdict.READY:
                    continue
                self._console.print(
                    f"  [dim]{name:24}[/] {look.verdict.replace('_', ' '):12} [dim]{look.detail}[/]",
                    highlight=False,
                    soft_wrap=True,
                )
            if story.is_over and not before.is_over and story.delivery is not None:
                row = story.delivery
                self._say(
                    f"  [bold]{name:24}[/] [green]delivered[/]    {show_size(row.size or 0)}, "
                    f"verified by {row.verified}, delivery {row.id}"
                )
            self.stories[path] = story

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


def _story(connection: Connection, path: str) -> Story:
    rows = history.of_source(connection, path, 1)
    return Story(looks.looks_at(connection, path), rows[0] if rows else None)
