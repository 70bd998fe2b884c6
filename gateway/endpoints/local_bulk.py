"""Many small files of this machine, read by one thread in a row."""

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.core.errors import GatewayError, Retryable
from gateway.endpoints import local_calls as calls
from gateway.endpoints.base import Whole
from gateway.endpoints.disk import Disk
from gateway.endpoints.os_errors import local_error
from gateway.endpoints.session import within

T = TypeVar("T")


class LocalBulk:
    """Reads below `folder`; a hung file system holds up one thread, for `timeout_s` at most as far as we wait."""

    def __init__(self, folder: str, disk: Disk, timeout_s: float, *, follow_links: bool) -> None:
        self._folder = folder
        self._disk = disk
        self._timeout_s = timeout_s
        self._follow = follow_links

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        """As the contract says.  Raises LinkLost where the disk doesn't answer."""
        read = partial(_read_whole, most_bytes=most_bytes, algorithms=algorithms, follow_links=self._follow)
        at = [os.path.join(self._folder, path) for path in paths]
        async with within(self._timeout_s, f"{len(paths)} files from {paths[0]} on"):
            return await self._disk.run(lambda: [_answer(partial(read, path), path) for path in at])


def _answer(work: Callable[[], T], path: str) -> T | GatewayError:
    try:
        return work()
    except GatewayError as exc:
        return exc
    except (OSError, ValueError) as exc:
        return local_error(exc, path)


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
