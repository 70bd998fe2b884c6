"""Where a guard's text is run: by the shell of an endpoint's account, or by this machine's own."""

import asyncio
import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

from gateway.core.errors import GatewayError, NeedsOperator, Refused, Retryable
from gateway.endpoints.pool import Pool

CALL_S = 60.0
"""What is asked of a guard is answered within seconds: it never waits for the command's end."""


class Shell(Protocol):
    """Runs a program with words; what it printed.  Raises Retryable where it can't be reached now, GatewayError."""

    @property
    def where(self) -> str:
        """For people."""
        ...

    async def ask(self, words: Sequence[str]) -> str:
        """Anywhere."""
        ...

    async def begin(self, words: Sequence[str]) -> str:
        """Where the command is to run."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteShell:
    """That of an endpoint's account; a session is lent for each call alone."""

    pool: Pool
    endpoint: str

    @property
    def where(self) -> str:
        """The endpoint."""
        return self.endpoint

    async def ask(self, words: Sequence[str]) -> str:
        """In the folder that a login starts in."""
        async with self.pool.session(self.endpoint) as peer:
            if not peer.features.exec:
                raise Refused(f"{self.endpoint}: it runs no commands; a job's command needs SFTP with a shell")
            line = shlex.join(words)
            try:
                return (await peer.execute(line, timeout_s=CALL_S)).output
            except GatewayError as error:
                if line not in str(error):
                    raise
                # nobody wants to read the guard's text in it
                raise type(error)(str(error).replace(line, "asking for a command's guard")) from error

    begin = ask


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalShell:
    """This machine's.  `environment` is put beside ours, without the variables in `hidden`."""

    folder: Path
    environment: Mapping[str, str]
    hidden: Collection[str]

    @property
    def where(self) -> str:
        """Here."""
        return "this machine"

    async def ask(self, words: Sequence[str]) -> str:
        """The command's folder need not be there."""
        return await self._run(words, Path("/"))

    async def begin(self, words: Sequence[str]) -> str:
        """In the command's folder.  Raises NeedsOperator where it can't be used."""
        return await self._run(words, self.folder)

    async def _run(self, words: Sequence[str], folder: Path) -> str:
        with _sheet() as printed:  # of a pipe a command that goes on may hold the other end: uvloop lets it
            await self._ended(words, folder, printed)
            printed.seek(0)
            return printed.read().decode(errors="replace")

    async def _ended(self, words: Sequence[str], folder: Path, printed: IO[bytes]) -> None:
        ours = {name: value for name, value in os.environ.items() if name not in self.hidden}
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=printed,
                stderr=asyncio.subprocess.STDOUT,
                env={**ours, **self.environment},
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a word
            said = error.strerror if isinstance(error, OSError) else error
            raise NeedsOperator(
                f"a command can't be started in {folder}: {said}; make that folder, or let this account in"
            ) from error
        try:
            async with asyncio.timeout(CALL_S):
                await process.wait()
        except TimeoutError:
            raise Retryable(f"this machine's shell did not answer within {CALL_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _sheet() -> IO[bytes]:
    """A file in memory where the kernel has such: on a full disk an answer would be lost, and taken for another one."""
    if sys.platform == "linux":
        return open(os.memfd_create("gateway-guard"), "w+b")
    return TemporaryFile()
