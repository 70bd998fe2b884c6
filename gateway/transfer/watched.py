"""The sources of one command under watch: swept cheaply, judged only where something waits to be judged.

All of this blocks and belongs in a thread; one `Watched` is used by one thread at a time.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from stat import S_ISDIR, S_ISREG

from gateway.core.errors import PathRefused
from gateway.core.model import Stamp
from gateway.language.pattern import is_temporary
from gateway.language.settings import Stability
from gateway.transfer.lease import Writer, probe_writer
from gateway.transfer.markers import DoneFile
from gateway.transfer.sightings import Row
from gateway.transfer.sources import Found, Level, SourceSpec, any_name, look_at, written_as
from gateway.transfer.stability import Judgement, Rule, Sight, judge_asking
from gateway.transfer.views import FolderView, Gone, Scan, scan


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks: `monotonic_s` for every wait, `wall_ns` (since the epoch) for file times."""

    monotonic_s: float
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Hints:
    """Why a look takes place.

    `folders`: the folders themselves are looked at (the periodic look), not only the files that are `touched` (path:
    whether its writer closed it or it was renamed in) or wait.  `rescan`: every folder is listed, whatever its mtime
    says.  `every_file`: and every file in it looked at.  `again`: what was ready or waits is judged anew (a run is
    over); `anew`: every known file is (a person changed what the ledger says).
    """

    folders: bool = True
    rescan: bool = False
    every_file: bool = False
    again: bool = False
    anew: bool = False
    touched: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """One file, as it was just judged."""

    view: FolderView
    name: str
    found: Found
    judgement: Judgement


@dataclass(slots=True)
class Swept:
    """What a sweep came across."""

    fresh: list[tuple[FolderView, str]] = field(default_factory=list)  # new or changed files
    gone: list[Gone] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # folders that can't be read
    replaced: list[str] = field(default_factory=list)  # folders that another one stands for now


