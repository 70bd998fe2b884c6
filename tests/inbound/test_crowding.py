"""One address that opens connections and never logs in keeps no other out."""

import asyncio
import contextlib
import ftplib
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.inbound.running import NAME, PASSWORD, Running, running

MOST = 8
SECTIONS: dict[str, dict[str, Any]] = {
    "sftp": {"listen": "127.0.0.1:0", "max_connections": MOST},
    "ftp": {"listen": "127.0.0.1:0", "max_connections": MOST, "plain": True},
}


def knock(port: int, over: str) -> tuple[socket.socket, bool]:
    """A connection from an address of its own that never logs in, and whether it was let in."""
    raw = socket.create_connection(("127.0.0.1", port), 60, source_address=("127.0.0.2", 0))
    if over == "sftp":
        raw.sendall(b"SSH-2.0-nobody\r\n")
    said = b""
    while not any(word in said for word in (b"220 ", b"kex", b"421 ", b"Too many")):
        said += raw.recv(4000) or b"Too many"
    return raw, b"220 " in said or b"kex" in said


async def log_in(made: Running, over: str) -> None:
    if over == "sftp":
        async with made.sftp():
            return

    def work() -> None:
        with ftplib.FTP(timeout=60) as client:
            client.connect("127.0.0.1", made.ftp_port)
            client.login(NAME, PASSWORD)

    await asyncio.to_thread(work)


@pytest.mark.parametrize("over", SECTIONS)
async def test_an_address_that_never_logs_in_leaves_room_for_others(
    tmp_path: Path, password_hash: str, over: str
) -> None:
    section: Any = {over: SECTIONS[over]}
    async with running(tmp_path, password_hash, **section) as made:
        port = made.sftp_port if over == "sftp" else made.ftp_port
        with contextlib.ExitStack() as stack:
            let_in = 0
            for _ in range(MOST + 2):
                raw, is_in = await asyncio.to_thread(knock, port, over)
                stack.callback(raw.close)
                let_in += is_in
            assert let_in == MOST // 2 + 1
            await log_in(made, over)
