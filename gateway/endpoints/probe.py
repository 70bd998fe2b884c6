"""`gateway probe`: what a peer can do.  Reads only, unless it is asked to try writing in a folder, or commands."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from gateway.core.errors import AlreadyThere, GatewayError, NotThere
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from gateway.endpoints.opening import open_place
from gateway.endpoints.paths import join
from gateway.endpoints.place import Place
from gateway.endpoints.session import Session

_NAMES_LOOKED_AT = 1000
_EXEC_TIMEOUT_S = 15.0
_OLD_NS = 1_600_000_000_000_000_000
_CONTENT = bytes(range(256)) * 256


class Answer(StrEnum):
    """How one trial ended."""

    YES = "yes"
    NO = "no"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried, and what came of it."""

    name: str
    answer: Answer
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a probe found; `features` are the peer's own claims, `trials` what was seen."""

    endpoint: str
    address: str
    banner: str
    extensions: tuple[str, ...]
    features: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def remote_hash(self) -> frozenset[str]:
        """Checksums that were seen to be right: for `Place.remote_hash`."""
        prefix = "hash "
        return frozenset(
            trial.name.removeprefix(prefix)
            for trial in self.trials
            if trial.name.startswith(prefix) and trial.answer is Answer.YES
        )

    def as_json(self) -> dict[str, Any]:
        """For `--json` and for the ledger."""
        facts = asdict(self)
        facts["features"]["remote_hash"] = sorted(self.features["remote_hash"])
        return facts


def known_hashes(facts: Mapping[str, Any]) -> frozenset[str]:
    """`Profile.remote_hash` of a profile that was kept as JSON."""
    prefix = "hash "
    return frozenset(
        trial["name"].removeprefix(prefix)
        for trial in facts.get("trials", ())
        if trial["name"].startswith(prefix) and trial["answer"] == Answer.YES
    )


async def probe(place: Place, *, write: str | None = None, execute: bool = False) -> Profile:
    """Log in and look.  `write` names a folder to try writing in, cleaned up after; `execute` tries commands.

    Raises what a login raises; whatever fails later is a trial that failed.
    """
    async with await open_place(place) as session:
        trials = [await _tried("listing", lambda: _list(session))]
        if execute:
            trials.append(await _tried("commands", lambda: _run_command(session)))
        if write is not None:
            trials += await _Writing(session, write).all()
        return Profile(
            endpoint=place.name,
            address=place.address,
            banner=session.banner,
            extensions=session.extensions,
            features=asdict(session.features),
            trials=tuple(trials),
        )


async def _tried(name: str, work: Callable[[], Awaitable[Trial | str]]) -> Trial:
    try:
        ended = await work()
    except GatewayError as exc:
        return Trial(name, Answer.FAILED, str(exc))
    return replace(ended, name=name) if isinstance(ended, Trial) else Trial(name, Answer.YES, ended)


async def _list(session: Session) -> str:
    files, folders = 0, 0
    async for entry in session.scan(""):
        files, folders = files + (entry.kind is Kind.FILE), folders + (entry.kind is Kind.FOLDER)
        if files + folders >= _NAMES_LOOKED_AT:
            return f"more than {_NAMES_LOOKED_AT} names"
    return f"{files} files, {folders} folders"


async def _run_command(session: Session) -> Trial:
    if not session.features.exec:
        return Trial("", Answer.NO, "this kind of endpoint runs no commands")
    ran = await session.execute("echo gateway-probe", timeout_s=_EXEC_TIMEOUT_S)
    good = ran.exit_code == 0 and ran.output.strip().strip("'\"") == "gateway-probe"
    return Trial("", Answer.YES if good else Answer.NO, ran.output.strip()[:200])


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


