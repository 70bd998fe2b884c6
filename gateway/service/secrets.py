"""The endpoints of a configuration with their secrets, which are read again once their files have changed.

A key that was given its mode, put there or rotated counts from the next login on; nobody needs to think of a reload.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings
from gateway.config.secrets import secret_file
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.endpoints.place import Place, from_settings
from gateway.endpoints.pool import Pool
from gateway.ledger import Ledger
from gateway.service.probed import probed_hashes

log = structlog.get_logger(__name__)

_LOOK_S = 5.0
_LIMIT_S = 2.0  # for a disk that keeps secrets
_Stamps = tuple[tuple[int, ...], ...]


class Secrets:
    """Makes places of the configuration that was given last, and knows from which files."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._loaded: Loaded | None = None
        self._stamps: dict[str, _Stamps] = {}
        self._looking: dict[str, asyncio.Task[tuple[_Stamps, Place | GatewayError] | None]] = {}

    async def places(self, loaded: Loaded) -> tuple[Mapping[str, Place], Mapping[str, GatewayError]]:
        """What `places_of` says, with the checksums that a probe has found each peer to compute."""
        self._loaded, self._looking = loaded, {}
        # Older than what is read: a change in between is seen the next time.
        self._stamps = await asyncio.to_thread(
            lambda: {name: _stamps(loaded, name) for name in loaded.config.endpoints}
        )
        places, broken = await asyncio.to_thread(places_of, loaded)
        hashes = await self._ledger.read(partial(probed_hashes, names=places))
        return {name: replace(one, remote_hash=hashes.get(name, frozenset())) for name, one in places.items()}, broken

    async def again(self, name: str) -> Place | GatewayError | None:
        """The endpoint as its secrets are now, or why they can't be read; None if its files are as they were."""
        loaded = self._loaded
        if loaded is None or name not in loaded.config.endpoints:
            return None
        found = await self._if_changed(loaded, name)
        if found is None:
            return None
        hashes = await self._ledger.read(partial(probed_hashes, names=(name,)))
        if loaded is not self._loaded:
            return None  # a reload came in between
        self._stamps[name], one = found
        if isinstance(one, GatewayError):
            log.error("endpoint's secrets have changed and can't be used", endpoint=name, error=str(one))
            return one
        log.info("endpoint's secrets have changed and were read again", endpoint=name)
        return replace(one, remote_hash=hashes.get(name, frozenset()))

    async def _if_changed(self, loaded: Loaded, name: str) -> tuple[_Stamps, Place | GatewayError] | None:
        """None, too, while their disk or server answers nothing: one look at a time waits for it, and nobody else."""
        looking = self._looking.get(name)
        if looking is None or looking.done():
            work = asyncio.to_thread(_if_changed, loaded, name, self._stamps.get(name))
            looking = self._looking[name] = asyncio.create_task(work)
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await asyncio.shield(looking)
        except TimeoutError:
            return None


async def mended(pool: Pool, clock: Clock) -> None:
    """Look after endpoints that can't be used, until cancelled: what waits for them goes on once they can."""
    while True:
        await clock.sleep(_LOOK_S)
        for name in pool.broken:
            await pool.look_again(name)


def places_of(loaded: Loaded) -> tuple[Mapping[str, Place], Mapping[str, GatewayError]]:
    """Every endpoint as sessions are opened from it; and those that can't be used, with the reason.

    An endpoint whose key file is missing costs no other its transfers.
    """
    places: dict[str, Place] = {}
    broken: dict[str, GatewayError] = {}
    for name in loaded.config.endpoints:
        found = _read(loaded, name)
        if isinstance(found, Place):
            places[name] = found
        else:
            broken[name] = found
            log.error("endpoint can't be used", endpoint=name, error=str(found))
    return places, broken


def _read(loaded: Loaded, name: str) -> Place | GatewayError:
    try:
        return from_settings(name, loaded.config.endpoints[name], loaded.secret, loaded.root, loaded.zone(name))
    except GatewayError as error:
        return type(error)(f"endpoint {name}: {error}")


def _if_changed(loaded: Loaded, name: str, before: _Stamps | None) -> tuple[_Stamps, Place | GatewayError] | None:
    stamps = _stamps(loaded, name)
    return None if stamps == before else (stamps, _read(loaded, name))


def _stamps(loaded: Loaded, name: str) -> _Stamps:
    return tuple(_stamp(path) for path in _files(loaded, loaded.config.endpoints[name]))


def _files(loaded: Loaded, settings: EndpointSettings) -> Iterator[Path]:
    """Where the endpoint's secrets are kept, and the host keys that it trusts."""
    for text in (settings.password, settings.key, settings.key_passphrase, settings.ca, settings.known_hosts):
        if text is None:
            continue
        with suppress(GatewayError):  # told when it is read
            if (file := secret_file(text, loaded.root)) is not None:
                yield file
            elif text == settings.known_hosts and not text.startswith("env:"):
                yield loaded.root / text


def _stamp(path: Path) -> tuple[int, ...]:
    """Empty for what can't be looked at; the change time also tells another mode or owner."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size
