"""Which actions a folder concerns: events and landed files are routed to them as hints."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from gateway.scheduler.entry import Entry
from gateway.scheduler.watch import FolderEvents, Pending
from gateway.transfer.watched import Hints

NO_EVENTS = "a network file system tells nothing of what other machines do there; its folders are listed every {0:g} s"


class Folders:
    """The folders of all actions.  `own`: the roots of our inbound servers, who say themselves what is complete."""

    def __init__(self, events: FolderEvents | None, own: Collection[Path] = ()) -> None:
        self._events = events
        self._own = tuple(f"{folder}/" for folder in own)
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._folders: dict[str, frozenset[str]] = {}

    def index(self, entry: Entry) -> frozenset[str]:
        """Note the folders of `entry`; those that are to be covered by events and aren't yet."""
        folders = _folders_of(entry)
        before = self._folders.get(entry.name, frozenset())
        if folders == before:
            return frozenset(folder for folder in folders if entry.check is not None and self._was_remade(folder))
        for folder in before - folders:
            self._names[folder].discard(entry.name)
        for folder in folders - before:
            self._names[folder].add(entry.name)
        self._folders[entry.name] = folders
        return folders - before if _has_events(entry) else frozenset()

    def _was_remade(self, folder: str) -> bool:
        """It stands there, but what was watched was another one."""
        return self._events is not None and not self._events.covers(folder) and folder not in self._events.trouble

    def drop(self, name: str) -> frozenset[str]:
        """Forget an action; the folders that nobody needs any more."""
        folders = self._folders.pop(name, frozenset())
        for folder in folders:
            self._names[folder].discard(name)
        unused = frozenset(folder for folder in folders if not self._names[folder])
        for folder in unused:
            del self._names[folder]
        return unused

    def troubles(self, entry: Entry, untrusted_every_s: float) -> list[str]:
        """Why events don't help `entry`."""
        if entry.polled is not None and not entry.polled.trusts_folder_times:
            return [NO_EVENTS.format(untrusted_every_s)]
        known = self._events.trouble if self._events is not None else {}
        return [known[folder] for folder in sorted(self._folders.get(entry.name, ())) if folder in known]

    def route(self, pending: Pending, landed: Iterable[str]) -> dict[str, Hints]:
        """What each action is to look at, given events and files that landed at our own servers."""
        touched: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        folders: set[str] = set(self._folders) if pending.lost else set()
        for path, complete in pending.touched.items():
            self._route_file(path, complete and not path.startswith(self._own), touched, folders)
        for path in landed:
            self._route_file(path, True, touched, folders)
        for folder in pending.folders:
            folders |= self._names.get(folder, set())
        return {
            name: Hints(folders=name in folders, rescan=pending.lost or name in folders, touched=touched.get(name, {}))
            for name in folders | touched.keys()
        }

    def _route_file(self, path: str, complete: bool, touched: Mapping[str, dict[str, bool]], folders: set[str]) -> None:
        folder = path.rpartition("/")[0]
        if folder in self._names:
            for name in self._names[folder]:
                touched[name][path] = complete
            return
        while folder:  # it lies in a folder that no look has met yet
            folder = folder.rpartition("/")[0]
            if folder in self._names:
                folders |= self._names[folder]
                return


def _folders_of(entry: Entry) -> frozenset[str]:
    if entry.polled is not None:
        return frozenset(entry.polled.folders)
    if entry.check is not None and entry.check_stands:  # once it stands again it is covered by events anew
        return frozenset({str(entry.check.spec.base)})
    return frozenset()


def _has_events(entry: Entry) -> bool:
    lane = entry.polled.lane if entry.polled is not None else entry.check.lane if entry.check is not None else ""
    return not lane
