"""Who may log in to the embedded servers: argon2 passwords, public keys, and the folder each account is confined to."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncssh
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.config.schema import InboundUser
from gateway.core.errors import Refused

_MARK = "argon2:"
_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its name, and the folder that it sees as `/`."""

    name: str
    root: Path


def hash_password(password: str) -> str:
    """What stands in the configuration for `password`; takes some tens of milliseconds and 64 MiB."""
    return _MARK + _hasher.hash(password)


class Accounts:
    """The configured accounts.  Blocking: a password takes some tens of milliseconds."""

    def __init__(self, users: Mapping[str, InboundUser], root: Path) -> None:
        """Relative account folders start at `root`.  Raises Refused for a key that can't be read."""
        self._accounts = {name: Account(name, root / Path(user.root).expanduser()) for name, user in users.items()}
        self._hashes = {name: user.password.removeprefix(_MARK) for name, user in users.items() if user.password}
        self._keys = {name: tuple(_public_key(name, line) for line in user.keys) for name, user in users.items()}
        self._nobody = _nobodys_hash()

    def renew(self, fresh: "Accounts") -> None:
        """From now on logins are as `fresh` has them; who is logged in stays so."""
        self._accounts = {**self._accounts, **fresh._accounts}
        self._hashes, self._keys = fresh._hashes, fresh._keys

    @property
    def all(self) -> tuple[Account, ...]:
        """Every account."""
        return tuple(self._accounts.values())

    def by_password(self, name: str, password: str) -> Account | None:
        """The account if the password is right; an unknown name costs the same time."""
        try:
            _hasher.verify(self._hashes.get(name, self._nobody), password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):  # the last: bytes that are no UTF-8
            return None
        return self._accounts.get(name)

    def by_key(self, name: str, key: asyncssh.SSHKey) -> Account | None:
        """The account if the key is one of its own; that its owner holds it is proved by the server afterwards."""
        known = self._keys.get(name, ())
        return self._accounts[name] if any(key.public_data == own.public_data for own in known) else None

    def get(self, name: str) -> Account:
        """The account of somebody who has logged in."""
        return self._accounts[name]


@cache
def _nobodys_hash() -> str:
    """Checked for names that have no password, so that the time of a refusal does not tell which names exist."""
    return _hasher.hash(secrets.token_hex())


def _public_key(name: str, line: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(line)
    except asyncssh.KeyImportError as problem:
        raise Refused(
            f"[inbound.users.{name}] keys: {line[:40]!r} is no public key ({problem}); "
            'write the line of the .pub file, such as "ssh-ed25519 AAAA…"'
        ) from problem
