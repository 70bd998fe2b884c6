"""One line of a check-up: what was looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How the thing looked at is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """`remedy` is empty exactly where `state` is ok."""

    subject: str
    state: State
    found: str
    remedy: str = ""


def ok(subject: str, found: str) -> Line:
    """As it should be."""
    return Line(subject, State.OK, found)


def warn(subject: str, found: str, remedy: str) -> Line:
    """Works, but worse than it could."""
    return Line(subject, State.WARN, found, remedy)


def fail(subject: str, found: str, remedy: str) -> Line:
    """Something will not work."""
    return Line(subject, State.FAIL, found, remedy)
