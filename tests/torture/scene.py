"""A whole engine and one partner that misbehaves: the endpoint is called `acme`, its files are in `peer`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from gateway.core.clock import Clock, SystemClock
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.due import RunResult
from tests.peers.ftp_servers import pyftpd
from tests.peers.ssh_servers import PASSWORD, asyncssh_sftp
from tests.runner.harness import Stage, stage, tree, write


@dataclass
class Scene:
    """An engine under test and its partner."""

    act: Stage
    peer: Path

    async def run(self, script: str, **more: Any) -> RunResult:
        """Run a script for the partner to its end."""
        return await self.act.run(f"@endpoint acme\n{script}", **more)

    def drop(self, name: str, content: str | bytes = "content") -> Path:
        """A file to send."""
        return write(self.act.outbox / name, content)

    @property
    def left(self) -> dict[str, str]:
        """What the outbox still holds."""
        return tree(self.act.outbox)

    @property
    def there(self) -> dict[str, str]:
        """What the partner has, hidden files included."""
        return tree(self.peer)

    @property
    def here(self) -> dict[str, str]:
        """What was fetched."""
        return tree(self.act.inbox)

    async def only(self) -> DeliveryRow:
        """The one delivery that there was."""
        [row] = await self.act.deliveries()
        return row


def _endpoint(url: str, root: Path, lines: str) -> str:
    (root / "password").touch(mode=0o600)
    (root / "password").write_text(PASSWORD)
    return (
        f'[endpoints.acme]\nurl = "{url}"\npassword = "file:password"\noutbox = "outbox"\ninbox = "inbox"\n'
        f'call_timeout = "5s"\nconnects_per_minute = 0\n{lines}\n'
    )


@asynccontextmanager
async def sftp_scene(
    root: Path, kind: type[asyncssh.SFTPServer], lines: str = "", *, clock: Clock | None = None, path: str = "/"
) -> AsyncIterator[Scene]:
    """A partner that speaks SFTP; `lines` are more settings of its endpoint."""
    async with asyncssh_sftp(root / "server", kind=kind) as peer:
        url = f"sftp://{peer.user}@127.0.0.1:{peer.port}{path}"
        extra = _endpoint(url, root, f'host_key = "{peer.host_key}"\n{lines}')
        async with stage(root, extra, clock=clock or SystemClock()) as act:
            yield Scene(act, peer.folder)


@asynccontextmanager
async def ftp_scene(
    root: Path, handler: Any, lines: str = "", *, clock: Clock | None = None, path: str = "/"
) -> AsyncIterator[Scene]:
    """A partner that speaks FTP; `lines` are more settings of its endpoint."""
    with pyftpd(root / "server", handler=handler) as peer:
        extra = _endpoint(f"ftp://{peer.user}@127.0.0.1:{peer.port}{path}", root, lines)
        async with stage(root, extra, clock=clock or SystemClock()) as act:
            yield Scene(act, peer.folder)
