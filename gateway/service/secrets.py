"""The endpoints of a configuration with their secrets, which are read again once their files have changed.

A key that was given its mode, put there or rotated counts from the next login on; nobody needs to think of a reload.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, Retryable
from gateway.endpoints.own_thread import OwnThread
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.ledger import Ledger
from gateway.service.probed import probed_hashes
from gateway.service.secret_reading import Reading, Stamps, files_of, read

log = structlog.get_logger(__name__)

_LOOK_S = 5.0
_ABREAST = 64
_LIMIT_S = 2.0  # for a disk that keeps secrets


class Secrets:
    """Makes places of the configuration that was given last, and knows from which files."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._loaded: Loaded | None = None
        self._stamps: dict[str, Stamps] = {}
        self._usable: dict[str, Place] = {}
        self._hang: dict[tuple[str, tuple[Path, ...]], tuple[asyncio.Future[Reading | None], float]] = {}

    async def places(self, loaded: Loaded) -> tuple[Mapping[str, Place], Mapping[str, GatewayError]]:
        """Every endpoint as sessions are opened from it; and those that can't be used, with the reason.

        An endpoint whose key file is missing costs no other its transfers.  The places have the checksums that a probe
        has found each peer to compute.
        """
        gate = asyncio.Semaphore(_ABREAST)
        names = tuple(loaded.config.endpoints)
        looked = await asyncio.gather(*(self._gated(gate, loaded, name) for name in names))
        readings = dict(zip(names, looked, strict=True))
        hashes = await self._ledger.read(partial(probed_hashes, names=readings))
        # Nobody waits from here to where the pool has them: no loan comes between the stamps and the places.
        found = {name: self._best(name, one, loaded) for name, one in readings.items()}
        self._loaded = loaded
        self._stamps = {name: one.stamps for name, one in readings.items() if one is not None and one.is_whole}
        self._usable = {name: one for name, one in found.items() if isinstance(one, Place)}
        broken = {name: one for name, one in found.items() if not isinstance(one, Place)}
        for name, error in broken.items():
            log.warning("endpoint can't be used", endpoint=name, error=str(error))
        return {name: _with(one, hashes) for name, one in self._usable.items()}, broken

    def _best(self, name: str, reading: Reading | None, loaded: Loaded) -> Place | GatewayError:
        """What works stays until a new secret is whole; the next loan looks again."""
        before = self._loaded
        is_known = before is not None and name in self._usable and _same(before, loaded, name)
        if is_known and (reading is None or not reading.is_whole):
            return self._usable[name]
        return _unanswered(loaded, name) if reading is None else reading.found

    async def _gated(self, gate: asyncio.Semaphore, loaded: Loaded, name: str) -> Reading | None:
        async with gate:
            return await self._look(loaded, name, None)

    async def again(self, name: str) -> Place | GatewayError | None:
        """The endpoint as its secrets are now, or why they can't be read; None if they are as they were."""
        loaded = self._loaded
        if loaded is None or name not in loaded.config.endpoints:
            return None
        reading = await self._look(loaded, name, self._stamps.get(name))
        if reading is None or not reading.is_whole:
            return None
        hashes = await self._ledger.read(partial(probed_hashes, names=(name,)))
        if loaded is not self._loaded:
            return None  # a reload came in between
        self._stamps[name], one = reading.stamps, reading.found
        if isinstance(one, GatewayError):
            log.error("endpoint's secrets have changed and can't be used", endpoint=name, error=str(one))
            return one
        if one == self._usable.get(name):
            return None
        self._usable[name] = one
        log.info("endpoint's secrets have changed and were read again", endpoint=name)
        return _with(one, hashes)

    async def _look(self, loaded: Loaded, name: str, before: Stamps | None) -> Reading | None:
        """None, too, while their disk or server answers nothing: one look at a time waits for it, also over a reload.

        Each has a thread of its own: those that hang would take all that anybody's work is done in.
        """
        at = name, tuple(files_of(loaded, loaded.config.endpoints[name]))
        if at in self._hang and not await self._answered(*self._hang[at]):
            return None
        until_s = asyncio.get_running_loop().time() + _LIMIT_S
        thread = OwnThread(f"secrets-{name}")
        answer = thread.start(partial(read, loaded, name, before))
        thread.end()
        self._hang[at] = answer, until_s
        if not await self._answered(answer, until_s):
            return None
        if self._hang.get(at) == (answer, until_s):
            del self._hang[at]
        return answer.result()

    async def _answered(self, answer: "asyncio.Future[Reading | None]", until_s: float) -> bool:
        left_s = until_s - asyncio.get_running_loop().time()
        await asyncio.wait({answer}, timeout=max(left_s, 0.0))
        return answer.done()


def _unanswered(loaded: Loaded, name: str) -> Retryable:
    files = ", ".join(str(file) for file in files_of(loaded, loaded.config.endpoints[name]))
    return Retryable(
        f"endpoint {name}: what keeps its secrets, {files} doesn't answer within {_LIMIT_S:g} s; check that disk, or "
        f"the server that it is mounted from; it is looked at again every {_LOOK_S:g} s"
    )


async def mended(pool: Pool, clock: Clock) -> None:
    """Look after endpoints that can't be used, until cancelled: what waits for them goes on once they can."""
    while True:
        await clock.sleep(_LOOK_S)
        for name in pool.broken:
            await pool.look_again(name)


def _same(before: Loaded, now: Loaded, name: str) -> bool:
    """Whether the endpoint is as it was, but for its secrets."""
    own = [(one.config.endpoints.get(name), one.root, one.zone(name)) for one in (before, now)]
    return own[0] == own[1]


def _with(place: Place, hashes: Mapping[str, frozenset[str]]) -> Place:
    return replace(place, remote_hash=hashes.get(place.name, frozenset()))
