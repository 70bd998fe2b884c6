"""One endpoint's secrets as their files are, read only once nobody writes them.  Blocks."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings
from gateway.config.secrets import secret_file
from gateway.core.errors import GatewayError
from gateway.endpoints.place import Place, from_settings

_QUIET_NS = 1_000_000_000

Stamps = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The endpoint as its secrets are, or why they can't be read, and the stamps of their files before that.

    Not whole: one was changed within the last second, or meanwhile; there may be more to come.
    """

    stamps: Stamps
    found: Place | GatewayError
    is_whole: bool


def read(loaded: Loaded, name: str, before: Stamps | None = None) -> Reading | None:
    """None if the files are as they were `before`."""
    stamps, now_ns = stamps_of(loaded, name), time.time_ns()
    if stamps == before:
        return None
    found = _place(loaded, name)
    is_quiet = all(not stamp or abs(now_ns - stamp[0]) >= _QUIET_NS for stamp in stamps)
    return Reading(stamps, found, is_quiet and stamps == stamps_of(loaded, name))


def stamps_of(loaded: Loaded, name: str) -> Stamps:
    """Of all the endpoint's files."""
    return tuple(_stamp(path) for path in files_of(loaded, loaded.config.endpoints[name]))


def files_of(loaded: Loaded, settings: EndpointSettings) -> Iterator[Path]:
    """Where the endpoint's secrets are kept, and the host keys that it trusts."""
    for text in (settings.password, settings.key, settings.key_passphrase, settings.ca, settings.known_hosts):
        if text is None:
            continue
        with suppress(GatewayError):  # told when it is read
            if (file := secret_file(text, loaded.root)) is not None:
                yield file
            elif text == settings.known_hosts and not text.startswith("env:"):
                yield loaded.root / text


def _place(loaded: Loaded, name: str) -> Place | GatewayError:
    try:
        return from_settings(name, loaded.config.endpoints[name], loaded.secret, loaded.root, loaded.zone(name))
    except GatewayError as error:
        return type(error)(f"endpoint {name}: {error}")


def _stamp(path: Path) -> tuple[int, ...]:
    """Empty for what can't be looked at; the change time also tells another mode or owner."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
