"""Files come without pause, on all routes, while processes come and go."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.kills.world import World


@contextmanager
def feeding(world: World, seed: float, every_s: float) -> Iterator[None]:
    """One file every `every_s` to some route, and recipients take theirs away, for the time of the block."""
    ended = threading.Event()
    failed: list[BaseException] = []
    thread = threading.Thread(target=_feed, args=(world, random.Random(seed), every_s, ended, failed), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(100)
    if failed:
        raise failed[0]


def _feed(
    world: World, chance: random.Random, every_s: float, ended: threading.Event, failed: list[BaseException]
) -> None:
    try:
        while not ended.wait(every_s):
            chance.choice(world.routes).feed(world.contents)
            for recipient in world.recipients:
                recipient.take_due()
    except BaseException as exc:
        failed.append(exc)
