"""Those who get the files: each counts every arrival under a final name, and takes it away when it likes."""

import heapq
import io
import random
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.acceptance.inotify import CREATE, DELETE, MODIFY, MOVED_FROM, MOVED_TO
from tests.acceptance.kills.books import Books
from tests.acceptance.kills.contents import contents_in, digest_of
from tests.acceptance.kills.lookout import Lookout, Sign

LARGE_BYTES = 1_000_000
Taking = tuple[float, float] | None
"""After how many seconds files are taken away; None: never."""
AT_ONCE, SOON, NEVER = (0.0, 0.0), (0.2, 4.0), None


class Recipient:
    """Watches the folder where files take their final names.

    A name with a dot in front is a partial.  Any other may appear by a rename, or by a link to a file that is whole;
    whatever is written under a final name was not whole when it got it.
    """

    def __init__(
        self,
        folder: Path,
        books: Books,
        lookout: Lookout,
        taking: Taking,
        read: Callable[[bytes], list[str]] | None = None,
    ) -> None:
        self.folder = folder
        self._books = books
        self._lookout = lookout
        self._taking = taking
        self._read = read or one
        self.on_arrival: Callable[[str], None] | None = None
        self._random = random.Random(books.route)
        self._leaving: set[str] = set()
        self._due: list[tuple[float, str]] = []
        self._standing: dict[str, str] = {}
        self.arrivals = 0
        lookout.watch(folder, self._seen)

    def lay(self, name: str, data: bytes) -> None:
        """Something of others that stands under a final name already; returns once it was seen."""
        self._books.laid.add(digest_of(data))
        beside = self.folder / f".{name}.laid"
        beside.write_bytes(data)
        beside.rename(self.folder / name)
        while name not in self._standing and self._lookout.failure is None:
            time.sleep(0.002)

    def take_due(self) -> None:
        """Take away what has stood there for long enough."""
        while self._due and self._due[0][0] <= time.monotonic():
            self._take(heapq.heappop(self._due)[1])

    def remains(self) -> list[str]:
        """What stands there in the end and should not: partials, and what is not what arrived under its name."""
        present = {path.name: path for path in self.folder.iterdir() if path.is_file()}
        wrong = [name for name in present if self._standing.get(name) is None]
        gone = [name for name in self._standing if name not in present]
        kept = [name for name in present if name not in wrong]
        changed = [name for name in kept if digest_of(present[name].read_bytes()) != self._standing[name]]
        return sorted({*wrong, *gone, *changed})

    def _seen(self, name: str, mask: int) -> None:
        if name.startswith("."):
            if mask & (MODIFY | CREATE):
                self._tell_of_partial(name)
        elif mask & (MOVED_TO | CREATE):
            self._arrived(name)
        elif mask & MODIFY:
            self._books.torn.append(name)
        elif mask & (MOVED_FROM | DELETE):
            self._gone(name)

    def _tell_of_partial(self, name: str) -> None:
        route = self._books.route
        self._lookout.tell(Sign(route, "partial"))
        if self._lookout.waits_for(Sign(route, "large partial")):
            with suppress(FileNotFoundError):
                if (self.folder / name).stat().st_size > LARGE_BYTES:
                    self._lookout.tell(Sign(route, "large partial"))

    def _arrived(self, name: str) -> None:
        self._lookout.tell(Sign(self._books.route, "arrived"))
        self.arrivals += 1
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return  # the next event says so, and that it is nobody's doing
        digest = digest_of(data)
        for content in self._read(data):
            self._books.arrive(name, content)
        self._standing[name] = digest
        if self.on_arrival is not None:
            self.on_arrival(name)
        if digest in self._books.laid or self._taking is None:
            return
        if self._taking == AT_ONCE:
            self._take(name)
        else:
            heapq.heappush(self._due, (time.monotonic() + self._random.uniform(*self._taking), name))

    def _take(self, name: str) -> None:
        self._leaving.add(name)
        self._standing.pop(name, None)
        with suppress(FileNotFoundError):  # told as vanished already
            (self.folder / name).unlink()

    def _gone(self, name: str) -> None:
        if name in self._leaving:
            self._leaving.discard(name)
            return
        self._books.vanished.append(name)
        self._standing.pop(name, None)


def one(data: bytes) -> list[str]:
    """A file is one content."""
    return [digest_of(data)]


def members(data: bytes) -> list[str]:
    """An archive is many; one that can't be read is a content that nobody fed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [digest_of(archive.read(entry)) for entry in archive.infolist()]
    except zipfile.BadZipFile:
        return one(data)


class LogRecipient:
    """Watches one file that is written behind its end; it is read in the end."""

    def __init__(self, path: Path, books: Books, lookout: Lookout) -> None:
        self.path = path
        self._books = books
        self._lookout = lookout
        lookout.watch(path.parent, self._seen)

    def take_due(self) -> None:
        """It stays."""

    def remains(self) -> list[str]:
        """Read it: every content once, whole, and nothing between them."""
        self._books.arrived.clear()
        for content in contents_in(self.path.read_bytes() if self.path.exists() else b""):
            self._books.arrive(self.path.name, content)
        return [path.name for path in self.path.parent.iterdir() if path != self.path]

    def _seen(self, name: str, mask: int) -> None:
        if mask & MODIFY:
            self._lookout.tell(Sign(self._books.route, "partial"))
        elif mask & (MOVED_TO | MOVED_FROM | DELETE):
            self._books.vanished.append(name)
