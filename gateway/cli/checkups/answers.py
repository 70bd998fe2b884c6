"""Looks at folders that may hang: each is given some seconds, then it is told which folder does not answer."""

from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from gateway.cli.checkups.line import Line, fail

LIMIT_S = 5.0
_REMEDY = "see what is mounted there: findmnt; mend its disk or server, or take it away: umount -l"

T = TypeVar("T")


class Answers:
    """What folders answered; one that was silent, and what lies below it, is not asked again."""

    def __init__(self) -> None:
        self._silent: list[Path] = []

    def is_silent(self, folder: Path) -> bool:
        """True if asking it would hang."""
        return any(folder.is_relative_to(one) for one in self._silent)

    def ask(self, subject: str, folder: Path, look: Callable[[], T]) -> T | Line:
        """What `look` finds in `folder`, or the line that it does not answer.  Raises what `look` raises."""
        if not self.is_silent(folder):
            answer: SimpleQueue[T | Exception] = SimpleQueue()
            Thread(target=_look, args=(look, answer), name="look", daemon=True).start()  # none waits for one that hangs
            try:
                found = answer.get(timeout=LIMIT_S)
            except Empty:
                self._silent.append(folder)
            else:
                if isinstance(found, Exception):
                    raise found
                return found
        return fail(subject, f"{folder}: nothing answers there", _REMEDY)


def _look(look: Callable[[], T], answer: "SimpleQueue[T | Exception]") -> None:
    try:
        answer.put(look())
    except Exception as problem:
        answer.put(problem)
