"""The SFTP server's own key.  Clients pin it, so the one of the start is served until the next start."""

import os
from pathlib import Path

import asyncssh
import structlog

from gateway.config.schema import SftpListen
from gateway.config.secrets import read_secret
from gateway.core.errors import GatewayError, NeedsOperator

log = structlog.get_logger(__name__)

HOST_KEY = "inbound_host_key"


class HostKey:
    """The configured key, else the one in the state folder, made at the first start.  All of it blocks."""

    def __init__(self, settings: SftpListen, root: Path, state: Path) -> None:
        self._configured = settings.host_key
        self._root = root
        self._path = state / HOST_KEY
        self._taken = b""
        self._told = ""

    def take(self) -> asyncssh.SSHKey:
        """The key to serve with.  Raises NeedsOperator if it can't be read."""
        if self._configured is None and not self._path.exists():
            _make_key(self._path)
        key = self._read()
        self._taken = key.public_data
        return key

    def is_same(self) -> bool:
        """True if the next start would take the same key; tells once what is different."""
        found = self._difference()
        if found and found != self._told:
            log.warning(
                "the SFTP server's host key is not the one that is served, which stays until a restart", found=found
            )
        self._told = found
        return not found

    def _difference(self) -> str:
        try:
            if self._configured is None and not self._path.exists():
                return f"{self._path} is gone: put it back, or the next start makes another one, which no partner knows"
            if self._read().public_data == self._taken:
                return ""
        except (GatewayError, OSError) as problem:
            return str(problem)
        return "it is another one: partners have to learn it before a restart, or put the old one back"

    def _read(self) -> asyncssh.SSHKey:
        try:
            if self._configured is not None:
                return asyncssh.import_private_key(read_secret(self._configured, self._root))
            return asyncssh.read_private_key(self._path)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as problem:
            where = self._configured or self._path
            raise NeedsOperator(f"the SFTP server's host key {where} can't be read: {problem}; replace it") from problem


def _make_key(path: Path) -> None:
    """Written beside its name first, so that a crash can't leave half a key that every client would pin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.touch(mode=0o600, exist_ok=True)
    beside.write_bytes(asyncssh.generate_private_key("ssh-ed25519", "gateway").export_private_key())
    beside.replace(path)
