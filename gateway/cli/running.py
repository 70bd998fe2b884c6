"""Runs an action, or all instances of a group's, and follows it: here, or beside the gateway that serves."""

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gateway.cli.doing import GoesOn, waiting_for
from gateway.cli.following import Follower, Screen, open_screen
from gateway.cli.output import show_files
from gateway.cli.run_result import Ended
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, Refused, Unknown
from gateway.core.model import Severity
from gateway.language.check import check
from gateway.language.nodes import Put, PutGet
from gateway.language.parse import parse_bytes
from gateway.ledger import overview, runs
from gateway.runner.actions import instances_of
from gateway.runner.instance import Instance
from gateway.runner.world import world_of
from gateway.service import left_open
from gateway.service.asking import newer
from gateway.service.engine import Engine
from gateway.service.folders import make_folders
from gateway.service.housekeeping import tidy_after_run
from gateway.service.talking import Here, Talk, talk
from gateway.service.targets import is_of_file, require_instances


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run; `quiet`: print nothing on the way."""

    action: str
    now: bool = False
    approve: bool = False
    quiet: bool = False


async def run_action(loaded: Loaded, clock: Clock, wanted: Wanted) -> list[Ended]:
    """Run it and wait for its end."""
    with open_screen(quiet=wanted.quiet) as screen:
        async with talk(loaded, clock, "run", patience_s=600.0, waiting=waiting_for) as asked:
            if isinstance(asked, Here):
                return await _here(asked, loaded, clock, wanted, screen)
            return await _beside(asked, loaded, clock, wanted, screen)


async def _here(asked: Here, loaded: Loaded, clock: Clock, wanted: Wanted, screen: Screen) -> list[Ended]:
    """This process runs it."""
    instances = await _instances(loaded, asked.engine, wanted)
    _show_progress(asked.engine, screen)
    await _make_outboxes(instances, screen)
    ended = await asyncio.gather(*(_run_one(asked, clock, one.name, wanted, screen) for one in instances))
    await asked.engine.finish()
    kept = await tidy_after_run(asked.ledger, clock, loaded)
    if kept is not None:
        screen.remark(str(kept))
    return list(ended)


async def _beside(asked: Talk, loaded: Loaded, clock: Clock, wanted: Wanted, screen: Screen) -> list[Ended]:
    """The gateway that serves runs it, as it has read it.  Raises GoesOn once that is all that is left to do."""
    names = (await asked.ask("instances", await asyncio.to_thread(_meant, wanted.action)))["instances"]
    screen.remark(f"beside `gateway serve` (pid {asked.served_by.pid if asked.served_by else 0}), which runs it")
    for line in (await newer(asked.ledger, clock)).lines if loaded.is_whole else ():  # else no reload could take it in
        screen.remark(line)
    try:
        return list(await asyncio.gather(*(_run_one(asked, clock, one, wanted, screen) for one in names)))
    except asyncio.CancelledError:
        raise GoesOn from None


def _meant(action: str) -> dict[str, str]:
    """The name of an action, or the file of a script, as another process can tell what it is.  Raises Unknown."""
    if not action.endswith(".act"):
        return {"action": action}
    if not Path(action).exists():
        raise _no_script(Path(action))
    return {"script": os.path.abspath(action)}


def _show_progress(engine: Engine, screen: Screen) -> None:
    services = replace(engine.runner.services, progress=screen.progress)
    engine.runner.renew(services, engine.actions.instances)


async def _make_outboxes(instances: Sequence[Instance], screen: Screen) -> None:
    """As the service does at its start: where people drop files is there."""
    senders = [one for one in instances if one.endpoint and _sends(one)]
    missing = [one for one in senders if not await asyncio.to_thread(os.path.exists, one.outbox)]
    await make_folders({one.outbox for one in missing})
    for one in missing:
        if await asyncio.to_thread(os.path.isdir, one.outbox):
            said = "was not there; it is made now, files to send belong there"
            screen.remark(f"{one.name}: the folder {one.outbox} {said}")


def _sends(instance: Instance) -> bool:
    return any(isinstance(command, Put | PutGet) for command in instance.action.commands)


async def _run_one(asked: Talk, clock: Clock, name: str, wanted: Wanted, screen: Screen) -> Ended:
    before = await asked.ledger.read(overview.newest_run)
    left, unsettled = await _left(asked, name)
    if left or unsettled:
        screen.remark(f"{name}: goes on with what was interrupted first: {_counted(left, unsettled)}")
    follower = Follower(asked.ledger, clock, name, before, screen, behind=bool(left or unsettled))
    following = asyncio.create_task(follower.follow())
    arguments = {"action": name, "now": wanted.now, "approve": wanted.approve}
    try:
        answer = await asked.ask("run", arguments, limit_s=None)
    except GatewayError as error:
        return Ended(name, None, error)
    except asyncio.CancelledError:
        if asked.served_by is not None:
            screen.remark(f"{name}: the run goes on in `gateway serve`; `gateway status` shows it")
        raise
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    settled = await asked.ledger.read(partial(left_open.arrived, found=unsettled))
    for one in settled:
        screen.ended(one)
    await follower.look(int(answer["run"]))
    rows = [await asked.ledger.read(partial(runs.get, found=one)) for one in (*left, int(answer["run"]))]
    return Ended(
        name,
        rows[-1],
        finished=tuple(row for row in rows[:-1] if row is not None),
        settled=settled,
        stuck=await asked.ledger.read(partial(left_open.stuck_of, action=name)),
    )


def _counted(runs_left: Sequence[int], deliveries: Sequence[int]) -> str:
    parts = [f"run {', '.join(map(str, runs_left))}"] if runs_left else []
    return ", ".join(parts + ([show_files(len(deliveries))] if deliveries else []))


async def _left(asked: Talk, action: str) -> tuple[list[int], Sequence[int]]:
    """The runs and the deliveries of an action that are gone on with here before it runs anew."""
    if not isinstance(asked, Here):
        return [], ()
    left = [one.id for one in await asked.engine.interrupted() if one.action == action]
    return left, await asked.ledger.read(partial(left_open.open_ids, action=action))


async def _instances(loaded: Loaded, engine: Engine, wanted: Wanted) -> list[Instance]:
    """What the name means.  Raises Unknown with what there is, Refused for what can't run."""
    if not wanted.action.endswith(".act"):
        return require_instances(loaded, engine.actions, wanted.action)
    return await _script(loaded, engine, Path(wanted.action))


