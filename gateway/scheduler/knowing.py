"""What the scheduler remembers of one file: for `gateway why`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.clock import Clock
from gateway.scheduler.entry import Entry


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file at its last look, as a source of one command.

    `since` is when its present stamp was first seen; `again_at` when it is judged next, None: when something happens.
    """

    action: str
    command: int
    verdict: str
    since: datetime
    again_at: datetime | None


def known_files(entries: Iterable[Entry], path: str, clock: Clock) -> Iterator[KnownFile]:
    """Every action that knows `path`; a bare name is one in any folder."""
    folder, slash, name = path.rpartition("/")
    now, now_s = clock.now(), clock.monotonic()
    for entry in entries:
        for watched in entry.polled.watched if entry.polled is not None else ():
            for view in watched.views:
                is_there = not slash or view.level.path == (folder or "/")
                row = view.sights.row(name) if is_there else None
                if row is None:
                    continue
                again_s = view.sights.waiting.get(name)
                yield KnownFile(
                    entry.name,
                    watched.command,
                    row.verdict.value if row.verdict is not None else "not judged yet",
                    now - timedelta(seconds=now_s - row.since_s),
                    None if again_s is None else now + timedelta(seconds=max(0.0, again_s - now_s)),
                )
