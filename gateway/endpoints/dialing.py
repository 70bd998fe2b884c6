"""TCP to a name of several addresses: one that is silent gets its share of the time, not the others' too.

Partners have IPv6 addresses that nobody has tried for years.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address

from gateway.endpoints.own_thread import OwnThread


async def dialed(host: str, port: int, seconds: float) -> socket.socket:
    """Connected to the first address that answers.  Raises OSError that says of each what was found there."""
    known = await addresses(host, port)
    share, failed = _share(seconds, len(known)), dict[str, OSError]()
    for address in known:
        try:
            async with asyncio.timeout(share):
                return await _connected(address, port)
        except OSError as exc:
            failed[address] = exc
    raise OSError(_found(host, failed, share))


async def _connected(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


async def addresses(host: str, port: int) -> list[str]:
    """The addresses of `host`, best first.  Raises OSError; a name server that hangs holds up nobody else."""
    if _is_address(host):
        return [host]
    thread = OwnThread(f"name-{host}")
    try:
        return await thread.start(partial(_looked_up, host, port))
    finally:
        thread.end()


def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise OSError(f"no name of a server: {exc}") from exc
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def dialed_now(host: str, port: int, seconds: float) -> socket.socket:
    """`dialed`, in a thread that may block; then `seconds` bound each of its calls."""
    known = _looked_up(host, port)
    share, failed = _share(seconds, len(known)), dict[str, OSError]()
    for address in known:
        try:
            made = socket.create_connection((address, port), share)
        except OSError as exc:
            failed[address] = exc
        else:
            made.settimeout(seconds)
            return made
    raise OSError(_found(host, failed, share))


def _share(seconds: float, count: int) -> float:
    """The time of one of `count` addresses; where there are several, the login has a share, too."""
    return seconds / (count + 1) if count > 1 else seconds


def _found(host: str, failed: Mapping[str, OSError], share: float) -> str:
    """What was found at which address, in the system's words: asyncio has others for it."""
    said = dict[str, list[str]]()
    for address, exc in failed.items():
        words = str(OSError(exc.errno, os.strerror(exc.errno))) if exc.errno else f"no answer within {share:.3g} s"
        said.setdefault(words, []).append(address)
    return ", ".join(words if known == [host] else f"{words} at {' and '.join(known)}" for words, known in said.items())


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
