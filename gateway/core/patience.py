"""A wait that is wanted, such as for a budget, is no standstill: whoever watches for progress hears of it.

The one who waits and the one who watches are floors apart, with an interface between them that knows of neither; the
context of the task holds them together.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Watch = Callable[[], AbstractContextManager[None]]

_watch: ContextVar[Watch] = ContextVar("watch", default=nullcontext)


@contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """For the block, and for tasks started in it, `watch` surrounds every wanted wait."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def wanted_wait() -> AbstractContextManager[None]:
    """Surrounds a wait that nobody is to blame for."""
    return _watch.get()()
