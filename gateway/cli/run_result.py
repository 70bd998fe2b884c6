"""What became of a run: for people, for programs, and as an exit code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.cli.output import show_files, show_value
from gateway.core.errors import GatewayError
from gateway.core.units import show_size
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.runs import RunRow
from gateway.service.failures import exit_code_of
from gateway.service.left_open import Stuck

_BAD = ("failed", "stopped")


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a run of one instance; `row` is None if none came about, then `error` says why.

    `finished` are runs that an earlier process left and that were brought to their end first, `settled` the files that
    arrived by that; `stuck` what nobody could go on with.
    """

    action: str
    row: RunRow | None
    error: GatewayError | None = None
    finished: tuple[RunRow, ...] = ()
    settled: tuple[DeliveryRow, ...] = ()
    stuck: tuple[Stuck, ...] = ()

    def exit_code(self, *, error_on_nothing: bool) -> int:
        """As DESIGN §6 says."""
        if self.error is not None:
            return self.error.exit_code
        if self.row is None or self.row.outcome in _BAD:
            return exit_code_of(self.row.error_class if self.row else None)
        codes = [one.exit_code for one in self.stuck]
        codes += [exit_code_of(one.error_class) for one in self.finished if one.outcome == "failed"]
        if codes:
            return codes[0]
        return 9 if self.outcome == "nothing" and error_on_nothing and not self.finished else 0

    @property
    def outcome(self) -> str:
        """The run's, unless it found nothing to do because that was done before it began."""
        if self.row is None:
            return "failed"
        return "done" if self.row.outcome == "nothing" and self.settled else self.row.outcome or self.row.state

    @property
    def _size_settled(self) -> int:
        return sum(_size(one) for one in self.settled)

    def as_json(self) -> Mapping[str, Any]:
        """For --json."""
        row = self.row
        why = (
            [str(self.error)] if self.error else [row.error] if row and row.error else [str(one) for one in self.stuck]
        )
        return {
            "action": self.action,
            "run": row.id if row else None,
            "outcome": self.outcome,
            "files": (row.files if row else 0) + len(self.settled),
            "failed_files": row.failed_files if row else 0,
            "size_bytes": (row.size_bytes if row else 0) + self._size_settled,
            "error": why[0] if why else None,
            "notes": list(row.notes) if row else [],
            "finished": [{"run": one.id, "outcome": one.outcome, "error": one.error} for one in self.finished],
            "settled": [
                {"delivery": one.id, "file": one.name, "size_bytes": _size(one), "verified": one.verified}
                for one in self.settled
            ],
            "stuck": [{"delivery": one.row.id, "file": one.row.name, "error": one.why} for one in self.stuck],
        }


def shown_result(ended: Ended) -> str:
    """The last lines of a run, for people."""
    return "\n".join(_lines(ended))


def _lines(ended: Ended) -> Iterator[str]:
    row = ended.row
    for one in ended.finished:
        yield f"{ended.action}: finished the interrupted run {one.id}: {_outcome(one)}"
        if one.error:
            yield f"  {show_value(one.error)}"
    if row is None:
        said = str(ended.error)
        yield said if said.startswith(f"{ended.action}: ") else f"{ended.action}: {said}"
        return
    yield f"{ended.action}: {_headline(ended, row)} (run {row.id})"
    told = tuple(f" is not taken: under_way delivery {one.row.id} " for one in ended.stuck)
    for note in row.notes:
        if any(one in note for one in told):
            continue  # what holds it is told below
        yield from (f"  {show_value(line)}" for line in note.split("\n"))
    if row.error:
        yield f"  {show_value(row.error)}"
    for stuck in ended.stuck:
        yield f"  {show_value(str(stuck))}"
        yield f"    {show_value(stuck.remedy)}"


def _headline(ended: Ended, row: RunRow) -> str:
    """The run's outcome; where it had nothing to do, what was done before it began, or could not be."""
    if row.outcome != "nothing":
        return _outcome(row)
    if ended.stuck:
        stuck = f"{show_files(len(ended.stuck))} {'is' if len(ended.stuck) == 1 else 'are'} stuck"
        sent = f"{_earlier(ended)} sent" if ended.settled else "nothing was sent"
        return f"{stuck}, {sent}"
    return f"done, {_earlier(ended)}" if ended.settled else _outcome(row)


def _earlier(ended: Ended) -> str:
    size = sum(_size(one) for one in ended.settled)
    return f"{show_files(len(ended.settled))} of an earlier run, {show_size(size)}"


def _size(row: DeliveryRow) -> int:
    return row.size if row.size is not None else row.intent.stamp.size_bytes


def _outcome(row: RunRow) -> str:
    took = f"in {((row.ended_at or row.started_at) - row.started_at) / 1e9:.1f} s"
    match row.outcome:
        case "nothing":
            return f"nothing to do, {took}"
        case "done":
            size = f", {show_size(row.size_bytes)}" if row.size_bytes else ""
            return f"done, {show_files(row.files)}{size}, {took}"
        case outcome:
            return f"{outcome}: {show_files(row.files)} done, {row.failed_files} failed, {took}"
