"""A remote source, brought into a folder of this machine once, however many destinations there are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NotThere, PathRefused, Retryable
from gateway.core.model import Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.jobs.manifest import rules_of
from gateway.jobs.model import Job
from gateway.jobs.place_tree import Shown, Tree, tree_of
from gateway.jobs.scanning import HIDDEN
from gateway.jobs.staging import clear, fit, forget, lacking, let_run
from gateway.language.nodes import Get
from gateway.language.pattern import is_temporary
from gateway.ledger import deliveries, job_places, job_runs
from gateway.ledger.job_contents import Skipped
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.intents import Destination, plan
from gateway.runner.interrupted import recalled, work_of
from gateway.runner.jobs import Ends
from gateway.runner.listing import remote_source
from gateway.runner.retrying import asked
from gateway.runner.run import CommandFailed, Run
from gateway.runner.sending import lanes, width

log = structlog.get_logger(__name__)

_ROUNDS = 3
_CHANGING = "it changes while it is fetched; it goes along with the next start if it is at rest then"
_LINK = "neither file nor folder at the source; links of a remote source are not followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of it: bytes and files fetched, those that were here already, and what is not sent."""

    bytes_read: int
    fetched: int
    kept: int
    skipped: tuple[Skipped, ...]


async def collect(job_run: int, job: Job, run: Run, command: Get, staging: str, *, rehash: bool) -> Collected:
    """Make `staging` hold what the source holds; what is there with its size and time is fetched by `rehash` alone.

    Nothing is taken away but after a whole listing with files in it.  `run` is the runner's run of the part that
    prepares, at `command`; the bytes are added to the row of `job_run`.
    Raises NotThere if there is no such folder or no file in it, and what the endpoint raises.
    """
    work = _Collecting(job, run, command, staging, rehash or job.rehash_all)
    begun = run.size_bytes
    try:
        return await work.all()
    finally:
        count = partial(job_runs.count, found=job_run, source_bytes_read=run.size_bytes - begun)
        await run.services.ledger.write(count)


