"""Many small files of this machine, read or collected by one thread in a row."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.core.errors import GatewayError, Retryable, SourceChanged
from gateway.core.folders import sync_folder
from gateway.endpoints import local_calls as calls
from gateway.endpoints.base import Claim, Whole
from gateway.endpoints.disk import Disk, remedy_of
from gateway.endpoints.disks import Disks
from gateway.endpoints.os_errors import local_error
from gateway.endpoints.session import within

T = TypeVar("T")
_LAST_FILE_S = 5.0


class LocalBulk:
    """Reads below `folder`; a hung file system holds up one thread, for `timeout_s` at most as far as we wait."""

    def __init__(self, folder: str, disks: Disks, timeout_s: float, *, follow_links: bool) -> None:
        self._folder = folder
        self._disks = disks
        self._timeout_s = timeout_s
        self._follow = follow_links

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        """As the contract says.  Raises LinkLost where the disk doesn't answer."""
        read = partial(_read_whole, most_bytes=most_bytes, algorithms=algorithms, follow_links=self._follow)
        at = [os.path.join(self._folder, path) for path in paths]
        found: dict[int, Whole | GatewayError] = {}
        async with within(self._timeout_s, f"{len(paths)} files from {paths[0]} on", remedy_of(at[0])):
            for disk, numbers in (await self._split(at)).items():
                work = partial(_read_some, [at[n] for n in numbers], read)
                found.update(zip(numbers, await disk.run(work), strict=True))
        return [found[n] for n in range(len(paths))]

    async def collect_all(self, claims: Sequence[Claim]) -> list[GatewayError | None]:
        """As the contract says, but for one file at which the disk hangs.  Raises LinkLost where it doesn't answer."""
        at = [self._at(claim) for claim in claims]
        found: dict[int, GatewayError | None] = {}
        async with within(self._timeout_s, f"{len(claims)} files from {claims[0].path} on", remedy_of(at[0].path)):
            for disk, numbers in (await self._split([claim.path for claim in at])).items():
                found.update(zip(numbers, await self._collect_some(disk, [at[n] for n in numbers]), strict=True))
        return [found[n] for n in range(len(claims))]

    async def _collect_some(self, disk: Disk, claims: Sequence[Claim]) -> list[GatewayError | None]:
        """Whoever gives up waits for the file that the thread is at, for a while."""
        stop = threading.Event()
        going = asyncio.wrap_future(disk.start(lambda: _collect_all(claims, stop, self._follow)))
        try:
            return await asyncio.shield(going)
        finally:
            if not going.done():
                stop.set()
                await asyncio.wait({going}, timeout=_LAST_FILE_S)

    async def _split(self, paths: Sequence[str]) -> dict[Disk, list[int]]:
        """Which of them lie on which disk, by their places in the row."""
        found: dict[Disk, list[int]] = {}
        for number, path in enumerate(paths):
            found.setdefault(await self._disks.of(path), []).append(number)
        return found

    def _at(self, claim: Claim) -> Claim:
        kept = None if claim.kept is None else os.path.join(self._folder, claim.kept)
        path, claimed = os.path.join(self._folder, claim.path), os.path.join(self._folder, claim.claim)
        return Claim(path, claimed, claim.stamp, kept)


def _answer(work: Callable[[], T], path: str) -> T | GatewayError:
    try:
        return work()
    except GatewayError as exc:
        return exc
    except (OSError, ValueError) as exc:
        return local_error(exc, path)


def _read_some(paths: Sequence[str], read: Callable[[str], Whole]) -> list[Whole | GatewayError]:
    return [_answer(partial(read, path), path) for path in paths]


def _read_whole(path: str, *, most_bytes: int, algorithms: frozenset[str], follow_links: bool) -> Whole:
    descriptor = calls.open_to_read(path, follow_links)
    try:
        opened = calls.stamp_of(os.fstat(descriptor))
        data = os.read(descriptor, most_bytes + 1)
    finally:
        os.close(descriptor)
    if len(data) != opened.size_bytes or len(data) > most_bytes:
        raise Retryable(f"{path}: {len(data)} bytes were read where {opened.size_bytes} stand")
    after = calls.stamp_of(calls.look(path, follow_links))
    return Whole(data, opened, after, {name: hashlib.new(name, data).hexdigest() for name in algorithms})


def _collect_all(claims: Sequence[Claim], stop: threading.Event, follow_links: bool) -> list[GatewayError | None]:
    answers = [_answer(partial(_collect, claim, stop, follow_links), claim.path) for claim in claims]
    folders: dict[str, GatewayError | None] = {}
    for claim in claims:
        for path in (claim.path, claim.kept or claim.path):
            folder = os.path.dirname(path) or "."
            if folder not in folders:
                folders[folder] = _answer(partial(sync_folder, folder), folder)
    synced = [folders[os.path.dirname(claim.path) or "."] for claim in claims]
    return [error or unsynced for error, unsynced in zip(answers, synced, strict=True)]


def _collect(claim: Claim, stop: threading.Event, follow_links: bool) -> None:
    """What is claimed can't be replaced between the look and the removal."""
    if stop.is_set():
        raise Retryable(f"{claim.path}: nobody waits for it any more")
    if os.path.lexists(claim.claim):
        raise Retryable(f"{claim.claim}: an earlier attempt has claimed it")
    _require_same(claim.path, claim, follow_links)
    os.rename(claim.path, claim.claim)
    _require_same(claim.claim, claim, follow_links)
    if claim.kept is None:
        os.unlink(claim.claim)
    else:
        os.rename(claim.claim, claim.kept)


def _require_same(path: str, claim: Claim, follow_links: bool) -> None:
    if not calls.stamp_of(calls.look(path, follow_links)).same_version(claim.stamp):
        raise SourceChanged(f"{claim.path}: it was replaced after it was sent")