class _Writing:
    """Trials in one folder, each with names of its own; what they leave is removed."""

    def __init__(self, endpoint: Endpoint, folder: str) -> None:
        self._endpoint = endpoint
        self._folder = folder.rstrip("/") if folder != "/" else folder
        self._made: list[str] = []

    def _name(self, what: str) -> str:
        path = join(self._folder, f"gateway-probe-{secrets.token_hex(4)}-{what}")
        self._made.append(path)
        return path

    async def _file(self, what: str, data: bytes = _CONTENT) -> str:
        path = self._name(what)
        await self._endpoint.write(path, _once(data))
        return path

    async def _read(self, path: str) -> bytes:
        return b"".join([block async for block in self._endpoint.read(path)])

    async def all(self) -> list[Trial]:
        """Every trial; without writing at all the rest is left out."""
        first = await _tried("write", self._write)
        if first.answer is not Answer.YES:
            return [first, await self._clean()]
        trials = [
            first,
            await _tried("rename", self._rename),
            await _tried("rename replaces", self._replace),
            await _tried("rename keeps what stands", self._noreplace),
            await _tried("append", self._append),
            await _tried("resume", self._resume),
            await _tried("set mtime", self._mtime),
            *[await _tried(f"hash {name}", lambda name=name: self._hash(name)) for name in ("sha256", "md5")],  # type: ignore[misc]
        ]
        return [*trials, await self._clean()]

    async def _write(self) -> Trial:
        path = await self._file("write")
        there = (await self._endpoint.stat(path)).stamp.size_bytes
        same = await self._read(path) == _CONTENT
        detail = f"{there} of {len(_CONTENT)} bytes" + ("" if same else "; what is read back differs")
        return Trial("", Answer.YES if same and there == len(_CONTENT) else Answer.NO, detail)

    async def _rename(self) -> str:
        old, new = await self._file("old"), self._name("new")
        await self._endpoint.rename(old, new)
        await self._endpoint.stat(new)
        return ""

    async def _replace(self) -> Trial:
        new, target = await self._file("new", b"new"), await self._file("target", b"target")
        try:
            await self._endpoint.rename(new, target)
        except AlreadyThere as exc:
            return Trial("", Answer.NO, str(exc))
        return Trial("", Answer.YES if await self._read(target) == b"new" else Answer.NO)

    async def _noreplace(self) -> Trial:
        new, target = await self._file("new", b"new"), await self._file("target", b"target")
        try:
            await self._endpoint.rename_noreplace(new, target)
        except AlreadyThere:
            kept = await self._read(target) == b"target"
            detail = "" if self._endpoint.features.rename_noreplace else "by a look before it: not in one step"
            return Trial("", Answer.YES if kept else Answer.NO, detail)
        return Trial("", Answer.NO, "it replaced")

    async def _append(self) -> Trial:
        path = await self._file("append", b"one")
        await self._endpoint.append(path, _once(b"two"))
        return Trial("", Answer.YES if await self._read(path) == b"onetwo" else Answer.NO)

    async def _resume(self) -> Trial:
        path = await self._file("resume", _CONTENT[:1000])
        await self._endpoint.write(path, _once(_CONTENT[1000:]), offset=1000)
        return Trial("", Answer.YES if await self._read(path) == _CONTENT else Answer.NO)

    async def _mtime(self) -> Trial:
        path = await self._file("mtime", b"1")
        taken = await self._endpoint.set_mtime(path, _OLD_NS)
        found = (await self._endpoint.stat(path)).stamp.mtime_ns
        if taken and found != _OLD_NS:
            return Trial("", Answer.NO, f"asked for {_OLD_NS}, found {found}")
        return Trial("", Answer.YES if taken else Answer.NO)

    async def _hash(self, algorithm: str) -> Trial:
        path = await self._file(f"it's {algorithm}")
        found = await self._endpoint.remote_hash(path, algorithm)
        right = found == hashlib.new(algorithm, _CONTENT).hexdigest()
        return Trial("", Answer.YES if right else Answer.NO, found or "")

    async def _clean(self) -> Trial:
        left = [path for path in self._made if not await self._gone(path)]
        return Trial(
            "clean up", Answer.FAILED if left else Answer.YES, f"left there: {', '.join(left)}" if left else ""
        )

    async def _gone(self, path: str) -> bool:
        try:
            await self._endpoint.remove(path)
        except NotThere:
            return True
        except GatewayError:
            return False
        return True