class _Collecting:
    """One source being collected."""

    def __init__(self, job: Job, run: Run, command: Get, staging: str, everything: bool) -> None:
        self._job = job.name
        self._rules = rules_of(job)
        self._run = run
        self._command = command
        self._staging = staging.rstrip("/")
        self._everything = everything
        self._fetched: dict[str, Shown] = {}

    async def all(self) -> Collected:
        """List and fetch, again for what changed or went meanwhile."""
        failed: Mapping[str, GatewayError | None] = {}
        begun = self._run.size_bytes
        for _ in range(_ROUNDS):
            tree, skipped = self._taken(await asked(self._run, self._list))
            await self._part_from_another()
            await asyncio.to_thread(fit, self._staging, tree.files.keys(), tree.folders)
            failed = await self._fetch(tree)
            if not failed:
                break
        await asyncio.to_thread(forget, self._staging, failed)
        here = {name: shown for name, shown in tree.files.items() if name not in failed}
        await asyncio.to_thread(let_run, self._staging, here)
        skipped += [Skipped(name, _CHANGING if error is None else str(error), True) for name, error in failed.items()]
        return Collected(
            bytes_read=self._run.size_bytes - begun,
            fetched=len(self._fetched),
            kept=len(tree.files.keys() - self._fetched.keys() - failed.keys()),
            skipped=tuple(sorted(skipped)),
        )

    @property
    def _folder(self) -> str:
        return remote_source(self._run, self._command.source.value)[0]

    @property
    def _address(self) -> str:
        return f"{self._run.services.pool.place(self._run.endpoint).server}/{self._folder}"

    async def _part_from_another(self) -> None:
        """What is here of another folder or server goes: files there may look like these."""
        ledger, address = self._run.services.ledger, self._address
        known = await ledger.read(partial(job_places.collected_from, job=self._job))
        if known == address:
            return
        if known is not None:
            log.warning("source is another one", job=self._job, address=address, before=known)
            self._fetched.clear()
            await asyncio.to_thread(clear, self._staging)  # before it is noted: whoever is killed here does it again
        await ledger.write(partial(job_places.note_collected, job=self._job, address=address))

    async def _list(self, peer: Endpoint) -> Tree:
        folder = self._folder
        at = f"{self._run.endpoint}: {folder}"
        try:
            kind = (await peer.stat(folder.rstrip("/") or folder)).kind if folder else Kind.FOLDER
        except NotThere as error:
            if not peer.features.missing_folder_is_empty:
                said = f"the source {at} does not exist; make it before the job starts, or correct the path"
                raise NotThere(said) from error
            kind = Kind.FOLDER
        if kind not in (Kind.FOLDER, Kind.LINK):
            raise NotThere(f"the source {at} is no folder; correct the path")
        tree = await tree_of(peer, folder)
        if not tree.is_whole:
            raise PathRefused(f"the source {at}: a folder in it can't be listed; give the gateway's user access to all")
        if not tree.files:
            raise NotThere(f"the source {at} holds no file; put some there before the job starts")
        return tree

    def _taken(self, tree: Tree) -> tuple[Tree, list[Skipped]]:
        """What of a listing is collected, and what is kept back: of a hidden folder only its own name is said."""
        files = {name: shown for name, shown in tree.files.items() if not self._left_out(name)}
        folders = {name for name in tree.folders if not self._left_out(name + "/")}
        skipped = [Skipped(name, _LINK) for name in tree.others if not self._left_out(name)]
        for name in (*tree.files.keys() - files.keys(), *(f"{name}/" for name in tree.folders - folders)):
            above, _, last = name.rstrip("/").rpartition("/")
            if is_temporary(last) and (not above or above in folders):
                skipped.append(Skipped(name, HIDDEN.format(last)))
        return replace(tree, files=files, folders=folders), skipped

    def _left_out(self, relative: str) -> bool:
        """What cannot be a path below a folder is no answer to trust."""
        parts = relative.rstrip("/").split("/")
        return any(part in ("", ".", "..") for part in parts) or all(rule(relative) for rule in self._rules)

    async def _fetch(self, tree: Tree) -> Mapping[str, GatewayError | None]:
        """Fetch what is not there as it is at the source; what failed, and why (None: it changed or went)."""
        known = {} if self._everything else tree.files
        missing = await asyncio.to_thread(lacking, self._staging, known) if known else sorted(tree.files)
        files = [
            FrozenFile(n, tree.files[name].path, name, _stamp(tree.files[name]))
            for n, name in enumerate(missing, 1)
            if self._fetched.get(name) != tree.files[name]
        ]
        if not files:
            return {}
        run, number = self._run, self._run.command
        to = Destination(run.services.local, True, self._staging, self._command.target)
        intents = [one.intent for one in await plan(run, number, self._command, files, to, of=len(files))]
        ends = Ends(source=lambda lane: lane.endpoint, target=lambda _: run.services.local)
        try:
            await Carrying(run, number, self._command, ends).carry(work_of(intents, {}), lanes(run), width(run))
        except CommandFailed as error:
            if isinstance(error.cause, Retryable) or error.cause.concerns_endpoint:
                raise error.cause from error
        return await self._failed(tree, files)

    async def _failed(self, tree: Tree, files: Sequence[FrozenFile]) -> Mapping[str, GatewayError | None]:
        """By the ledger: which of these files were not delivered."""
        run = self._run
        rows = await run.services.ledger.read(partial(deliveries.of_run, run=run.id, command=run.command))
        latest = {row.intent.source: row for row in rows}
        failed: dict[str, GatewayError | None] = {}
        for file in files:
            row = latest.get(file.source)
            if row is not None and row.delivered_at is not None:
                self._fetched[file.relative] = tree.files[file.relative]
            else:
                failed[file.relative] = recalled(row.error_class, row.error) if row and row.error_class else None
        return failed


def _stamp(shown: Shown) -> Stamp:
    return Stamp(shown.size, shown.mtime_ns, mtime_precision_ns=shown.grain_ns)
