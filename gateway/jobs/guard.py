"""A command behind a guard: started at most once whatever is lost on the way, its exit code kept where it ran.

A guard is a folder of a start's own at the place where the command runs (`guard.sh` says what is in it).  Asking it
never waits for the command; the command goes on whether or not anybody listens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from gateway.core.errors import NeedsOperator, Retryable
from gateway.jobs.shells import Shell

_SHOWN = 300
_WORD = "gateway-guard"
_OWN_HOME = "~"
_COMMENT = re.compile(r"^\s*#[^\n]*\n", re.MULTILINE)


class Life(StrEnum):
    """How a guarded command stands.

    `ready`: surely never started.  `late`: its time was up, all that it had running was ended.  `lost`: it was
    started, nothing of it runs, and it left no exit code.  `missing`: there is no guard.
    """

    READY = "ready"
    RUNNING = "running"
    ENDED = "ended"
    LATE = "late"
    LOST = "lost"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Seen:
    """A look: `code` is there where the command has ended, `output` is the tail of what it has printed so far."""

    life: Life
    code: int | None = None
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One start of one command.

    `words` are the program and its arguments, or "" and a line for the shell there.  `folders` may hold guards, the
    first that can be written does.
    """

    shell: Shell
    name: str
    limit_s: int
    folders: tuple[str, str]
    words: Sequence[str]

    async def prepare(self) -> Seen:
        """Make the folder; nothing is started.  Raises NeedsOperator where there can be none."""
        printed = await self._asked("prepare")
        seen = read_answer(printed, self.name)
        if seen is not None:
            return seen
        raise NeedsOperator(f"{self.shell.where}: {self._refusal(printed)}")

    def _refusal(self, printed: str) -> str:
        said = printed.partition(f"{_WORD} {self.name} ")[2].split()
        if said[:1] == ["refused"]:
            return (
                f"the exit code of a command can be kept neither in the account's home nor in "
                f"{self.folders[1] or self.folders[0]}: {_shown(printed)}; make room, or let the account write there"
            )
        if said[:1] == ["alone"]:
            return "a command could not be ended with all that it starts; install setsid (util-linux) or perl there"
        return f"commands are guarded by a POSIX shell (sh), which the account does not give; it says {_shown(printed)}"

    async def start(self) -> Seen:
        """Start the command unless a start of this guard did so before; a short one has ended when this returns."""
        return self._known(await self._asked("start", *self.words))

    async def look(self) -> Seen:
        """How it stands."""
        return self._known(await self._asked("look"))

    async def end(self) -> Seen:
        """End all that it has running."""
        return self._known(await self._asked("end"))

    async def remove(self) -> None:
        """The folder goes."""
        await self._asked("remove")

    async def _asked(self, verb: str, *words: str) -> str:
        said = (_text(), verb, self.name, str(self.limit_s), *self.folders, *words)
        run = self.shell.begin if verb in ("prepare", "start") else self.shell.ask
        return await run(("sh", "-c", 'eval "$1"', _WORD, *said))

    def _known(self, printed: str) -> Seen:
        seen = read_answer(printed, self.name)
        if seen is None:
            raise Retryable(f"{self.shell.where}: it does not say how a command stands, but: {_shown(printed)}")
        return seen


def at_account(folder: str) -> tuple[str, str]:
    """Where guards of an endpoint's account lie: in its home, or where that can't be written, in `folder`."""
    return _OWN_HOME, folder


def read_answer(printed: str, name: str) -> Seen | None:
    """What the guard `name` said, whatever a login prints before; None if it said nothing of the kind."""
    _, found, rest = printed.partition(f"{_WORD} {name} ")
    said, _, output = rest.partition("\n")
    words = said.split()
    if not found or not words:
        return None
    if words[0] == "ended" and len(words) == 2:
        if words[1] == "late":
            return Seen(Life.LATE, None, output.strip())
        return Seen(Life.ENDED, int(words[1]), output.strip()) if words[1].isdigit() else None
    if words[0] in (Life.READY, Life.RUNNING, Life.LOST, Life.MISSING):
        return Seen(Life(words[0]), None, output.strip())
    return None


@cache
def _text() -> str:
    return _COMMENT.sub("", (files("gateway.jobs") / "guard.sh").read_text(encoding="utf-8"))


def _shown(printed: str) -> str:
    return repr(printed.strip()[-_SHOWN:]) if printed.strip() else "nothing"
