"""The endpoints: whether their secrets can be read and their host keys are pinned.  Nothing is connected to."""

import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.checkups.line import Line, State, fail, ok, warn
from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings, Scheme
from gateway.config.secrets import is_public, secret_file
from gateway.config.ssh_keys import fingerprint
from gateway.core.errors import GatewayError, LoginRefused

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
        line = check_secret(loaded, f"{name} {key}", text)
        yield check_key(loaded, line, text, settings.key_passphrase) if key == "key" else line
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


def check_key(loaded: Loaded, line: Line, text: str, passphrase: str | None = None) -> Line:
    """The same line for a private key that a login can be made with; `line` is about its file."""
    from gateway.endpoints.private_keys import read_private_key  # here: it brings the SSH library along

    if line.state is State.FAIL:
        return line
    try:
        read_private_key(loaded.secret(text), loaded.secret(passphrase) if passphrase is not None else None)
    except LoginRefused as problem:
        found, _, remedy = str(problem).partition("; ")
        return fail(line.subject, f"{text}: {found}", remedy)
    except GatewayError:
        return line  # the passphrase can't be read, which has a line of its own
    return line


def _group_reads(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IRGRP)


def check_trust(loaded: Loaded, name: str, settings: EndpointSettings) -> Iterator[Line]:
    """An SFTP server is only spoken to if its key is known."""
    if settings.scheme is not Scheme.SFTP:
        return
    if settings.host_key:
        yield ok(f"{name} host key", f"pinned: {', '.join(fingerprint(text) for text in settings.host_key)}")
    elif settings.known_hosts is None:
        yield fail(f"{name} host key", "none is pinned, so every login is refused", f"gateway trust {name}")
    else:
        yield _check_known_hosts(loaded, name, settings)


def _check_known_hosts(loaded: Loaded, name: str, settings: EndpointSettings) -> Line:
    from gateway.endpoints.place import from_settings
    from gateway.endpoints.sftp_login import fingerprint as shown  # here: it brings the SSH library along
    from gateway.endpoints.sftp_login import known_keys

    subject = f"{name} host key"
    alone = settings.model_copy(update=dict.fromkeys(_SECRETS))
    try:
        known = known_keys(from_settings(name, alone, loaded.secret, loaded.root))
    except GatewayError as problem:
        found, _, remedy = str(problem).rpartition("; ")
        return fail(subject, found, remedy)
    if not known:
        return fail(subject, f"{settings.known_hosts} holds no key of this server", f"gateway trust {name}")
    return ok(subject, f"{settings.known_hosts}: {', '.join(map(shown, known))}")
