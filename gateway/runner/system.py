"""SYSTEM: run an allowed program here, without a shell (SPEC §5).

The line is split once, before macros are put in, so that a file name can never become a program or an option of
its own.  A program runs in a process group of its own, which is ended as a whole when time is up.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import GatewayError, NeedsOperator, Refused
from gateway.language.command_line import is_allowed, split_command_line
from gateway.language.nodes import CodeRange

TIME_LIMIT_S = 600.0
TAIL_BYTES = 16_384
_GRACE_S = 3.0
_NOTHING: Mapping[str, str] = {}
_LAST_WORDS_S = 0.5
"""How long output is read after a program has ended: what it leaves running may print for ever."""


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended: its exit code (negative: the signal) and the tail of what it printed."""

    exit_code: int
    output: str


def is_success(exit_code: int, codes: Sequence[CodeRange]) -> bool:
    """True if one of the ranges holds the code."""
    return any(codes_.low <= exit_code <= codes_.high for codes_ in codes)


def program_words(line: str, expand: Callable[[str], str], allow: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The words of a SYSTEM line: split first, then macros put in, so that a value stays inside its word.

    Raises Refused with the line to add, unless an entry of `[system] allow` is how they begin.
    """
    try:
        words = tuple(expand(word) for word in split_command_line(line))
    except ValueError as error:
        raise Refused(f"SYSTEM: {error}") from None
    if not is_allowed(words, tuple(allow)):
        program = json.dumps(words[0] if words else "")
        raise Refused(
            f"SYSTEM may not run {program}: it is not in [system] allow; if it is meant, add it to gateway.toml: "
            f"[system] allow = [{program}]"
        )
    return words


async def run_program(
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] = _NOTHING,
    hidden: Collection[str] = (),
    time_limit_s: float = TIME_LIMIT_S,
) -> ProgramResult:
    """Run `words` in `folder`; standard input is empty, output and errors are kept together, the tail only.

    `environment` is put beside ours; `hidden` are variables of ours that it doesn't get: passwords are no business of
    programs.

    Raises NeedsOperator if the program can't be started, GatewayError if it does not end in time.
    """
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env={**{name: value for name, value in os.environ.items() if name not in hidden}, **environment},
        )
    except BaseException as error:
        os.close(read_end)
        if not isinstance(error, OSError | ValueError):  # ValueError: a NUL in a word
            raise
        said = error.strerror if isinstance(error, OSError) else error
        raise NeedsOperator(f"SYSTEM could not start {words[0]!r} in {folder}: {said}") from error
    finally:
        os.close(write_end)
    return await _follow(process, read_end, words[0], time_limit_s)


async def _follow(
    process: asyncio.subprocess.Process, read_end: int, program: str, time_limit_s: float
) -> ProgramResult:
    async with _tail_of(read_end) as tail:
        try:
            async with asyncio.timeout(time_limit_s):
                exit_code = await process.wait()
        except TimeoutError:
            exit_code = None
        finally:
            await _end_group(process)
    if exit_code is None:
        raise GatewayError(
            f"SYSTEM {program!r} did not end within {time_limit_s:g} s and was stopped; "
            f"it last printed: {_text(tail)!r}"
        )
    return ProgramResult(exit_code, _text(tail))


@asynccontextmanager
async def _tail_of(read_end: int) -> AsyncIterator[bytearray]:
    """The last bytes that come out of a pipe of ours; whole once the block is over.

    A pipe of asyncio's would keep us waiting for a grandchild that holds it open for ever.
    """
    reader, tail = asyncio.StreamReader(), bytearray()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
    )
    reading = asyncio.create_task(_read_tail(reader, tail))
    try:
        yield tail
        await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        transport.close()


async def _read_tail(reader: asyncio.StreamReader, tail: bytearray) -> None:
    while block := await reader.read(65_536):
        tail += block
        del tail[:-TAIL_BYTES]


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """Ask the whole group to end, then make it; what a program that has ended leaves running is its own affair."""
    if process.returncode is not None:
        return
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _text(tail: bytearray) -> str:
    return tail.decode(errors="replace").strip()
