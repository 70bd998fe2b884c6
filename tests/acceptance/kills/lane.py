"""One gateway that is killed again and again while it is fed, and the proof that nothing came of it."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.ledger.delivery_row import OPEN, State
from tests.acceptance.harness import until
from tests.acceptance.kills.census import Census, opened
from tests.acceptance.kills.feeding import feeding
from tests.acceptance.kills.moments import AIMED, Moment, plan
from tests.acceptance.kills.services import Services
from tests.acceptance.kills.tally import Tally
from tests.acceptance.kills.world import World, world_in
from tests.nursery import Nursery

FEED_EVERY_S = 0.05
END_LIMIT_S = 200.0
SAYS_EVERY = 25
MORE_KILLS = 60
"""At most so many above those that are wanted, until one hit each state that must be hit: none is sure to."""
PATIENCE_S = 3.0
"""So long is waited for a sign; then the kill comes all the same."""
MORE_PATIENCE_S = 20.0
"""And so long by those that must hit a state: on a busy machine the sign of it takes its time."""


@dataclass(frozen=True)
class Lane:
    """What one process of the test has to do; all that is drawn follows from the seed and the number."""

    number: int
    seed: int
    kills: int
    folder: Path


def run_lane(lane: Lane) -> Tally:
    """Kill, and prove.  What is wrong is told in the tally; an exception is a fault of the test."""
    began_s = time.monotonic()
    chance = random.Random(f"{lane.seed}/{lane.number}")
    tally = Tally()
    with world_in(lane.folder, f"{lane.seed}/{lane.number}") as world, Nursery() as nursery:
        services = Services(world.gateway, nursery)
        try:
            with feeding(world, chance.random(), FEED_EVERY_S):
                _kill(lane, world, services, chance, tally)
            _end(world, services, tally)
        finally:
            services.close()
        _count(world, services, tally)
    tally.seconds = time.monotonic() - began_s
    return tally.of_lane(lane.number)


def _kill(lane: Lane, world: World, services: Services, chance: random.Random, tally: Tally) -> None:
    """Ends at the first fault: what is left behind then is what one wants to see."""
    scratch = lane.folder / "scratch"
    scratch.mkdir()
    census = Census(world.places)
    for number, moment in enumerate(_moments(chance, lane.kills, tally), start=1):
        services.start(fresh=moment.fresh)
        _await(moment, world, services, PATIENCE_S if number <= lane.kills else MORE_PATIENCE_S)
        ended = services.kill()
        tally.killed(moment.kind.name, census.of(opened(world.gateway.state, scratch)), served=services.served())
        if ended is not None:
            tally.other.append(f"kill {number}: it had ended by itself with {ended}: {services.told()}")
        if ended is not None or world.faults():
            tally.other += [f"kill {number}: {fault}" for fault in world.faults()]
            return
        if number % SAYS_EVERY == 0:
            print(f"lane {lane.number}: {number} kills", flush=True)  # noqa: T201 -- somebody waits for an hour


def _moments(chance: random.Random, kills: int, tally: Tally) -> Iterator[Moment]:
    yield from plan(chance, kills)
    for moment in plan(chance, MORE_KILLS, AIMED):
        if not tally.not_hit:
            return
        yield moment


def _await(moment: Moment, world: World, services: Services, patience_s: float) -> None:
    """Until the moment has come."""
    if moment.signs:
        world.lookout.wait_for(moment.signs, patience_s)
    elif moment.kind.serves:
        services.wait_until_served(patience_s)
    time.sleep(moment.after_s)


def _end(world: World, services: Services, tally: Tally) -> None:
    """One life without a kill: all that was fed must come to its end, and a stop finds nothing to finish."""
    services.start(fresh=True)
    try:
        until(lambda: _is_over(world), lambda: _unfinished(world), END_LIMIT_S)
    except AssertionError as exc:
        tally.other.append(str(exc))
    code = services.stop()
    if code != 0:
        tally.other.append(f"the stop ended with {code}: {services.told()}")


def _is_over(world: World) -> bool:
    for recipient in world.recipients:
        recipient.take_due()
    return all(route.is_over() for route in world.routes) and not _unfinished_rows(world)


def _unfinished_rows(world: World) -> list[str]:
    rows = [row for state in OPEN for row in world.gateway.deliveries(state=state)]
    return [f"{row.id} {row.state} {row.intent.source}: {row.error}" for row in rows]


def _unfinished(world: World) -> str:
    left = [f"{path.parent.name}/{path.name}" for route in world.routes for path in route.source.iterdir()]
    return f"sources that stay: {left}; deliveries that are not over: {_unfinished_rows(world)}"


def _count(world: World, services: Services, tally: Tally) -> None:
    """By what arrived; and the ledger says the same."""
    tally.other += [f"stays: {name}" for recipient in world.recipients for name in recipient.remains()]
    for books in world.books:
        came = (books.fed & books.arrived).total()
        tally.fed += books.fed.total()
        tally.delivered += came
        tally.routes[books.route] = came
        tally.lost += [f"{books.route}: {name}" for name in books.lost]
        tally.twice += [f"{books.route}: {name}" for name in books.twice]
        tally.partial += [f"{books.route}: {name}" for name in books.torn]
        tally.other += [f"{books.route}: vanished: {name}" for name in books.vanished]
    done = world.gateway.deliveries(state=State.DONE)
    tally.went_on = sum(note.startswith("went on at byte") for row in done for note in row.notes)
    said = Counter((row.intent.action, row.intent.source) for row in done)
    tally.other += [f"the ledger has it as done {times} times: {each}" for each, times in said.items() if times > 1]
    tally.other += services.traces()
