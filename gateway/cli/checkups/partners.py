"""The endpoints: whether their secrets can be read and their host keys are pinned.  Nothing is connected to."""

import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.checkups.line import Line, fail, ok, warn
from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings, Scheme
from gateway.config.secrets import is_public, secret_file
from gateway.core.errors import GatewayError

_SECRETS = ("password", "key", "key_passphrase", "ca")
_NO_PASSWORD = ("", "anonymous", "ftp")


def check_partners(loaded: Loaded) -> Iterator[Line]:
    """Each endpoint in turn."""
    for name, settings in loaded.config.endpoints.items():
        lines = [*check_secrets(loaded, name, settings), *check_trust(loaded, name, settings)]
        yield from lines or (ok(name, f"{settings.scheme}, nothing secret to read"),)


def check_secrets(loaded: Loaded, name: str, settings: EndpointSettings) -> Iterator[Line]:
    """Every secret is there, readable by us and by nobody else."""
    given = {key: text for key in _SECRETS if (text := getattr(settings, key)) is not None}
    for key, text in given.items():
        yield check_secret(loaded, f"{name} {key}", text)
    if settings.scheme is not Scheme.FILE and not given.keys() & {"password", "key"} and _needs_login(settings):
        remedy = f'set password or key in [endpoints.{name}], such as key = "file:keys/{name}"'
        yield fail(f"{name} login", "neither password nor key is given", remedy)


def _needs_login(settings: EndpointSettings) -> bool:
    user = settings.url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    return settings.scheme is Scheme.SFTP or user.lower() not in _NO_PASSWORD


def check_secret(loaded: Loaded, subject: str, text: str) -> Line:
    """One secret; a group that may read its file is worth a word."""
    try:
        value = loaded.secret(text)
    except GatewayError as problem:
        found, _, remedy = str(problem).rpartition("; ")
        return fail(subject, found, remedy)
    path = secret_file(text, loaded.root)
    if path is not None and text.startswith("file:") and not is_public(value) and _group_reads(path):
        return warn(subject, f"{path} can be read by its group", f"chmod 600 {path}, unless the group is the gateway's")
    return ok(subject, f"{text.partition(':')[0]}: can be read")


def _group_reads(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IRGRP)


def check_trust(loaded: Loaded, name: str, settings: EndpointSettings) -> Iterator[Line]:
    """An SFTP server is only spoken to if its key is known."""
    if settings.scheme is not Scheme.SFTP:
        return
    if settings.host_key:
        yield ok(f"{name} host key", f"{len(settings.host_key)} pinned")
    elif settings.known_hosts is None:
        yield fail(f"{name} host key", "none is pinned, so every login is refused", f"gateway trust {name}")
    elif not loaded.resolve(settings.known_hosts).is_file():
        path = loaded.resolve(settings.known_hosts)
        yield fail(f"{name} host key", f"{path} does not exist", f"gateway trust {name}, or correct known_hosts")
    else:
        yield ok(f"{name} host key", f"known_hosts {settings.known_hosts}")
