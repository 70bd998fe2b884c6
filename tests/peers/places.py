"""Places for the peers here: what a configuration would say of them."""

from pathlib import Path
from typing import Any

from gateway.config.schema import Scheme
from gateway.endpoints.place import Place
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer


def ssh_place(peer: SshPeer, folder: str | Path | None = None, name: str = "acme", **more: Any) -> Place:
    """By key where the peer has one, else by the loopback password."""
    facts: dict[str, Any] = {
        "name": name,
        "scheme": Scheme.SFTP,
        "host": peer.host,
        "port": peer.port,
        "user": peer.user,
        "key": peer.key or None,
        "password": None if peer.key else "loopback",
        "host_keys": (peer.host_key,),
        "folder": str(folder) if folder is not None else str(peer.folder),
    }
    return Place(**(facts | more))


def ftp_place(peer: FtpPeer, folder: str | Path | None = None, name: str = "books", **more: Any) -> Place:
    """FTPS where the peer has a certificate."""
    facts: dict[str, Any] = {
        "name": name,
        "scheme": Scheme.FTPS if peer.ca else Scheme.FTP,
        "host": peer.host,
        "port": peer.port,
        "user": peer.user,
        "password": peer.password,
        "ca": peer.ca,
        "folder": str(folder) if folder is not None else peer.path,
    }
    return Place(**(facts | more))
