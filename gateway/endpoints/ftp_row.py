"""Calls of one FTP session that follow each other in its thread: one hop to it for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gateway.core.errors import GatewayError, PathRefused
from gateway.endpoints.ftp_errors import FTP_ERRORS, ends_session, ftp_error

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One of them; `what` names it in errors."""

    what: str
    work: Callable[[], T]


@dataclass(slots=True)
class Row(Generic[T]):
    """Each ends with a value or an error of its own; after a link that is lost there is no other.

    With `while_well` the first error of any kind is the end.
    """

    name: str
    calls: Sequence[Call[T]]
    while_well: bool = False
    lost: bool = False
    _answers: list[T | GatewayError] = field(default_factory=list)

    def run(self) -> None:
        """In the thread: one after the other, until the link is lost."""
        for call in self.calls:
            answer = self._answer(call)
            self._answers.append(answer)
            if self.lost or (self.while_well and isinstance(answer, GatewayError)):
                return

    def _answer(self, call: Call[T]) -> T | GatewayError:
        try:
            return call.work()
        except FTP_ERRORS as exc:
            self.lost = ends_session(exc)
            ours = ftp_error(exc, f"{self.name}: {call.what}")
            ours.__cause__ = exc
            return ours
        except ValueError as exc:  # a name that can't be sent
            return PathRefused(f"{self.name}: {call.what!r}: {exc}")
        except GatewayError as exc:
            return exc

    def answers(self, why: GatewayError) -> list[T | GatewayError]:
        """What has come so far; that of the others is `why`."""
        came = list(self._answers)
        return came + [type(why)(f"{self.name}: {call.what}: {why}") for call in self.calls[len(came) :]]
