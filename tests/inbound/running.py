"""Embedded servers on loopback with one account, `partner`, and what has landed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from gateway.config.schema import InboundSettings
from gateway.inbound import InboundServers
from gateway.inbound.book import Book

NAME = "partner"
PASSWORD = "correct horse"


@dataclass
class Running:
    """Servers that run, the account's folder, its key, and the paths that were reported."""

    servers: InboundServers
    root: Path
    key: Path
    ca: Path
    landed: list[str] = field(default_factory=list)
    config: InboundSettings = field(default_factory=InboundSettings)

    @property
    def sftp_port(self) -> int:
        assert self.servers.sftp_address is not None
        return self.servers.sftp_address[1]

    @property
    def ftp_port(self) -> int:
        assert self.servers.ftp_address is not None
        return self.servers.ftp_address[1]

    @property
    def names(self) -> list[str]:
        """Reported paths, below the account's folder."""
        return [str(Path(path).relative_to(self.root)) for path in self.landed]

    @property
    def hidden(self) -> list[Path]:
        """Uploads on their way."""
        return list(self.root.rglob("*.landing"))

    def sftp(self, **options: Any) -> Any:
        """A connection that logs in with the password."""
        given = {"username": NAME, "password": PASSWORD, "client_keys": None, "known_hosts": None, "config": None}
        return asyncssh.connect("127.0.0.1", self.sftp_port, **{**given, **options})


@asynccontextmanager
async def running(
    tmp_path: Path, password_hash: str, *, book: Book | None = None, **inbound: Any
) -> AsyncIterator[Running]:
    """Servers with the sections `sftp` and `ftp` given, stopped at the end."""
    key = tmp_path / "id"
    key.touch(mode=0o600)
    made = asyncssh.generate_private_key("ssh-ed25519")
    key.write_bytes(made.export_private_key())
    user = {"password": password_hash, "keys": [made.export_public_key().decode()], "root": "rooms/partner"}
    config = InboundSettings.model_validate({**inbound, "users": {NAME: user}})
    landed: list[str] = []
    servers = InboundServers(config, tmp_path, tmp_path / "state", landed.append, book)
    await servers.start()
    try:
        yield Running(servers, (tmp_path / "rooms/partner").resolve(), key, tmp_path / "ca.pem", landed, config)
    finally:
        await servers.stop()


async def until(met: Callable[[], bool], limit_s: float = 100) -> None:
    """Wait for what another task, thread or process will do."""
    async with asyncio.timeout(limit_s):
        while not met():
            await asyncio.sleep(0.01)
