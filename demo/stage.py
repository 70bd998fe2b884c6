"""Sets the stage: a folder with a configuration, keys and accounts; both partners are the gateway's own servers."""

import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from gateway.inbound.accounts import hash_password

ACTIONS = Path(__file__).resolve().parent.parent / "actions"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things are; `partner` is the folder that both servers show as their root.

    `alone` is the configuration of a third server: a gateway of its own.
    """

    folder: Path
    config: Path
    state: Path
    partner: Path
    alone: str

    def outbox(self, endpoint: str) -> Path:
        """Where files for an endpoint are dropped."""
        return self.state / endpoint / "outbox"

    def local(self, *parts: str) -> Path:
        """A folder that the local actions use."""
        return self.folder.joinpath("var", "demo", *parts)


def build(folder: Path) -> Stage:
    """Write the configuration and make the folders."""
    conf = folder / "conf"
    conf.mkdir(parents=True)
    user, host = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    password = secrets.token_urlsafe(12)
    for name, text in (("user_key", user.export_private_key()), ("host_key", host.export_private_key())):
        _write_secret(conf / name, text.decode())
    _write_secret(conf / "password", password)
    facts = {
        "actions": str(ACTIONS),
        "sftp_port": _free_port(),
        "ftp_port": _free_port(),
        "alone_port": _free_port(),
        "host_key": _public(host),
        "host_file": str(conf / "host_key"),
        "user_key": _public(user),
        "password": hash_password(password),
    }
    stage = Stage(folder, conf / "gateway.toml", folder / "var", folder / "partner", _ALONE.format(**facts))
    for made in (stage.partner / "orders", stage.partner / "prices", stage.local("copies", "in")):
        made.mkdir(parents=True)
    for made in (stage.local("copies", "out"), stage.local("tidy", "new"), stage.local("tidy", "old")):
        made.mkdir(parents=True)
    stage.config.write_text(_CONFIG.format(**facts), encoding="utf-8")
    return stage


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _free_port() -> int:
    """One that the kernel hands to nobody meanwhile: those are higher ones."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


_CONFIG = """\
[gateway]
root = ".."
actions = ["{actions}"]
autosend_check_every = "1s"

[endpoints.demo_sftp]
url = "sftp://partner@127.0.0.1:{sftp_port}/orders"
key = "file:conf/user_key"
host_key = "{host_key}"

[endpoints.demo_ftp]
url = "ftp://partner@127.0.0.1:{ftp_port}/prices"
password = "file:conf/password"

[endpoints.shop001]
url = "sftp://partner@127.0.0.1:{sftp_port}/shop001"
key = "file:conf/user_key"
host_key = "{host_key}"

[endpoints.shop002]
url = "sftp://partner@127.0.0.1:{alone_port}/"
key = "file:conf/user_key"
host_key = "{host_key}"

[endpoints.shop003]
url = "ftp://partner@127.0.0.1:{ftp_port}/shop003"
password = "file:conf/password"

[groups.shops]
endpoints = ["shop001", "shop002", "shop003"]

[inbound.sftp]
listen = "127.0.0.1:{sftp_port}"
host_key = "file:conf/host_key"

[inbound.ftp]
listen = "127.0.0.1:{ftp_port}"
plain = true

[inbound.users.partner]
password = "{password}"
keys = ["{user_key}"]
root = "partner"
"""

_ALONE = """\
[gateway]
root = ".."

[inbound.sftp]
listen = "127.0.0.1:{alone_port}"
host_key = "file:{host_file}"

[inbound.users.partner]
keys = ["{user_key}"]
root = "files"
"""
