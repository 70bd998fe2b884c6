"""What a caller asks of a delivery, and what it gets back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.errors import GatewayError, Retryable
from gateway.ledger import Connection
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.intent import Intent, Replace

__all__ = ["Also", "Delivered", "Held", "Hooks", "InLine", "Intent", "Outcome", "Replace", "Unsettled"]

Also = Callable[[Connection, Sequence[DeliveryRow]], None]
"""Writes more rows in the very commit that changes the state of deliveries (reactions, counters)."""


class Unsettled(Retryable):
    """What became of a rename can't be told now; the delivery stays `placing` and is settled later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What is written along with a change of state."""

    intended: Also | None = None
    delivered: Also | None = None
    done: Also | None = None
    delete_failed: Also | None = None
    held: Also | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The file stands (or stood) under its final name, whole.  `row` is the receipt.

    `delete_failed` says why the source is still there; it is never sent again.
    """

    row: DeliveryRow

    @property
    def delete_failed(self) -> str | None:
        """Why -DEL did not remove the source."""
        return self.row.error if self.row.state is State.DELETE_FAILED else None


@dataclass(frozen=True, slots=True)
class Held:
    """Waits for a person, or (`row.error_class` NameTaken) until somebody took the old file."""

    row: DeliveryRow
    reason: str

    @property
    def name_taken(self) -> bool:
        """True if it goes on by itself once the name is free."""
        return self.row.error_class == "NameTaken"


Outcome = Delivered | Held


async def nothing_before() -> None:
    """The gate of a file that need not wait for another."""


def nothing_told(size_bytes: int) -> None:
    """The progress of a file that nobody watches."""


class InLine(Protocol):
    """A file's turn where renames are sent one after the other, without waiting for their answers."""

    async def before_placing(self) -> None:
        """Return when it may be recorded that this file takes its name."""
        ...

    async def before_rename(self) -> None:
        """Return when its rename may be sent."""
        ...

    def rename_sent(self) -> None:
        """Its rename is sent before anything else happens."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the caller of a delivery lends it.

    `before_placing` returns when this file may become visible (files of one command take their names in order).
    `in_line` takes its place where the target carries renames out in the order in which they are sent.
    `on_progress` hears the bytes sent so far.  `on_intended` hears the delivery as soon as it is in the ledger.
    """

    before_placing: Callable[[], Awaitable[None]] = nothing_before
    in_line: InLine | None = None
    on_progress: Callable[[int], None] = nothing_told
    on_intended: Callable[[DeliveryRow], None] | None = None
    also: Hooks = Hooks()


def class_of(error: BaseException) -> str:
    """The name under which an error stands in the ledger."""
    return type(error).__name__


def text_of(error: BaseException) -> str:
    """What an error says, for the ledger: a cancel and a time-out say nothing themselves."""
    if isinstance(error, GatewayError):
        return str(error)
    if isinstance(error, asyncio.CancelledError):
        return "it was stopped"
    return f"{type(error).__name__}: {error}"
