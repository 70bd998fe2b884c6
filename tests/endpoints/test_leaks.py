"""What fails again and again must not pile up: descriptors, threads, tasks."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Scheme
from gateway.core.errors import GatewayError, LinkLost
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from tests.peers.hostile_tcp import black_hole
from tests.peers.openssh import SshPeer
from tests.peers.places import ftp_place, ssh_place
from tests.peers.processes import free_port
from tests.peers.vsftpd import FtpPeer


def counts() -> tuple[int, int, int]:
    """Threads of the loop's own executor are bounded, and stay."""
    return (
        len(os.listdir("/proc/self/fd")),
        len([one for one in threading.enumerate() if not one.name.startswith("asyncio_")]),
        len(asyncio.all_tasks()),
    )


def assert_no_more(now: tuple[int, int, int], before: tuple[int, int, int]) -> None:
    """Descriptors, threads, tasks."""
    assert all(count <= then for count, then in zip(now, before, strict=True)), (now, before)


async def settled(before: tuple[int, int, int]) -> tuple[int, int, int]:
    """The counts once they are down to what they were, or after half a minute."""
    for _ in range(1500):
        if all(now <= then for now, then in zip(counts(), before, strict=True)):
            break
        await asyncio.sleep(0.02)
    return counts()


def down(scheme: Scheme) -> Place:
    host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ9CJzvJc3ojBhsNJcMZAYcQBv6KIELgNTJyMZX9+D4"
    facts: dict[str, Any] = {"host": "127.0.0.1", "port": free_port(), "user": "u", "host_keys": (host_key,)}
    return Place(name="down", scheme=scheme, password="p", connect_timeout_s=0.05, **facts)


@pytest.mark.parametrize("scheme", [Scheme.SFTP, Scheme.FTP, Scheme.FTPS])
async def test_logins_at_a_server_that_is_down_leave_nothing(scheme: Scheme) -> None:
    place = down(scheme)
    with pytest.raises(LinkLost):
        await open_place(place)
    before = counts()
    for _ in range(50):
        with pytest.raises(LinkLost):
            await open_place(place)
    assert_no_more(await settled(before), before)


@pytest.mark.parametrize("scheme", [Scheme.SFTP, Scheme.FTP, Scheme.FTPS])
async def test_logins_at_a_server_that_never_speaks_leave_nothing(scheme: Scheme) -> None:
    async with black_hole() as port:
        place = Place(**{**{name: getattr(down(scheme), name) for name in Place.__dataclass_fields__}, "port": port})
        before = counts()
        answers = await asyncio.gather(*(open_place(place) for _ in range(30)), return_exceptions=True)
        assert all(isinstance(answer, LinkLost) for answer in answers)
        await asyncio.sleep(0.05)
        assert_no_more(await settled(before), before)


async def failing_reads(place: Place, times: int) -> None:
    async with await open_place(place) as endpoint:
        for _ in range(times):
            with pytest.raises(GatewayError):
                await anext(endpoint.read("missing"))


async def test_reads_that_fail_leave_nothing_on_sftp(sshd: SshPeer, sshd_folder: Path) -> None:
    before = counts()
    await failing_reads(ssh_place(sshd, sshd_folder), 300)
    assert_no_more(await settled(before), before)


async def test_reads_that_fail_leave_nothing_on_ftp(tls_vsftpd: FtpPeer) -> None:
    before = counts()
    await failing_reads(ftp_place(tls_vsftpd), 100)
    assert_no_more(await settled(before), before)
