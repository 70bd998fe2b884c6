"""What a person can ask for: the same functions answer in the gateway that serves and in a command on its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.runner.due import Due, RunResult
from gateway.scheduler.knowing import KnownFile
from gateway.scheduler.status import ActionStatus
from gateway.service.engine import Engine


class Gateway(Protocol):
    """The gateway that an operation works in: one that serves, or one built for this operation alone."""

    @property
    def engine(self) -> Engine:
        """Everything that moves files."""
        ...

    async def start(self, due: Due) -> RunResult:
        """Run what a person asks for.  Raises Refused for an action that can't run."""
        ...

    def refresh(self, *actions: str) -> None:
        """A person changed what the ledger says of these actions: look anew."""
        ...

    async def hold_pauses(self) -> None:
        """The ledger's pauses hold from now on."""
        ...

    def statuses(self) -> tuple[ActionStatus, ...]:
        """How each action is doing; nothing where nobody schedules."""
        ...

    def known(self, path: str) -> tuple[KnownFile, ...]:
        """What is remembered of a file; nothing where nobody schedules."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What an operation answers a person: what it did, line by line, and the exit code of the command."""

    lines: tuple[str, ...] = ()
    exit_code: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def answer(self) -> Mapping[str, Any]:
        """As it travels between processes."""
        return {"lines": list(self.lines), "exit_code": self.exit_code, "facts": dict(self.facts)}


def read_said(answer: Mapping[str, Any]) -> Said:
    """Read what `Said.answer` wrote."""
    return Said(tuple(answer.get("lines", ())), int(answer.get("exit_code", 0)), answer.get("facts", {}))
