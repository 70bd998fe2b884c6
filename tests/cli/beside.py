"""A gateway that serves beside the commands of a test."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.cli.conftest import Site
from tests.nursery import nursery

_LIMIT_S = 100.0


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """`gateway serve` for the time of the block."""
    log = site.root / "serve.log"
    process = nursery().start(["serve"], site.root, os.environ, log)
    try:
        until(lambda: b'"serving"' in log.read_bytes() or process.poll() is not None)
        yield site
    finally:
        process.terminate()
        assert process.wait(_LIMIT_S) == 0, log.read_text()


def until(holds: Callable[[], bool]) -> None:
    """Wait for it, with a limit."""
    end_s = time.monotonic() + _LIMIT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.05)
