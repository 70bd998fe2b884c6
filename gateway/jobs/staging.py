"""The folder that a remote source is collected into: what in it still holds, and what has to go.  Blocks."""

import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping

from gateway.core.folders import sync_folder
from gateway.endpoints.modes import run_mode
from gateway.endpoints.os_errors import local_errors
from gateway.jobs.place_tree import Shown

_UNDER_WAY = (".part", ".claim")


def lacking(staging: str, files: Mapping[str, Shown]) -> list[str]:
    """Of the files of a source those that are not there as the source shows them, in order."""
    return sorted(relative for relative, shown in files.items() if not _is_there(f"{staging}/{relative}", shown))


def _is_there(path: str, shown: Shown) -> bool:
    """True for a copy of that size and time, made when a later change would have left another time."""
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    if shown.mtime_ns is None or seen.st_size != shown.size:
        return False
    same_time = seen.st_mtime_ns // shown.grain_ns == shown.mtime_ns // shown.grain_ns
    return same_time and seen.st_ctime_ns >= shown.mtime_ns + shown.grain_ns


def clear(staging: str) -> None:
    """Take all away, what is under way, too, for good: what came back would be believed.  Raises GatewayErrors."""
    with local_errors(staging):
        os.makedirs(staging, exist_ok=True)
        with os.scandir(staging) as entries:
            for one in list(entries):
                if one.is_dir(follow_symlinks=False):
                    shutil.rmtree(one.path)
                else:
                    os.remove(one.path)
        sync_folder(staging)


def fit(staging: str, files: Collection[str], folders: Iterable[str]) -> None:
    """Make the folders of a source, and take away what it has not.  Raises GatewayErrors."""
    with local_errors(staging):
        os.makedirs(staging, exist_ok=True)
        wanted = {*folders, *_above(files)}
        for at, inner, names in os.walk(staging, topdown=False):
            below = os.path.relpath(at, staging) + "/" if at != staging else ""
            for name in names:
                _remove_file(f"{at}/{name}", below + name, files)
            for name in inner:
                _remove_folder(f"{at}/{name}", below + name, wanted)
        for folder in sorted(wanted):
            os.makedirs(f"{staging}/{folder}", exist_ok=True)


def let_run(staging: str, files: Mapping[str, Shown]) -> None:
    """What its owner may run at the source may be run here, and nothing else.  Raises GatewayErrors."""
    with local_errors(staging):
        for relative, shown in files.items():
            path = f"{staging}/{relative}"
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if bool(mode & stat.S_IXUSR) != shown.executable:
                os.chmod(path, run_mode(mode, allowed=shown.executable))


def forget(staging: str, files: Iterable[str]) -> None:
    """Take files away of which nobody knows whether they still are what the source has."""
    with local_errors(staging):
        for relative in files:
            if os.path.lexists(f"{staging}/{relative}"):
                os.remove(f"{staging}/{relative}")


def _above(files: Iterable[str]) -> Iterator[str]:
    for relative in files:
        parts = relative.split("/")[:-1]
        yield from ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _remove_file(path: str, relative: str, files: Collection[str]) -> None:
    """Partials of a killed run are looked after by whoever settles its deliveries."""
    if relative not in files and not relative.endswith(_UNDER_WAY):
        os.remove(path)


def _remove_folder(path: str, relative: str, wanted: Collection[str]) -> None:
    if os.path.islink(path):
        os.remove(path)
    elif relative not in wanted:
        shutil.rmtree(path)
