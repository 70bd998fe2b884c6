"""One heap for all that is to happen at a time; an earlier time for the same thing replaces the later one."""

import heapq
from typing import Generic, Protocol, Self, TypeVar


class _Ordered(Protocol):
    def __lt__(self, other: Self, /) -> bool: ...


At = TypeVar("At", bound=_Ordered)


class Timers(Generic[At]):
    """Names and when each is due; `At` is a monotonic second or an aware datetime."""

    def __init__(self) -> None:
        self._heap: list[tuple[At, str]] = []
        self._at: dict[str, At] = {}

    def set(self, name: str, at: At) -> None:
        """`name` is due at `at`, whatever was set before."""
        self._at[name] = at
        heapq.heappush(self._heap, (at, name))

    def sooner(self, name: str, at: At) -> None:
        """`name` is due at `at`, unless it is sooner anyway."""
        before = self._at.get(name)
        if before is None or at < before:
            self.set(name, at)

    def cancel(self, name: str) -> None:
        """`name` isn't due any more."""
        self._at.pop(name, None)

    def at(self, name: str) -> At | None:
        """When `name` is due."""
        return self._at.get(name)

    def next_at(self) -> At | None:
        """When the first one is due."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: At) -> list[str]:
        """Take out the names that are due by `now`, the earliest first."""
        names: list[str] = []
        while (first := self.next_at()) is not None and not now < first:
            _, name = heapq.heappop(self._heap)
            del self._at[name]
            names.append(name)
        return names
