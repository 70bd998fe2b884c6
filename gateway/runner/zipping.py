"""LCOPY -ZIP and -UNZ as commands of a run."""

from collections.abc import Sequence

from gateway.core.errors import GatewayError
from gateway.language.nodes import LocalCopy
from gateway.ledger.runs import FrozenFile
from gateway.runner.run import Run


async def copy_zip(run: Run, number: int, command: LocalCopy, files: Sequence[FrozenFile]) -> None:
    raise GatewayError("pending")


async def copy_unzip(run: Run, number: int, command: LocalCopy, files: Sequence[FrozenFile]) -> None:
    raise GatewayError("pending")
