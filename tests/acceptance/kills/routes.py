"""The ways that files go: from a folder that is fed to somebody who counts what comes, each by a command of its own."""

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.inotify import DELETE, MOVED_TO
from tests.acceptance.kills.books import Books
from tests.acceptance.kills.contents import Contents, Mixture, digest_of
from tests.acceptance.kills.lookout import Lookout, Sign
from tests.acceptance.kills.recipient import LogRecipient, Recipient

BACKLOG = 40
"""Nobody feeds more while so many wait."""
LAID_EVERY = 3


@dataclass
class Route:
    """One of them."""

    name: str
    source: Path
    recipient: Recipient | LogRecipient
    books: Books
    mixture: Mixture = field(default_factory=Mixture)
    extension: str = "dat"
    renames_in: bool = False
    """Files are published by a rename alone; else half of them are written where they are taken from."""
    lays: bool = False
    """Under every third name something stands already."""
    packed: int = 0
    """So many contents go into one archive."""
    _fed: int = field(default=0, init=False)

    def begin(self, lookout: Lookout) -> None:
        """Watch the source, too: that a file was claimed shows there."""
        lookout.watch(self.source, lambda name, mask: self._seen(lookout, name, mask))

    def feed(self, contents: Contents) -> None:
        """One more file, unless enough are waiting."""
        if len(list(self.source.iterdir())) >= BACKLOG:
            return
        number, self._fed = self._fed, self._fed + 1
        name = f"{self.name} {number:05}.{self.extension}"
        data = self._pack(contents, name, number) if self.packed else self._draw(contents, name, number)
        if self.lays and number % LAID_EVERY == 0 and isinstance(self.recipient, Recipient):
            self.recipient.lay(name, f"what stood under {name} before\n".encode())
        self._write(name, data, whole=self.renames_in or number % 2 == 0)

    def is_over(self) -> bool:
        """Nothing waits, here or on its way."""
        return not any(self.source.iterdir())

    def _draw(self, contents: Contents, name: str, number: int) -> bytes:
        data = contents.draw(number, self.mixture)
        self.books.feed(name, digest_of(data))
        return data

    def _pack(self, contents: Contents, name: str, number: int) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for member in range(self.packed):
                data = contents.draw(number * self.packed + member, self.mixture)
                self.books.feed(f"{name}:{member}", digest_of(data))
                archive.writestr(f"{self.name} {number:05} {member}.dat", data)
        return made.getvalue()

    def _write(self, name: str, data: bytes, *, whole: bool) -> None:
        if not whole:
            (self.source / name).write_bytes(data)
            return
        beside = self.source / (f".{name}.tmp" if self.renames_in else f"{name}.tmp")
        beside.write_bytes(data)
        beside.rename(self.source / name)

    def _seen(self, lookout: Lookout, name: str, mask: int) -> None:
        if name.endswith(".claim") and mask & (MOVED_TO | DELETE):
            lookout.tell(Sign(self.name, "claimed" if mask & MOVED_TO else "collected"))


class Answering:
    """A partner that answers every question that it gets."""

    def __init__(self, folder: Path, answers: Books, contents: Contents) -> None:
        self._folder = folder
        self._answers = answers
        self._contents = contents
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str) -> None:
        data = self._contents.draw(0, Mixture())
        stem = name.rpartition(".")[0]
        self._answers.feed(f"{stem}.txt", digest_of(data))
        beside = self._folder / f".{stem}.writing"
        beside.write_bytes(data)
        beside.rename(self._folder / f"{stem}.txt")
