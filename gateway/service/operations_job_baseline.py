"""`gateway baseline JOB`: what destinations have now counts as delivered, where they can't say what is in a file."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gateway.core.errors import NotThere, Unknown
from gateway.jobs.compiled import source_folder
from gateway.jobs.ignore import Ignore
from gateway.jobs.indexing import source_at
from gateway.jobs.model import Job
from gateway.jobs.place_tree import Tree, tree_of
from gateway.jobs.read import folders_of
from gateway.jobs.scanning import scan
from gateway.jobs.starting import Start, frozen_run
from gateway.ledger import Connection, job_contents, job_places
from gateway.ledger.job_contents import There
from gateway.ledger.job_destinations import NewPlace
from gateway.service.engine import Engine
from gateway.service.operations import Gateway, Said
from gateway.service.operations_baseline import baseline
from gateway.service.operations_channels import channel_baseline
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse


@dataclass(frozen=True, slots=True)
class _Found:
    """What a destination has of the source: `same` in size, `other` in size, and what it lacks."""

    place: NewPlace
    same: tuple[There, ...]
    other: int
    lacking: int


async def baseline_of(gateway: Gateway, name: str, arguments: Mapping[str, Any], *, dry: bool) -> Said:
    """Of an action, or of a job or a channel where there is no action of that name."""
    engine, destination = gateway.engine, arguments.get("destination")
    is_action = any(one == name or one.startswith(f"{name}@") for one in engine.actions.instances)
    if destination is not None or (name in engine.jobs.jobs.jobs and not is_action):
        return await job_baseline(engine, name, destination, dry=dry)
    if name in engine.channels.channels.channels and not is_action:
        return await channel_baseline(engine.channels, name, dry=dry)
    return await baseline(gateway, name, dry=dry)


async def job_baseline(engine: Engine, name: str, destination: str | None, *, dry: bool) -> Said:
    """Files of the source's name and size count as delivered; `dry` only counts.

    Raises Unknown, Refused; NotThere where the source has not been collected yet; what a listing raises.
    """
    job = engine.jobs.job(name)
    now = engine.clock.now()
    places = frozen_run(engine.loaded, job, Start(), now, now).places
    chosen = [one for one in places if destination in (None, one.endpoint)]
    if not chosen:
        names = ", ".join(one.endpoint for one in places)
        raise Unknown(f"{name} has no destination {destination!r}; it has {names}")
    folder = Path(source_folder(job, folders_of(engine.loaded.state, name)))
    lines: list[str] = []
    total = 0
    for place in chosen:
        found = await _compared(engine, job, place, folder)
        if not dry:
            server = engine.pool.place(place.endpoint).server
            await engine.ledger.write(partial(_note, found=found, server=server, at=engine.ledger.now_ns()))
        total += len(found.same)
        lines.append(_line(found, dry=dry))
    return Said(tuple(lines), facts={"job": name, "files": total, "dry_run": dry})


async def _compared(engine: Engine, job: Job, place: NewPlace, folder: Path) -> _Found:
    to = job.destination(place.endpoint)
    rules = (Ignore(to.profile.ignore if to is not None else ()),)
    work = partial(in_thread, source_at(str(folder)), engine.clock)
    sizes = await work(partial(_sizes, job, folder, rules))
    async with engine.runner.services.pool.session(place.endpoint) as peer:
        tree = await tree_of(peer, place.folder)
    same = [name for name, size in sizes.items() if name in tree.files and tree.files[name].size == size]
    lacking = sum(name not in tree.files for name in sizes)
    there = await work(partial(_hashed, job, folder, tree, same, engine.ledger.now_ns()))
    return _Found(place, there, len(sizes) - lacking - len(same), lacking)


def _sizes(job: Job, folder: Path, rules: Sequence[Ignore], pulse: Pulse) -> Mapping[str, int]:
    if job.source.endpoint is not None and not folder.is_dir():
        raise NotThere(
            f"{job.name}: its source at {job.source.endpoint} has not been collected yet, so nothing is known of its "
            f"contents; gateway job start {job.name} collects it"
        )
    found = scan(str(folder), rules, follow_links=job.source.follow_links, beat=pulse.beat)
    return dict(zip(found.files.relatives, found.files.sizes, strict=True))


def _hashed(job: Job, folder: Path, tree: Tree, names: Sequence[str], at: int, pulse: Pulse) -> tuple[There, ...]:
    """As if they had been delivered: with the content of the source, and the time that the destination shows."""
    made = []
    for name in names:
        pulse.beat(str(folder / name))
        shown = tree.files[name]
        sha256, digest = _digests(folder / name, job.hash)
        made.append(There(name, shown.size, shown.mtime_ns, shown.grain_ns, sha256, digest, at))
    return tuple(made)


def _digests(path: Path, algorithm: str) -> tuple[str, str | None]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if algorithm == "sha256":
            return sha256, None
        file.seek(0)
        return sha256, hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _note(connection: Connection, found: _Found, server: str, at: int) -> None:
    place = job_places.place_id(connection, found.place.endpoint, found.place.folder)
    job_places.arrive(connection, place, server, at)
    job_contents.note_there(connection, place, found.same)


def _line(found: _Found, *, dry: bool) -> str:
    does = "would count" if dry else "counts" if len(found.same) == 1 else "count"
    files = f"{len(found.same)} file{'s' if len(found.same) != 1 else ''}"
    more = [
        f"{found.other} of another size" if found.other else "",
        f"{found.lacking} not there" if found.lacking else "",
    ]
    rest = ", ".join(one for one in more if one)
    return f"{found.place.endpoint}: {files} {does} as delivered" + (
        f"; {rest}: sent at the next start" if rest else ""
    )
