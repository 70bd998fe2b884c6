"""One gateway for each outbox: two that send from one folder would each deliver its files (DESIGN §4).

The folder itself is locked: no file is left in it, and the lock ends with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gateway.core.errors import NeedsOperator
from gateway.core.mounts import Mounts
from gateway.language.nodes import Put, PutGet
from gateway.runner.actions import Actions

_Identity = tuple[int, int]


class OutboxBusy(NeedsOperator):
    """Another gateway sends from this outbox."""


def outboxes_of(actions: Actions) -> set[Path]:
    """The folders that the actions send from."""
    sending = (one for one in actions.instances.values() if one.endpoint is not None)
    return {one.outbox for one in sending if any(isinstance(command, Put | PutGet) for command in one.action.commands)}


class Outboxes:
    """The outboxes that this process holds.  Blocking, but never for long."""

    def __init__(self) -> None:
        self._held: dict[_Identity, int] = {}

    def hold(self, folders: Iterable[Path]) -> None:
        """Hold these and no others; one that is missing, or can't be locked where it lies, is passed over.

        Raises OutboxBusy, which names the other process; what was held before is held still.
        """
        wanted: dict[_Identity, int] = {}
        mounts = Mounts.now()
        try:
            for folder in sorted(folders):
                if not mounts.is_network(str(folder)):  # a server that hangs would keep us from starting
                    self._add(folder, wanted)
        except OutboxBusy:
            _close(file for identity, file in wanted.items() if identity not in self._held)
            raise
        _close(file for identity, file in self._held.items() if identity not in wanted)
        self._held = wanted

    def _add(self, folder: Path, wanted: dict[_Identity, int]) -> None:
        try:
            file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return  # looks at it say what is wrong
        state = os.fstat(file)
        identity = (state.st_dev, state.st_ino)
        if identity in self._held:
            wanted[identity] = self._held[identity]
        if identity in wanted:
            os.close(file)
        elif _locked(file, folder):
            wanted[identity] = file

    def close(self) -> None:
        """Give all back."""
        _close(self._held.values())
        self._held = {}


def _locked(file: int, folder: Path) -> bool:
    """False on a file system that knows no such locks; then only the state folder's lock guards us."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = locked_by(os.fstat(file))
        os.close(file)
        raise OutboxBusy(
            f"{folder}: another gateway{f' (pid {pid})' if pid else ''} sends from this outbox, and two would deliver "
            "its files twice; end that one first, or give this endpoint an outbox of its own"
        ) from None
    except OSError:
        os.close(file)
        return False
    return True


def locked_by(state: os.stat_result) -> int | None:
    """The process that holds this outbox, where the kernel tells."""
    identity = f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}:{state.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "FLOCK" and words[5] == identity:
                return int(words[4])
    return None


def _close(files: Iterable[int]) -> None:
    for file in files:
        os.close(file)
