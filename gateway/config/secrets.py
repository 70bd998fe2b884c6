"""Where secrets come from: `env:NAME`, `file:PATH`, `cred:NAME` (a systemd credential).  Never shown, never kept."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from gateway.config.ssh_keys import is_public_key
from gateway.core.errors import NeedsOperator, PathRefused, Refused

_OTHERS = stat.S_IRWXO
_GROUP_WRITES = stat.S_IWGRP


def read_secret(text: str, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The secret that `text` points to, without the line end behind it; relative files start at `root`.

    Raises NeedsOperator if it isn't there or empty, PathRefused if a file can't be read or others than its owner and
    group can.
    """
    return _read(text, root, environment, is_private=True)


def read_public(text: str, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The same for what everybody may read: certificates and authorities."""
    return _read(text, root, environment, is_private=False)


def secret_file(text: str, root: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file that holds the secret, None if the environment does."""
    source, _, name = text.partition(":")
    if source == "file":
        return root / Path(name).expanduser()
    return _credential(name, environment) if source == "cred" else None


def _read(text: str, root: Path, environment: Mapping[str, str], *, is_private: bool) -> str:
    source, _, name = text.partition(":")
    if source == "env":
        return _from_environment(name, environment)
    path = secret_file(text, root, environment)
    if path is None:
        raise Refused('a secret is given as "env:NAME", "file:PATH" or "cred:NAME"')
    return _from_file(path, is_private=is_private and source == "file")


def _from_environment(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if value:
        return value
    found = "is empty" if value == "" else "is not set"
    raise NeedsOperator(
        f"the environment variable {name}, which holds a secret, {found}; set it where the gateway is started"
    )


def _credential(name: str, environment: Mapping[str, str]) -> Path:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise NeedsOperator(
            f"cred:{name} is a systemd credential, and CREDENTIALS_DIRECTORY is not set; "
            f"add LoadCredential={name}:/path/to/file to the unit, or use file: or env:"
        )
    if "/" in name or name in ("", ".", ".."):
        raise Refused(f"cred:{name} is no name of a credential; write the name that LoadCredential= gives it")
    return Path(folder) / name


def _from_file(path: Path, *, is_private: bool) -> str:
    try:
        with path.open("rb") as file:
            text = file.read().decode("utf-8").rstrip("\r\n")
            if is_private and not is_public(text):
                check_private(path, os.fstat(file.fileno()).st_mode)
            if not text:
                raise NeedsOperator(f"the secret file {path} is empty; write the secret into it")
            return text
    except FileNotFoundError:
        raise NeedsOperator(f"the secret file {path} does not exist; put it there, or correct its path") from None
    except PermissionError:
        raise PathRefused(
            f"the secret file {path} can't be read by this user; chown it to the gateway's user"
        ) from None
    except IsADirectoryError:
        raise NeedsOperator(f"the secret file {path} is a folder; name the file") from None
    except UnicodeDecodeError:
        raise NeedsOperator(f"the secret file {path} is not text; write a password or a PEM key into it") from None
    except OSError as exc:
        raise NeedsOperator(f"the secret file {path} can't be read: {exc.strerror}; check its path and disk") from exc


def is_public(text: str) -> bool:
    """True for certificates and public keys alone, which are no secret."""
    return "PRIVATE KEY" not in text and ("-----BEGIN CERTIFICATE-----" in text or is_public_key(text))


def check_private(path: Path, mode: int) -> None:
    """Raises PathRefused if others than the owner can read the file, or its group can change it.

    A group that may read is left alone: that is how a file of root's is lent to the service.
    """
    if mode & (_OTHERS | _GROUP_WRITES):
        who = "everybody" if mode & _OTHERS else "its group"
        does = "read" if mode & stat.S_IROTH else "change"
        raise PathRefused(
            f"the secret file {path} has mode {stat.S_IMODE(mode):04o}: {who} can {does} it; run: chmod 600 {path}"
        )
