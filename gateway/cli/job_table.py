"""A run of a job for people: what stands above the table, and a row for each destination."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo

from gateway.cli.moments import short
from gateway.cli.output import show_span, show_value
from gateway.core.units import show_size
from gateway.jobs.model import HERE
from gateway.jobs.report import Report, Standing, after_all_said
from gateway.ledger.job_states import HAS_EVERYTHING, JobState, PlaceState, TriggerState
from gateway.ledger.job_triggers import TriggerRow

COLUMNS = ("destination", "phase", "files", "sent", "rate", "left", "said")
_TAIL_LINES = 5
_NO_TROUBLE = (TriggerState.OK, TriggerState.DUE, TriggerState.STARTED)
_RATE_OVER_S = 10.0
_FAILING = (PlaceState.ERROR, PlaceState.OFFLINE)
_MOVING = (PlaceState.LOADING, PlaceState.VERIFYING)
_ORDER = {state: at for at, state in enumerate((PlaceState.ERROR, PlaceState.OFFLINE, PlaceState.ABORTED, *_MOVING))}


@dataclass(slots=True)
class Rates:
    """How fast each destination gets its bytes, by the looks of the last seconds."""

    _seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, report: Report, at_s: float) -> None:
        """Note how far each is."""
        for place in report.places:
            seen = self._seen.setdefault(place.row.endpoint, [])
            seen.append((at_s, place.bytes_there))
            while len(seen) > 2 and at_s - seen[1][0] > _RATE_OVER_S:
                seen.pop(0)

    def bytes_per_s(self, endpoint: str) -> float | None:
        """None before two looks."""
        seen = self._seen.get(endpoint, [])
        if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
            return None
        return max(0, seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])  # what fails begins again


def heading(report: Report, zone: tzinfo, now: int) -> Iterator[str]:
    """The run itself."""
    run = report.run
    lasted = took(max(0, (run.ended_at or now) - (run.started_at or run.since)) / 1e9)
    since = f" since {short(run.since, zone)}" if not run.terminal else f", {short(run.ended_at, zone)}"
    state = run.state.value.replace("_", " ")
    yield f"{run.job}, run {run.id}: {state}{since}" + (f", after {lasted}" if run.started_at is not None else "")
    by = f" by {run.asked_by}" if run.asked_by else ""
    again = f", again after run {run.restarted_from}" if run.restarted_from is not None else ""
    yield f"  started     {run.trigger.replace('_', ' ')}{by}{again}, priority {run.priority}"
    if run.deadline_at is not None and not run.terminal:
        yield f"  deadline    {short(run.deadline_at, zone)}"
    if report.manifest is not None:
        yield f"  source      {_source(report)}"
    if run.after_all.value != "none":
        yield f"  after_all   {after_all_said(run)}"
    if run.cleaned not in ("none", "waiting"):
        yield f"  clean-up    {run.cleaned.replace('_', ' ')}"
    yield from (f"  note        {one}" for one in run.notes)
    yield from (f"  kept        {one}" for one in report.kept)
    if run.error:
        yield f"  error       {run.error}"
    if run.state is JobState.PAUSED:
        yield f"  paused in   {run.paused_in.value if run.paused_in else '-'}; gateway job resume {run.id} goes on"


def took(seconds: float) -> str:
    """`0.4 s`, `12m3s`."""
    return f"{seconds:.1f} s" if seconds < 60 else show_span(timedelta(seconds=seconds)) or ""


def _source(report: Report) -> str:
    found, run = report.manifest, report.run
    assert found is not None
    skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
    return (
        f"{_many(found.files, 'file')}, {show_size(found.bytes)}{skipped}; "
        f"{run.hashed_files} hashed, {run.kept_hashes} as before; {show_size(run.source_bytes_read)} read"
    )


def place_cells(place: Standing, rates: Rates | None, zone: tzinfo) -> list[str]:
    """A row of the table, in the order of COLUMNS."""
    row = place.row
    rate = rates.bytes_per_s(row.endpoint) if rates is not None and row.state in _MOVING else None
    there = place.bytes_there
    rest = row.bytes - there
    left = show_span(timedelta(seconds=rest / rate)) if rate and rest > 0 else None
    sent = show_size(there) if rest <= 0 else _of(there, row.bytes)
    cells = (row.endpoint, _phase(place), _files(place), sent, f"{show_size(int(rate))}/s" if rate else None, left)
    return [*(show_value(cell) for cell in cells), show_value(_said(place, zone))]


def share(place: Standing) -> str:
    """`23 %` of the bytes that it lacked; 100 only when all of them are there."""
    if place.row.bytes > 0:
        return f"{min(100, 100 * place.bytes_there // place.row.bytes)} %"
    return "100 %" if place.row.state in HAS_EVERYTHING else "-"


def _of(done: int, whole: int) -> str:
    return f"{show_size(done)} of {show_size(whole)}"


def _phase(place: Standing) -> str:
    return place.row.state.value.replace("_", " ") + (", left out" if place.row.excluded else "")


def _files(place: Standing) -> str | None:
    """`3 delivered, 197 unchanged`."""
    row = place.row
    counts = (
        (row.delivered, "delivered"),
        (row.unchanged, "unchanged"),
        (place.skipped_count, "skipped"),
        (place.failed, "failed"),
        (row.deleted, "deleted"),
        (place.waiting, "waiting"),
    )
    return ", ".join(f"{count} {word}" for count, word in counts if count) or None


def _said(place: Standing, zone: tzinfo) -> str | None:
    """What is wrong there, or what it waits for; a run that is over tries nothing more."""
    row, when = place.row, _waits_for(place)
    if place.over and place.error == place.over_by:
        return None  # said of the run, once for all
    if place.error is None:
        return f"{when[0]} {short(when[1], zone)}" if when is not None else None
    again = f"; tried again at {short(row.next_at, zone)}" if row.next_at is not None and not place.over else ""
    return f"{place.error}{again if row.state in _FAILING else ''}"


def _waits_for(place: Standing) -> tuple[str, int] | None:
    row = place.row
    if row.state is PlaceState.QUEUED and row.begins_at is not None:
        return "begins at", row.begins_at
    if row.state is PlaceState.PLACING and row.next_at is not None:
        return "final names at", row.next_at
    return None


def by_interest(places: Sequence[Standing]) -> list[Standing]:
    """What is wrong first, then what moves, what is done last."""
    return sorted(places, key=lambda one: (_ORDER.get(one.row.state, len(_ORDER)), one.row.ended_at is not None))


def totals(report: Report) -> str:
    """One line over all destinations."""
    states: dict[str, int] = {}
    for place in report.places:
        phase = _phase(place)
        states[phase] = states.get(phase, 0) + 1
    said = ", ".join(f"{count} {state}" for state, count in states.items())
    sent = sum(place.bytes_there for place in report.places)
    return f"{_many(len(report.places), 'destination')}: {said or 'none'}; {show_size(sent)} sent"


def command_lines(starts: Sequence[TriggerRow], zone: tzinfo, endpoint: str | None = None) -> Iterator[str]:
    """What the job's commands came to, each with the end of its output at the source, and where it did not go well.

    With `endpoint` those there alone, and all that is kept of what they printed.
    """
    for one in starts:
        if endpoint not in (None, one.place):
            continue
        again = f" (start {one.attempt})" if one.attempt > 1 else ""
        due = f" at {short(one.due_at, zone)}" if one.state is TriggerState.DUE else ""
        yield show_value(
            f"{one.moment} at {one.place or 'the source'}{again}: {one.state.value.replace('_', ' ')}{due}{_ended(one)}"
        )
        printed = (one.output or "").rstrip().splitlines()
        if endpoint is None:
            printed = printed[-_TAIL_LINES:] if one.place == HERE or one.state not in _NO_TROUBLE else []
        yield from (f"  | {show_value(line)}" for line in printed)


def _ended(one: TriggerRow) -> str:
    """The exit code and why it failed, which may be told by the code alone."""
    code = f"exit code {one.exit_code}" if one.exit_code is not None else ""
    why = one.error or ""
    if code and why.startswith(code):
        code, why = why, ""
    return (f", {code}" if code else "") + (f": {why}" if why else "")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