class Watched:
    """The files that one command's source means, and what is known of each."""

    def __init__(self, command: int, spec: SourceSpec, rule: Rule, done_file: DoneFile | None = None) -> None:
        self.command = command
        self.spec = spec
        self.rule = rule
        self._done_file = done_file if rule.kind is Stability.DONE_FILE else None
        self._literal = False
        self._matches: Callable[[str], bool] = spec.pattern.matches
        self._views: dict[str, FolderView] = {}
        self.moved_to: SourceSpec | None = None
        """Where the sources lie from the next sweep on: one that names a date moves at midnight."""

    @property
    def views(self) -> Iterator[FolderView]:
        """The folders under watch."""
        return iter(tuple(self._views.values()))

    @property
    def file_count(self) -> int:
        """How many files are known."""
        return sum(len(view.sights) for view in self._views.values())

    def next_at_s(self) -> float | None:
        """When the first file that waits is to be judged, None if none waits."""
        return min((at for view in self._views.values() for at in view.sights.waiting.values()), default=None)

    def stirs(self, now_s: float) -> bool:
        """True if a look would find something: costs a stat of each folder, or of the one file that is meant."""
        if not self._views or self.moved_to is not None:
            return True
        if self._literal:
            return self._literal_stirs(now_s)
        return any(view.stirs(now_s) for view in self._views.values())

    def sweep(self, now: Instant, hints: Hints) -> Swept:
        """Look for files that came, changed or went."""
        swept = Swept()
        self._move()
        if hints.again or hints.anew:
            self._reconsider(now.monotonic_s, everything=hints.anew)
        if hints.folders or not self._views:
            self._look_at_folders(now, hints, swept)
        for path, closed in hints.touched.items():
            self._touch(path, closed, now, swept)
        return swept

    def judge(self, now: Instant, limit: int) -> list[Judged]:
        """Judge at most `limit` of the files whose time has come; those that vanished are dropped."""
        judged: list[Judged] = []
        for view in self.views:
            for name in view.sights.due(now.monotonic_s)[: limit - len(judged)]:
                one = self._judge(view, name, now)
                if one is not None:
                    judged.append(one)
        return judged

    def marker_of(self, name: str) -> str:
        """The name of the done file that says that `name` is whole; empty where none is waited for."""
        return "" if self._done_file is None else os.path.basename(self._done_file.beside("", name))

    def ready(self) -> Iterator[Found]:
        """The files that may be taken, as they were judged."""
        for view in self.views:
            for name in sorted(view.sights.ready):
                yield self.found(view, name)

    @property
    def has_ready(self) -> bool:
        """True if a file may be taken."""
        return any(view.sights.ready for view in self._views.values())

    def found(self, view: FolderView, name: str) -> Found:
        """A known file, as it was last seen."""
        row = view.sights.row(name)
        device = view.identity[0] if view.identity else 0
        return self._found(view, name, row.stamp(device) if row is not None else Stamp(-1))

    def _move(self) -> None:
        spec, self.moved_to = self.moved_to, None
        if spec is not None and (spec.folder, spec.name) != (self.spec.folder, self.spec.name):
            self.spec = spec
            self._matches = spec.pattern.matches
            self._views.clear()

    def _reconsider(self, now_s: float, *, everything: bool) -> None:
        for view in self.views:
            names = set(view.sights) if everything else view.sights.ready | set(view.sights.waiting)
            view.sights.again(names, now_s)

    def _look_at_folders(self, now: Instant, hints: Hints, swept: Swept) -> None:
        top = self._top(now, swept)
        if top is None:
            return
        pending = [top, *(level.level for below, level in self._views.items() if below != top.below)]
        done: set[str] = set()
        while pending:
            level = pending.pop()
            if level.below not in done:
                done.add(level.below)
                pending += self._look_at_folder(level, now, hints, swept)

    def _top(self, now: Instant, swept: Swept) -> Level | None:
        """The folder to list; None for a literal file, which is looked at by its own name only."""
        if self.spec.literal is None:
            return Level(str(self.spec.folder))
        path = written_as(self.spec)
        seen = look_at(path, follow_links=self.spec.follow_links)
        if seen is not None and S_ISDIR(seen.st_mode):
            self._become(literal=False)
            return Level(path)
        self._become(literal=True)
        view = self._views.setdefault("", FolderView(Level(os.path.dirname(path))))
        name = os.path.basename(path)
        if seen is None or not S_ISREG(seen.st_mode):
            swept.gone += view.forget({name})
        elif view.sights.see(name, seen, now.monotonic_s):
            swept.fresh.append((view, name))
        return None

    def _literal_stirs(self, now_s: float) -> bool:
        seen = look_at(written_as(self.spec), follow_links=self.spec.follow_links)
        (view,) = self._views.values()
        if seen is None:
            return len(view.sights) > 0
        same = all(view.sights.is_same(name, seen) for name in view.sights) and len(view.sights) > 0
        return not same or any(at_s <= now_s for at_s in view.sights.waiting.values())

    def _become(self, *, literal: bool) -> None:
        """What a literal name stands for may change: a file, or a folder whose files are meant."""
        if literal != self._literal or not self._views:
            self._views.clear()
            self._literal = literal
        self._matches = self.spec.pattern.matches if literal else any_name

    def _look_at_folder(self, level: Level, now: Instant, hints: Hints, swept: Swept) -> list[Level]:
        seen = look_at(level.path, follow_links=True)
        if seen is None or not S_ISDIR(seen.st_mode):
            return self._lose(level, swept)
        view = self._views.setdefault(level.below, FolderView(level))
        if view.is_other(seen):
            swept.replaced.append(level.path)
        if not (hints.rescan or hints.every_file or view.must_scan(seen)):
            return []
        view.scanned(seen, now.wall_ns)
        try:
            met = self._scan(view, now, hints)
        except PathRefused as exc:
            view.lost()
            swept.problems.append(str(exc))
            return []
        swept.fresh += [(view, name) for name in met.fresh]
        swept.gone += view.forget(met.gone)
        return met.folders

    def _scan(self, view: FolderView, now: Instant, hints: Hints) -> Scan:
        return scan(
            view,
            matches=self._wants,
            recurse=self.spec.recurse,
            follow_links=self.spec.follow_links,
            now_s=now.monotonic_s,
            every_file=hints.every_file,
        )

    def _lose(self, level: Level, swept: Swept) -> list[Level]:
        view = self._views.setdefault(level.below, FolderView(level))
        swept.gone += view.forget_all()
        view.lost()
        if level.below:
            del self._views[level.below]
        else:
            swept.problems.append(f"{level.path}: this folder isn't there; its files are taken once it is")
        return []

    def _wants(self, name: str) -> bool:
        return self._matches(name) and not (self._done_file is not None and self._done_file.is_marker(name))

    def _touch(self, path: str, closed: bool, now: Instant, swept: Swept) -> None:
        """An event says that something happened to `path`."""
        folder, _, name = path.rpartition("/")
        view = self._view_of(folder or "/")
        if view is None:
            return
        if self._done_file is not None and self._done_file.is_marker(name):
            view.sights.again(set(view.sights.waiting), now.monotonic_s)
            return
        if name not in view.sights and not self._takes(name):
            return
        seen = look_at(path, follow_links=self.spec.follow_links)
        if seen is None or not S_ISREG(seen.st_mode):
            swept.gone += view.forget({name})
        elif view.sights.see(name, seen, now.monotonic_s, closed=closed):
            swept.fresh.append((view, name))

    def _view_of(self, folder: str) -> FolderView | None:
        top = self._views.get("")
        if top is None or folder == top.level.path:
            return top
        inside = folder.startswith(top.level.path + "/")
        return self._views.get(folder[len(top.level.path) + 1 :] + "/") if inside else None

    def _takes(self, name: str) -> bool:
        if self._literal:
            return self._matches(name)
        return self._wants(name) and not is_temporary(name)

    def _judge(self, view: FolderView, name: str, now: Instant) -> Judged | None:
        path = view.path_of(name)
        seen = self._look(path)
        if seen is None or not S_ISREG(seen.st_mode):
            view.sights.forget(name)
            return None
        view.sights.see(name, seen, now.monotonic_s)
        row = view.sights.row(name)
        if row is None:
            return None
        judgement = judge_asking(self._sight(view, name, row, now), self.rule, lambda: self._writer(path))
        return Judged(view, name, self._found(view, name, row.stamp(seen.st_dev)), judgement)

    def _look(self, path: str) -> os.stat_result | None:
        """A fresh stat; on a network file system the file is opened first, which makes the client ask the server."""
        if not self.rule.network:
            return look_at(path, follow_links=self.spec.follow_links)
        seen = look_at(path, follow_links=self.spec.follow_links)
        if seen is None or not S_ISREG(seen.st_mode):
            return seen
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return seen
        try:
            return os.fstat(opened)
        finally:
            os.close(opened)

    def _sight(self, view: FolderView, name: str, row: Row, now: Instant) -> Sight:
        touched_ns = max(row.mtime_ns, row.ctime_ns)
        marker = self._done_file.beside(view.level.path, name) if self._done_file is not None else None
        return Sight(
            size_bytes=row.size_bytes,
            quiet_s=now.monotonic_s - row.since_s,
            untouched_s=max(0.0, (now.wall_ns - touched_ns) / 1e9),
            closed=row.closed,
            changed=row.changed,
            readable=row.readable,
            marker=marker is not None and os.path.lexists(marker),
            marker_name=self.marker_of(name),
        )

    def _writer(self, path: str) -> Writer:
        return Writer.UNKNOWN if self.rule.network else probe_writer(path, follow_links=self.spec.follow_links)

    def _found(self, view: FolderView, name: str, stamp: Stamp) -> Found:
        return Found(view.path_of(name), view.level.below + name, stamp)
