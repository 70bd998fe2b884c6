"""Which local files a command sends: those that were judged, frozen in the ledger before the first byte.

A polled run gets exactly what the scheduler judged.  Any other run judges here, waits up to `wait_stable`, and says
what it left.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gateway.core.errors import NotThere
from gateway.core.moments import ns
from gateway.core.mounts import Mounts
from gateway.language.nodes import LocalCopy, Transfer
from gateway.language.polling import makes_due
from gateway.language.settings import Settings, Sort
from gateway.ledger import runs
from gateway.ledger.runs import FrozenFile
from gateway.ledger.standing import Block, Standing, standings
from gateway.runner.run import Run
from gateway.runner.texts import local_spec
from gateway.transfer.blocking import in_thread
from gateway.transfer.eligible import blocked, doubtful, seen_before
from gateway.transfer.markers import DoneFile
from gateway.transfer.sources import Found, SourceSpec, list_sources
from gateway.transfer.stability import Judgement, Rule, Verdict
from gateway.transfer.verify import sha256_of
from gateway.transfer.watched import Hints, Instant, Watched

_LOOK_EVERY_S = 1.0
_SHOWN = 10
NOT_JUDGED = "taken without waiting until it was stable (run --now)"


async def local_files(run: Run, number: int, command: Transfer) -> tuple[FrozenFile, ...]:
    """The frozen list of a command whose source is local.

    Raises NotThere if a literal name is not there.
    """
    frozen = await run.services.ledger.read(partial(runs.frozen, found=run.id, command=number))
    if frozen:
        return frozen
    spec = local_spec(run, command.source, source_base(run, command), recurse=command.recurse)
    if run.due.judged is not None:
        if not makes_due(command):  # what drives is due by any of its files; one that only runs along must find its own
            await _require_there(run, command, spec)
        return ()
    found = (
        await in_thread(spec.folder, run.services.clock, lambda _: list(list_sources(spec)))
        if run.due.skip_wait
        else await _stable(run, number, spec)
    )
    if command.recurse:
        await _note_left_out(run, number, spec)
    wanted = await takeable(run, number, command, found)
    if not wanted:
        await _require_there(run, command, spec)
        if not await in_thread(spec.folder, run.services.clock, lambda _: os.path.isdir(spec.folder)):
            said = f"there is no folder {spec.folder}, where it looks; make it, or correct the script"
            run.notes.append(f"command {number}: {said}")
    note = NOT_JUDGED if run.due.skip_wait else None
    return await freeze(run, number, wanted, note)


async def _note_left_out(run: Run, number: int, spec: SourceSpec) -> None:
    left_out = await in_thread(spec.folder, run.services.clock, lambda _: _left_out(spec))
    note_left_out(run, number, left_out)


def _left_out(spec: SourceSpec) -> list[str]:
    paths: list[str] = []
    for _ in list_sources(spec, paths.append):
        pass  # only what is no source is wanted
    return [os.path.relpath(path, spec.folder) for path in paths]


def note_left_out(run: Run, number: int, names: Sequence[str]) -> None:
    """Say what -REC has come across and does not take."""
    if names:
        shown = ", ".join(sorted(names)[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        run.notes.append(f"command {number}: hidden or temporary, or no regular file, and so not taken: {shown}")


async def _require_there(run: Run, command: Transfer, spec: SourceSpec) -> None:
    path = spec.literal
    if path is not None and not await in_thread(spec.folder, run.services.clock, lambda _: path.exists()):
        raise NotThere(f"{command.span}: {command.verb}: {spec.literal} is not there; correct the path in the script")


async def freeze(run: Run, number: int, found: Sequence[Found], note: str | None = None) -> tuple[FrozenFile, ...]:
    """Sort, limit and record what a command sends."""
    files = chosen(found, run.settings, note)
    if len(found) > len(files):
        run.notes.append(f"command {number}: {len(found) - len(files)} files are left for the next run (limit)")
    await run.services.ledger.write(partial(runs.freeze, found=run.id, command=number, files=files))
    return files


def chosen(found: Sequence[Found], settings: Settings, note: str | None = None) -> tuple[FrozenFile, ...]:
    """The first `limit` files in the order of `sort`, numbered from 1."""
    ordered = in_order(found, settings)[: settings.limit]
    return tuple(FrozenFile(n, one.path, one.relative, one.stamp, note) for n, one in enumerate(ordered, 1))


def in_order(found: Sequence[Found], settings: Settings) -> list[Found]:
    """`sort`: by name where times or sizes are equal."""
    keys: Mapping[Sort, Callable[[Found], tuple[int, str]]] = {
        Sort.NAME: lambda one: (0, one.relative),
        Sort.MTIME: lambda one: (one.stamp.mtime_ns or 0, one.relative),
        Sort.SIZE: lambda one: (one.stamp.size_bytes, one.relative),
    }
    return sorted(found, key=keys[settings.sort]) if settings.sort in keys else list(found)


async def _stable(run: Run, number: int, spec: SourceSpec) -> list[Found]:
    """Look until every file is stable or `wait_stable` is over."""
    rule = Rule.of(
        run.settings,
        stable_for_s=run.services.configured.stable_for_s,
        network=Mounts.now().is_network(str(spec.folder)),
        look_every_s=_LOOK_EVERY_S,
    )
    watched = Watched(number, spec, rule, DoneFile(run.settings.done_file))
    clock = run.services.clock
    end_s = clock.monotonic() + run.settings.wait_stable.total_seconds()
    while True:
        waiting = await in_thread(spec.folder, clock, lambda _: _look(watched, _instant(run)))
        left_s = end_s - clock.monotonic()
        next_at_s = watched.next_at_s()
        if not waiting or left_s <= 0 or next_at_s is None:
            break
        await run.wait(min(max(next_at_s - clock.monotonic(), 0.05), _LOOK_EVERY_S, left_s))
    if waiting:
        run.notes.append(f"command {number}: not stable within wait_stable, left for later: {', '.join(waiting)}")
    return list(watched.ready())


def _instant(run: Run) -> Instant:
    clock = run.services.clock
    return Instant(clock.monotonic(), ns(clock.now()))


def _said(watched: Watched, verdict: Verdict | None, name: str) -> str:
    marker = watched.marker_of(name) if verdict is Verdict.NO_MARKER else ""
    return f"{verdict}: {marker} isn't there" if marker else str(verdict or Verdict.TOO_YOUNG)


def _look(watched: Watched, now: Instant) -> list[str]:
    """Sweep and judge; the names that are not ready, each with its verdict."""
    watched.sweep(now, Hints(rescan=True, every_file=True))
    for one in watched.judge(now, limit=1_000_000):
        one.view.sights.settle(one.name, one.judgement.verdict, _again_at(now, one.judgement.again_after_s))
    return [
        f"{view.level.below}{name} ({_said(watched, row.verdict, name)})"
        for view in watched.views
        for name in view.sights
        if name not in view.sights.ready and (row := view.sights.row(name)) is not None
    ]


def _again_at(now: Instant, after_s: float | None) -> float | None:
    return None if after_s is None else now.monotonic_s + after_s


async def takeable(run: Run, number: int, command: Transfer, found: Sequence[Found]) -> list[Found]:
    """Leave out what is under way, waits for a person, or (-NEW) was delivered before."""
    known = await _standings(run, [one.path for one in found])
    now_ns = run.services.ledger.now_ns()
    only_new = run.instance.only_new
    taken: list[Found] = []
    for one in found:
        mine = known.get(one.path, ())
        judgement = blocked(one.stamp, number, mine, now_ns=now_ns, only_new=only_new)
        if judgement is None and command.new:
            judgement = await _seen_content(run, number, one, mine)
        if judgement is None:
            taken.append(one)
        elif judgement.verdict is not Verdict.SEEN:
            said = f"{judgement.verdict} {judgement.detail}".rstrip()
            run.notes.append(f"command {number}: {one.relative} is not taken: {said}")
    return taken


async def _seen_content(run: Run, number: int, one: Found, known: Sequence[Standing]) -> Judgement | None:
    """-NEW: a file whose inode or device alone differs from what was delivered is the same if its content is."""
    maybe = doubtful(one.stamp, number, known, only_new=run.instance.only_new)
    if (
        maybe is None
        or await sha256_of(run.services.sources(follow_links=run.instance.follow_links), one.path) != maybe.sha256
    ):
        return None
    return seen_before(maybe)


async def _standings(run: Run, paths: Sequence[str]) -> dict[str, list[Standing]]:
    """What the ledger holds against each source; a file that failed before may be tried by a run that nobody polled."""
    action = run.instance.name
    known = await run.services.ledger.read(lambda connection: standings(connection, action, paths))
    grouped: dict[str, list[Standing]] = {}
    for one in known:
        if one.block is not Block.HELD_BACK:
            grouped.setdefault(one.source, []).append(one)
    return grouped


def source_base(run: Run, command: Transfer) -> Path:
    """Where a relative local source starts: the inbox for LCOPY, else the outbox."""
    return run.instance.inbox if isinstance(command, LocalCopy) else run.instance.outbox
