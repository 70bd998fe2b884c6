"""What is remembered of the files of one folder between two looks: under 300 bytes a file, its name included.

One packed row for each file, in a dict by name.  Files whose verdict is settled lie still; those that wait stand in
a second dict with the time of their next look.
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from gateway.core.model import Stamp
from gateway.transfer.stability import Verdict

_PACKED = struct.Struct("<qqqQdBB")
_STATE = struct.Struct("<qqqQ")  # how a packed row begins: what a stat says
_VERDICTS = tuple(Verdict)
_NUMBERS = {verdict: number for number, verdict in enumerate(_VERDICTS)}
_NEVER_JUDGED = 255
_CLOSED, _CHANGED, _HIDDEN = 1, 2, 4


class Row(NamedTuple):
    """One file at its last look; `since_s` is when its stamp was first seen, by our monotonic clock."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    since_s: float
    verdict_number: int = _NEVER_JUDGED
    flags: int = 0

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict, None before the first."""
        return None if self.verdict_number == _NEVER_JUDGED else _VERDICTS[self.verdict_number]

    @property
    def closed(self) -> bool:
        """True if its writer's close, or its rename-in, was seen with this stamp."""
        return bool(self.flags & _CLOSED)

    @property
    def changed(self) -> bool:
        """True if its stamp was seen to change."""
        return bool(self.flags & _CHANGED)

    @property
    def readable(self) -> bool:
        """False if its mode lets nobody read it: some writers hide a file so until it is complete."""
        return not self.flags & _HIDDEN

    def stamp(self, device: int = 0) -> Stamp:
        """What a delivery is judged by."""
        return Stamp(self.size_bytes, self.mtime_ns, self.inode, device)


class Sightings:
    """The files of one folder, by name."""

    __slots__ = ("_rows", "ready", "waiting")

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}
        self.waiting: dict[str, float] = {}
        self.ready: set[str] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def row(self, name: str) -> Row | None:
        """What is known of `name`."""
        packed = self._rows.get(name)
        return None if packed is None else Row._make(_PACKED.unpack(packed))

    def inode(self, name: str) -> int | None:
        """The inode that `name` had."""
        row = self.row(name)
        return None if row is None else row.inode

    def see(self, name: str, seen: os.stat_result, now_s: float, *, closed: bool = False) -> bool:
        """Note what `name` looks like now; True if it is new or changed, and so is to be judged anew."""
        if self.is_same(name, seen):
            if closed:
                self._note_closed(name, now_s)
            return False
        before = self.row(name)
        flags = (_CLOSED if closed else 0) | (_CHANGED if before is not None else 0)
        flags |= 0 if seen.st_mode & 0o444 else _HIDDEN
        number = _NEVER_JUDGED if before is None else before.verdict_number
        state = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
        self._keep(name, Row(*state, now_s, number, flags))
        self.waiting[name] = now_s
        self.ready.discard(name)
        return True

    def is_same(self, name: str, seen: os.stat_result) -> bool:
        """True if nothing about `name` moved: ctime counts too, for it can't be set back as an mtime can."""
        state = _STATE.pack(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
        return self._rows.get(name, b"").startswith(state)

    def settle(self, name: str, verdict: Verdict, again_at_s: float | None) -> bool:
        """Note a verdict, and when to ask again (None: not before something happens); True if it is another one."""
        row = self.row(name)
        if row is None:
            return False
        if again_at_s is None:
            self._rest(name)
        else:
            self.waiting[name] = again_at_s
        if verdict is Verdict.READY:
            self.ready.add(name)
        else:
            self.ready.discard(name)
        if row.verdict is verdict:
            return False
        self._keep(name, row._replace(verdict_number=_NUMBERS[verdict]))
        return True

    def due(self, now_s: float) -> list[str]:
        """The names that are to be judged now."""
        return [name for name, at_s in self.waiting.items() if at_s <= now_s]

    def again(self, names: Iterator[str] | set[str], at_s: float) -> None:
        """Judge `names` anew at `at_s`."""
        for name in list(names):
            if name in self._rows:
                self.waiting[name] = at_s

    def forget(self, name: str) -> Row | None:
        """Drop `name`; what was known of it."""
        row = self.row(name)
        self._rows.pop(name, None)
        self._rest(name)
        self.ready.discard(name)
        return row

    def _note_closed(self, name: str, now_s: float) -> None:
        row = self.row(name)
        if row is not None and not row.closed:
            self._keep(name, row._replace(flags=row.flags | _CLOSED))
            self.waiting[name] = now_s

    def _rest(self, name: str) -> None:
        self.waiting.pop(name, None)
        if not self.waiting:
            self.waiting = {}  # a dict that was large stays large

    def _keep(self, name: str, row: Row) -> None:
        self._rows[name] = _PACKED.pack(*row)
