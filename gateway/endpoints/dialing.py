"""TCP to a name of several addresses: one that is silent gets its share of the time, not the others' too.

Partners have IPv6 addresses that nobody has tried for years.
"""

import asyncio
import socket
from functools import partial
from ipaddress import ip_address

from gateway.endpoints.own_thread import OwnThread


async def dialed(host: str, port: int, seconds: float) -> socket.socket:
    """Connected to the first address that answers.  Raises OSError; the last one is bounded by whoever waits."""
    *others, last = await addresses(host, port)
    for address in others:
        try:
            async with asyncio.timeout(seconds / (len(others) + 1)):
                return await _connected(address, port)
        except OSError:
            continue
    return await _connected(last, port)


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
        found = await thread.start(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    finally:
        thread.end()
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def dialed_now(host: str, port: int, seconds: float) -> socket.socket:
    """`dialed`, in a thread that may block; then `seconds` bound each of its calls."""
    count = len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    made = socket.create_connection((host, port), seconds / count)
    made.settimeout(seconds)
    return made


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
