"""What is told of a run that would begin now, by `gateway plan`."""

from dataclasses import dataclass, field

from gateway.core.errors import GatewayError
from gateway.runner.instance import Instance
from gateway.transfer.stability import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file of a command.

    `final` is None where it would not be taken, then `judgement` says why.  `replaces_bytes` is the size of what
    stands under the final name; None: nothing, or not asked.
    """

    source: str
    size_bytes: int
    judgement: Judgement
    final: str | None = None
    mode: str | None = None
    replaces_bytes: int | None = None
    removes_source: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCommand:
    """One command.  `skipped` are names that a pattern leaves out: temporary ones, links, what is no file.

    `deletes` are the names that -MIR deletes at the destination; `refused` says why it would not.
    """

    number: int
    text: str
    transfers: bool
    files: tuple[PlannedFile, ...] = ()
    skipped: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    refused: str | None = None
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run of one instance would do, command by command."""

    instance: Instance
    commands: tuple[PlannedCommand, ...] = field(default=())
