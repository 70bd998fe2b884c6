"""LDELETE and LREPLACE: what an action does to files of this machine.  Blocking: callers use a thread."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.core.errors import NeedsOperator, NoSpace, PathRefused, Refused
from gateway.transfer.hanging import unwatched
from gateway.transfer.sources import Found, SourceSpec, list_sources

_BLOCK_BYTES = 1 << 20
_FULL = (28, 122)  # ENOSPC, EDQUOT


def delete_local(
    spec: SourceSpec, wanted: Callable[[Found], bool], beat: Callable[[str], None] = unwatched
) -> list[str]:
    """Delete the files that `spec` means and `wanted` agrees to; returns their paths.  `beat` hears of each before.

    A file that is gone already is no error.  Raises PathRefused with what could not be deleted, after the others.
    """
    deleted: list[str] = []
    refused: list[str] = []
    for found in list(list_sources(spec)):
        if not wanted(found):
            continue
        beat(found.path)
        try:
            os.unlink(found.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            refused.append(f"{found.path} ({error.strerror})")
        else:
            deleted.append(found.path)
    if refused:
        raise PathRefused(f"LDELETE could not delete {', '.join(refused)}; check the owner and mode of the folder")
    return deleted


def read_operand(text: str) -> bytes:
    """The bytes that LREPLACE's `old` or `new` stands for: text, or hex as 0x0D0A.  Raises Refused."""
    if not text.lower().startswith("0x"):
        return text.encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise Refused(f"LREPLACE: {text!r} is not hex; write two digits a byte, such as 0x0D0A") from None


def replace_in_file(path: Path, old: bytes, new: bytes, beat: Callable[[str], None] = unwatched) -> int:
    """Replace `old` by `new` in one file, which changes in one step or not at all; returns how often.

    `beat` hears of it before each block, and before the file changes.  Owner's mode is kept.
    Raises NeedsOperator or NoSpace, the file untouched.
    """
    beside = path.with_name(f".{path.name}.lreplace.part")
    count = 0
    try:
        with path.open("rb") as source, beside.open("wb") as copy:
            os.fchmod(copy.fileno(), os.fstat(source.fileno()).st_mode & 0o7777)
            for block, found in _replaced(iter(lambda: source.read(_BLOCK_BYTES), b""), old, new):
                beat(str(path))
                copy.write(block)
                count += found
            copy.flush()
            os.fsync(copy.fileno())
        beat(str(path))
        if count:
            os.replace(beside, path)
    except OSError as error:
        kind = NoSpace if error.errno in _FULL else NeedsOperator
        raise kind(f"LREPLACE could not rewrite {path}: {error.strerror}; the file is as it was") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
    return count


def _replaced(blocks: Iterator[bytes], old: bytes, new: bytes) -> Iterator[tuple[bytes, int]]:
    """Blocks with `old` replaced, also where it lies across two of them, and how often in each."""
    rest = b""
    for block in blocks:
        *before, rest = (rest + block).split(old)
        keep = len(old) - 1
        head, rest = (rest[:-keep], rest[-keep:]) if keep and len(rest) > keep else (b"", rest) if keep else (rest, b"")
        yield b"".join(part + new for part in before) + head, len(before)
    yield rest, 0
