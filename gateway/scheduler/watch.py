"""Events of the file system, as hints: they make a look come sooner, the periodic look is the truth.

One inotify instance and one thread of watchdog's for all folders (its public observer starts a thread for each, and
tells of a lost event only its logger).  What comes in is kept in a bounded table by path; when that or the kernel's
queue overflows, everything is to be listed.
"""

import errno
import os
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

PENDING_AT_MOST = 20_000

_GONE = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT
_COMPLETE = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO
_WANTED = Mask(
    _COMPLETE
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)


@dataclass(slots=True)
class Pending:
    """What happened since it was last taken.

    `touched`: path of a file: whether it is complete as far as its last event says (closed after writing, renamed
    in).  `folders`: folders in which a folder came or went, or which are themselves gone.  `lost`: events were lost.
    """

    touched: dict[str, bool] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    lost: bool = False

    @property
    def is_empty(self) -> bool:
        """True if nothing happened."""
        return not (self.touched or self.folders or self.lost)


class FolderEvents:
    """Watches folders, each for itself (a tree is covered folder by folder, as the looks find them)."""

    def __init__(self, poke: Callable[[], None], open_inotify: Callable[[], InotifyFD] = InotifyFD) -> None:
        self._poke = poke
        self._open_inotify = open_inotify
        self._inotify: InotifyFD | None = None
        self._lock = threading.Lock()
        self._pending = Pending()
        self._paths: dict[int, set[str]] = {}
        self._watches: dict[str, tuple[WatchDescriptor, CallbackId]] = {}
        self._closing = False
        self._last_id = 0
        self.trouble: dict[str, str] = {}
        """Why a folder has no events, by path: it is polled."""

    def take(self) -> Pending:
        """What happened since the last call."""
        with self._lock:
            taken, self._pending = self._pending, Pending()
        return taken

    def cover(self, folders: Collection[str]) -> None:
        """Watch `folders` too; those that can't be are in `trouble`.  Blocks shortly."""
        for folder in folders:
            if folder not in self._watches:
                self._add(folder)

    def covers(self, folder: str) -> bool:
        """True while `folder` is watched; it isn't any more once it was removed or moved away."""
        return folder in self._watches

    def uncover(self, folders: Collection[str]) -> None:
        """Stop watching `folders`."""
        for folder in folders:
            self.trouble.pop(folder, None)
            with self._lock:
                dropped = self._drop(folder)
            self._forget(dropped)

    def close(self) -> None:
        """End the thread.  Blocks shortly."""
        self._closing = True
        if self._inotify is not None:
            self._inotify.stop()
            self._inotify.join()
            self._inotify = None

    def on_event(self, event: InotifyEvent) -> None:
        """Called by watchdog's thread for each event."""
        with self._lock:
            was_empty = self._pending.is_empty
            dropped = [self._note(folder, event) for folder in tuple(self._paths.get(event.wd, ()))]
        for one in dropped:
            self._forget(one)
        if was_empty:
            self._poke()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Called by watchdog's thread when a watched folder is gone or unmounted."""
        with self._lock:
            if self._closing:
                return
            for folder in tuple(self._paths.get(wd, ())):
                self._drop(folder)
                self._pending.folders.add(folder)
        self._poke()

    def on_queue_overflow(self) -> None:
        """Called by watchdog's thread when the kernel dropped events."""
        with self._lock:
            self._overflow()
        self._poke()

    def _note(self, folder: str, event: InotifyEvent) -> "tuple[WatchDescriptor, CallbackId] | None":
        """Put one event among what is pending; the watch to remove if it now follows a folder that moved away."""
        if event.mask & _GONE:
            self._pending.folders.add(folder)
            return self._drop(folder) if event.is_move_self else None
        if event.is_directory:
            self._pending.folders.add(folder)
        elif len(self._pending.touched) >= PENDING_AT_MOST:
            self._overflow()
        else:
            path = os.path.join(folder, os.fsdecode(event.name))
            self._pending.touched[path] = bool(event.mask & _COMPLETE)
        return None

    def _overflow(self) -> None:
        self._pending = Pending(lost=True)

    def _drop(self, folder: str) -> "tuple[WatchDescriptor, CallbackId] | None":
        known = self._watches.pop(folder, None)
        if known is not None:
            paths = self._paths.get(known[0], set())  # two where a folder is watched under two paths
            paths.discard(folder)
            if not paths:
                self._paths.pop(known[0], None)
        return known

    def _forget(self, dropped: "tuple[WatchDescriptor, CallbackId] | None") -> None:
        if dropped is not None and self._inotify is not None:
            self._inotify.remove_callbacks([dropped])

    def _add(self, folder: str) -> None:
        try:
            inotify = self._running()
            with self._lock:
                self._last_id += 1
                own = CallbackId(self._last_id)
                watch = inotify.add_callback(os.fsencode(folder), _WANTED, self, own)
                if watch != -1:
                    self._watches[folder] = (watch, own)
                    self._paths.setdefault(watch, set()).add(folder)
        except OSError as exc:
            self.trouble[folder] = _reason(folder, exc)
        else:
            if watch == -1:  # watchdog passes over a refusal
                self.trouble[folder] = f"{folder}: it may not be watched (permission denied), so it is polled"
            else:
                self.trouble.pop(folder, None)

    def _running(self) -> InotifyFD:
        if self._inotify is None:
            self._inotify = self._open_inotify()
            self._inotify.start()
        return self._inotify


def _reason(folder: str, exc: OSError) -> str:
    if exc.errno == errno.ENOSPC:
        remedy = "raise the sysctl fs.inotify.max_user_watches"
    elif exc.errno == errno.EMFILE:
        remedy = "raise the sysctl fs.inotify.max_user_instances"
    elif exc.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{folder}: this folder isn't there; it is polled until it is"
    else:
        remedy = "its file system gives no events"
    return f"{folder}: no events ({exc.strerror}), so it is polled; {remedy}"
