"""How a place looked when it had everything: as long as it looks so, neither manifest nor notes of it are read."""

import asyncio
import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.jobs.modes import may_run
from gateway.jobs.place_tree import Shown, Tree
from gateway.ledger import Ledger, job_contents
from gateway.ledger.job_contents import Entry

_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PlaceLook:
    """A place as it was just listed.  `said` names what is wanted there, and how it is compared."""

    ledger: Ledger
    place: int
    said: str
    tree: Tree

    async def files(self) -> int | None:
        """How many files it has, each as it should be; None: nobody knows without comparing them."""
        if not self.tree.is_whole:
            return None
        noted = await self.ledger.read(partial(job_contents.place_looked, place=self.place))
        count, _, digest = (noted or "").partition(" ")
        return int(count) if digest and digest == await self._digest() else None

    async def note(self, files: int) -> None:
        """It has all `files`."""
        if self.tree.is_whole:
            look = f"{files} {await self._digest()}"
            await self.ledger.write(partial(job_contents.note_place_look, place=self.place, digest=look))

    async def note_after(
        self, files: int, sent: Sequence[Entry], modes: Sequence[Entry], folders: Sequence[str]
    ) -> None:
        """It has all `files` since some were sent, the executable bit of `modes` was set, and `folders` were made.

        A listing that differs says no harm.
        """
        wanted = {entry.relative: entry for entry in sent}
        there = await self.ledger.read(partial(job_contents.there_of, place=self.place, relatives=list(wanted)))
        if there.keys() != wanted.keys():
            return
        tree = self.tree
        for name, one in there.items():
            runs = tree.tells_modes and may_run(wanted[name])
            tree.files[name] = Shown("", one.size, one.mtime_ns, one.grain_ns, runs)
        for entry in modes:
            tree.files[entry.relative] = tree.files[entry.relative]._replace(executable=may_run(entry))
        tree.folders.update(folders)
        for name in (*wanted, *folders):
            tree.folders.update(_above(name))
        await self.note(files)

    async def _digest(self) -> str:
        return await asyncio.to_thread(digest_of, self.said, self.tree)


def digest_of(said: str, tree: Tree) -> str:
    """The SHA-256 of what a listing showed; quick, column by column."""
    names = sorted(tree.files)
    shown = [tree.files[name] for name in names]
    made = hashlib.sha256(repr((said, sorted(tree.folders), sorted(tree.others))).encode("utf-8", "surrogateescape"))
    made.update("\0".join(names).encode("utf-8", "surrogateescape"))
    made.update(array("q", [one.size for one in shown]))
    made.update(bytes([one.executable for one in shown]))
    made.update(array("q", [-1 if (at := one.mtime_ns) is None else at // one.grain_ns & _MOST for one in shown]))
    return made.hexdigest()


def _above(relative: str) -> Iterator[str]:
    while "/" in relative:
        relative = relative.rpartition("/")[0]
        yield relative