async def _script(loaded: Loaded, engine: Engine, path: Path) -> list[Instance]:
    """A script that lies anywhere."""
    instances = await asyncio.to_thread(_read_script, loaded, path)
    present = engine.actions.instances
    taken = [one.name for one in instances if await asyncio.to_thread(_is_other, present.get(one.name), path)]
    if taken:
        raise Refused(f"{path}: an action {taken[0]!r} stands already in the action folders; rename the file")
    merged = {**present, **{one.name: one for one in instances}}
    engine.actions = replace(engine.actions, instances=merged)
    engine.runner.renew(engine.runner.services, merged)
    return instances


def _no_script(path: Path) -> Unknown:
    return Unknown(f"{path}: there is no such script; name an action, or a script that is there")


def _is_other(known: Instance | None, path: Path) -> bool:
    return known is not None and not is_of_file(known, path)


def _read_script(loaded: Loaded, path: Path) -> list[Instance]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _no_script(path) from None
    except OSError as problem:
        raise Refused(f"{path}: can't be read: {problem.strerror}; name a script") from problem
    parsed = parse_bytes(data, str(path))
    errors = [finding for finding in check(parsed, world_of(loaded)) if finding.severity is Severity.ERROR]
    if errors:
        raise Refused("\n".join(str(finding) for finding in errors))
    return list(instances_of(loaded, parsed, hashlib.sha256(data).hexdigest()))
