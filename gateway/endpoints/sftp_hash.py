"""Checksums that the peer's own shell computes, with names quoted so that none becomes a command."""

import shlex

from gateway.core.errors import LinkLost, NeedsOperator, Retryable
from gateway.endpoints.sftp_session import SftpSession

_PROGRAMS = {"sha256": "sha256sum", "sha1": "sha1sum", "md5": "md5sum"}
_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}


def hash_command(path: str, algorithm: str) -> str:
    """The command line; input is redirected, so that no name is read as an option or escaped in the answer."""
    return f"{_PROGRAMS[algorithm]} < {shlex.quote(path)}"


def read_digest(output: str, algorithm: str) -> str | None:
    """The digest at the start of the last line, None if it isn't one."""
    lines = output.strip().splitlines()
    first = lines[-1].split(" ")[0].lower() if lines else ""
    good = len(first) == _DIGITS[algorithm] and not first.strip("0123456789abcdef")
    return first if good else None


async def shell_hash(session: SftpSession, path: str, algorithm: str, timeout_s: float) -> str | None:
    """The digest of `path`, relative to the login folder; None where no shell answers."""
    if algorithm not in _PROGRAMS or "\0" in path:
        return None
    try:
        ran = await session.run(hash_command(path, algorithm), timeout_s)
    except (NeedsOperator, LinkLost, Retryable):
        return None
    return read_digest(ran.output, algorithm) if ran.exit_code == 0 else None
