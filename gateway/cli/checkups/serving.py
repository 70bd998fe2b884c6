"""Who has the state folder and the outboxes: two gateways on one of either would each do its work."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from gateway.cli.checkups.answers import Answers
from gateway.cli.checkups.line import Line, fail, ok
from gateway.config.loaded import Loaded
from gateway.ledger.instances import Holder, holder
from gateway.service.outboxes import locked_by


def check_serving(loaded: Loaded, answers: Answers) -> Iterator[Line]:
    """The process that works with this configuration, and others that send from its outboxes."""
    if answers.is_silent(loaded.state):
        return
    found = holder_of(loaded.state)
    if found is None:
        yield ok("served by", "nobody; `gateway serve` starts one")
    else:
        yield ok("served by", f"`gateway {found.what}` (pid {found.pid}, since {found.started_at:%Y-%m-%d %H:%M} UTC)")
    outboxes = {name: loaded.outbox(name) for name in loaded.config.endpoints}
    yield from check_outboxes({name: one for name, one in outboxes.items() if not answers.is_silent(one)}, found)


def holder_of(state: Path) -> Holder | None:
    """The process that has the state folder; None, too, where this user may not look."""
    with suppress(OSError):
        return holder(state)
    return None


def check_outboxes(outboxes: Mapping[str, Path], ours: Holder | None) -> Iterator[Line]:
    """Each that a process holds which is not `ours`."""
    for name, folder in outboxes.items():
        with suppress(OSError):
            pid = locked_by(os.stat(folder))
            if pid is not None and (ours is None or pid != ours.pid):
                found = f"{folder}: another gateway (pid {pid}) sends from this outbox"
                yield fail(f"{name} outbox", found, "end that one first, or give this endpoint an outbox of its own")
