"""Much work is done in portions: whoever else waits gets his turn in between."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def portions(things: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """All of them in their order, at most so many at once."""
    return (things[at : at + most] for at in range(0, len(things), most))
