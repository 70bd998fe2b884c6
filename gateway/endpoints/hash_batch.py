"""Checksums over the shell, many files in one command: who asks while one runs is answered by the next."""

import asyncio
from collections import deque
from dataclasses import dataclass

from gateway.core.errors import LinkLost, NeedsOperator
from gateway.endpoints.base import Ran
from gateway.endpoints.sftp_hash import (
    PROGRAMS,
    SHELL_TEST,
    hash_command,
    hashes_command,
    is_plain,
    quotes_as_ours,
    read_digest,
    read_digests,
)
from gateway.endpoints.sftp_session import SftpSession

_AT_ONCE = 2  # commands: a big file's checksum must not hold up the small ones
_FILES_MAX = 256
_BYTES_MAX = 24 * 1024  # of names: the answer names them again, and must fit into what is kept of an output
_LONGER = 10  # than an ordinary call


@dataclass(slots=True)
class _Asked:
    path: str
    algorithm: str
    answer: "asyncio.Future[str | None]"


class HashBatch:
    """The checksums of one session."""

    def __init__(self, session: SftpSession) -> None:
        self._session = session
        self._waiting: deque[_Asked] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = 0
        self._quotes: bool | None = None  # the shell there quotes as ours; None: not asked yet
        self._asking = asyncio.Lock()

    async def digest(self, path: str, algorithm: str, first_bytes: int | None = None) -> str | None:
        """The digest of `path` as the shell sees it, from the login folder; None where no shell computes it.

        Raises LinkLost where the connection has gone, Retryable where the command did not end in time.
        """
        if algorithm not in PROGRAMS or "\0" in path or not (is_plain(path) or await self._quotes_hold()):
            return None
        if first_bytes is not None:
            return await self._one(path, algorithm, first_bytes)
        asked = _Asked(path, algorithm, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._at_work < _AT_ONCE:
            self._at_work += 1
            task = asyncio.ensure_future(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await asked.answer

    async def _work(self) -> None:
        try:
            while some := self._next():
                await self._answer(some)
        finally:
            self._at_work -= 1  # in the very step that found nothing more: who asks next begins anew

    async def _answer(self, some: list[_Asked]) -> None:
        try:
            found = await self._many(some)
        except Exception as exc:  # whatever it is belongs to those who wait
            _fail(some, exc)
        except BaseException:
            _fail(some, LinkLost(f"{self._session.place.name}: the session ended before its checksums came"))
            raise
        else:
            for asked in some:
                _tell(asked, found.get(asked.path))

    def _next(self) -> list[_Asked]:
        """What waits for one algorithm, as much as fits into one command."""
        some: list[_Asked] = []
        left = _BYTES_MAX
        while self._waiting and len(some) < _FILES_MAX:
            asked = self._waiting[0]
            left -= len(asked.path.encode("utf-8", "surrogateescape"))
            if some and (left < 0 or asked.algorithm != some[0].algorithm):
                break
            self._waiting.popleft()
            if not asked.answer.done():
                some.append(asked)
        return some

    async def _many(self, some: list[_Asked]) -> dict[str, str | None]:
        """One command for all; a file that its answer does not name is asked for alone."""
        algorithm = some[0].algorithm
        paths = list(dict.fromkeys(asked.path for asked in some))
        found: dict[str, str | None] = {}
        if len(paths) > 1:
            ran = await self._run(hashes_command(paths, algorithm))
            if ran is None:
                return found
            found.update(read_digests(ran.output, paths, algorithm))
        for path in paths:
            if path not in found:
                found[path] = await self._one(path, algorithm, None)
        return found

    async def _one(self, path: str, algorithm: str, first_bytes: int | None) -> str | None:
        ran = await self._run(hash_command(path, algorithm, first_bytes))
        return read_digest(ran.output, algorithm) if ran is not None and ran.exit_code == 0 else None

    async def _quotes_hold(self) -> bool:
        async with self._asking:
            if self._quotes is None:
                ran = await self._run(SHELL_TEST)
                self._quotes = ran is not None and quotes_as_ours(ran.output)
        return self._quotes

    async def _run(self, command: str) -> Ran | None:
        """None where no command can be run."""
        try:
            return await self._session.run(command, self._session.place.call_timeout_s * _LONGER)
        except NeedsOperator:
            return None


def _tell(asked: _Asked, digest: str | None) -> None:
    if not asked.answer.done():
        asked.answer.set_result(digest)


def _fail(some: list[_Asked], error: Exception) -> None:
    for asked in some:
        if not asked.answer.done():
            asked.answer.set_exception(error)
