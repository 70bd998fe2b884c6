"""Which files of a person's were changed since the gateway that serves read them: it takes them in when told to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.config.files import present_files
from gateway.config.loaded import Loaded
from gateway.core.file_mark import FileMark
from gateway.runner.actions import Actions

_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Newer:
    """What was changed, line by line for people; `unknown` are the files that were not there when all was read."""

    lines: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()

    def answer(self) -> Mapping[str, Sequence[str]]:
        """As it travels between processes."""
        return {"lines": self.lines, "unknown": sorted(self.unknown)}


def newer_files(loaded: Loaded, actions: Actions) -> Newer:
    """Each file that is not as it was read; none if the disk is what holds (blocks)."""
    read = {**loaded.files, **actions.marks}
    present = (*present_files(loaded.path, loaded.config.gateway.include), *loaded.action_files().paths)
    lines = [f"{_shown(path, loaded)} {said}" for path, said in _changed(read, present)]
    more = [f"and {len(lines) - _AT_MOST} files more: `gateway reload` takes them in"] if lines[_AT_MOST:] else []
    unknown = frozenset(str(path.absolute()) for path in present if path not in read)
    return Newer((*lines[:_AT_MOST], *more), unknown)


def _changed(read: Mapping[Path, FileMark], present: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    for path in present:
        if path not in read:
            yield path, "is not known to the gateway that serves: `gateway reload` takes it in"
        elif not _holds(read[path], path):
            yield path, "is newer than what the gateway that serves has read: `gateway reload` takes it in"
    for path in sorted(read.keys() - set(present)):
        yield path, "is gone, but the gateway that serves goes by it still: `gateway reload` ends that"


def _holds(mark: FileMark, path: Path) -> bool:
    try:
        return mark.holds(path)
    except OSError:
        return False


def _shown(path: Path, loaded: Loaded) -> str:
    """From the root, where people look for it."""
    whole = path.absolute()
    return str(whole.relative_to(loaded.root) if whole.is_relative_to(loaded.root) else whole)
