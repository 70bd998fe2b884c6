"""asyncssh's SFTP server on loopback, in the test's own loop; hostile ones hand in their factory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from tests.peers.openssh import SshPeer

PASSWORD = "loopback"
USER = "partner"


class Account(asyncssh.SSHServer):
    """One user, by password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@asynccontextmanager
async def asyncssh_sftp(
    work: Path,
    *,
    kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer,
    account: Callable[[], asyncssh.SSHServer] = Account,
    host_key: asyncssh.SSHKey | None = None,
    port: int = 0,
    **options: Any,
) -> AsyncIterator[SshPeer]:
    """An SFTP server whose account is confined to `work/files`; no commands.  `options` are asyncssh's."""
    folder = work / "files"
    folder.mkdir(parents=True, exist_ok=True)
    key = host_key or asyncssh.generate_private_key("ssh-ed25519")
    made: list[asyncssh.SFTPServer] = []

    def serve(channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
        made.append(kind(channel, chroot=str(folder).encode()))
        return made[-1]

    server = await asyncssh.create_server(
        account, "127.0.0.1", port, server_host_keys=[key], sftp_factory=serve, allow_scp=False, **options
    )
    try:
        yield SshPeer(server.get_port(), USER, "", key.export_public_key().decode().strip(), folder)
    finally:
        server.close()
        await server.wait_closed()
        for one in made:
            getattr(one, "tidy_up", lambda: None)()
