"""The state of everything as lines for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain

import typer

from gateway.cli.moments import shown
from gateway.cli.output import print_table, show_files, show_span, show_value
from gateway.cli.status_channels import channel_lines
from gateway.cli.status_people import WHY_AT_MOST, people_lines
from gateway.core.circuit import Circuit, circuit_at
from gateway.core.moments import moment
from gateway.scheduler.pauses import shown_scope
from gateway.scheduler.status import ActionStatus
from gateway.service.action_state import ActionState
from gateway.service.state import GatewayState, since

_COLUMNS = ("action", "state", "oldest file", "next", "last run", "why")
_HELD = ("paused", "disabled", "refused")
_TROUBLED = ("offline", "error")
_UNASKED = timedelta(minutes=1)
_WORST = (
    "broken", "refused", "parked", "stuck", "interrupted", "failed", "lag", "retry", "run", "paused", "disabled",
    "idle",
)  # fmt: skip


def show_state(state: GatewayState, *, unfold: bool) -> None:
    """The table, then what needs a person."""
    _echo(_who_serves(state))
    rows = [_row(one, state) for one in state.actions] if unfold else list(_folded(state))
    if rows:
        print_table(_COLUMNS, rows)
    else:
        typer.echo("No actions; put scripts (NAME.act) into an action folder.")
    _echo(chain(_jobs(state), channel_lines(state), _endpoints(state), people_lines(state), _degraded(state)))


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _who_serves(state: GatewayState) -> Iterator[str]:
    if state.ledger_trouble:
        yield f"LEDGER: {state.ledger_trouble}"
    if state.silent:
        yield f"`gateway serve` (pid {state.holder.pid if state.holder else 0}) does not answer: {state.silent}"
    if state.holder is None:
        yield "No gateway serves; this is what the ledger knows. Start one with `gateway serve`."
    for pause in state.known.pauses:
        until = f" until {shown(moment(pause.until, state.zone), state.zone)}" if pause.until else ""
        name = pause.scope.rpartition(":")[2]
        began = shown(moment(pause.at, state.zone), state.zone)
        held = f"{shown_scope(pause.scope)} since {began}{until}, by {pause.by}"
        yield f"PAUSED: {held}; `gateway resume {name}` lets it go on"


def _folded(state: GatewayState) -> Iterator[Sequence[str | None]]:
    """A group's action is one line: how many of its endpoints do what."""
    groups: defaultdict[str, list[ActionState]] = defaultdict(list)
    for one in state.actions:
        groups[one.told.name.partition("@")[0]].append(one)
    for name, members in groups.items():
        if len(members) == 1 and "@" not in members[0].told.name:
            yield _row(members[0], state)
            continue
        counts = Counter(one.told.word for one in members)
        worst = min(members, key=lambda one: _WORST.index(one.told.word) if one.told.word in _WORST else 0)
        words = ", ".join(f"{counts[word]} {word}" for word in sorted(counts, key=lambda word: -counts[word]))
        row = list(_row(worst, state))
        row[0] = f"{name} ({len(members)} endpoints: {words})"
        if worst.told.why:
            row[5] = _cut(f"{worst.told.endpoint}: {worst.told.why}")
        yield row


def _cut(text: str) -> str:
    """A table is no place for a whole message; --json, `why` and the lines below have it."""
    return text if len(text) <= WHY_AT_MOST else f"{text[: WHY_AT_MOST - 1]}…"


def _row(one: ActionState, state: GatewayState) -> Sequence[str | None]:
    told, oldest = one.told, None
    if told.oldest is not None:
        name = told.oldest.path.rpartition("/")[2]
        oldest = f"{name} ({told.oldest.verdict}, {show_span(since(told.oldest.since, state.now))})"
    return (told.name, told.word, oldest, _next(told, state), _last(one, state), _cut(told.why) or None)


def _next(told: ActionStatus, state: GatewayState) -> str | None:
    """When it is looked for files, or the clock starts it; of one that is held nothing comes of that."""
    if told.word == "run" and told.running_since is not None:
        return f"runs for {show_span(since(told.running_since, state.now))}"
    if told.next_at is None or told.word in _HELD:
        return None
    wait = told.next_at - state.now
    return f"in {show_span(max(wait, timedelta(0)))}" if wait < timedelta(hours=1) else shown(told.next_at, state.zone)


def _last(one: ActionState, state: GatewayState) -> str | None:
    run = one.last_run
    if run is None:
        return None
    at = shown(moment(run.ended_at or run.started_at, state.zone), state.zone)
    moved = f", {show_files(run.files)}" if run.files else ""
    return f"{at} {'interrupted' if one.cut_off else run.outcome or run.state}{moved}"


def _jobs(state: GatewayState) -> Iterator[str]:
    """Runs of distribution jobs: what goes on, and what did not end well."""
    for one in state.known.jobs:
        run, of = one.run, sum(one.states.values())
        began = shown(moment(run.since, state.zone), state.zone)
        yield ""
        yield f"JOB {run.job}: run {run.id} {run.state.value} since {began}; {one.complete} of {of} destinations"
        troubled = [f"{count} {name}" for name, count in sorted(one.states.items()) if name in _TROUBLED]
        said = [", ".join(troubled)] if troubled and not run.terminal else []
        said += [show_value(line) for line in (run.error, one.waits_for_person) if line]
        yield from (f"  {line}" for line in said)
        yield f"  `gateway job show {run.id}` shows each destination"


def _endpoints(state: GatewayState) -> Iterator[str]:
    for trouble in state.known.troubled:
        began = shown(moment(trouble.failing_since, state.zone), state.zone)
        yield ""
        yield f"ENDPOINT {trouble.endpoint}: fails since {began}; {_circuit(trouble.next_at, state)}"
        yield f"  {show_value(trouble.error)}"
        if trouble.next_at is not None:
            yield f"  `gateway retry {trouble.endpoint}` tries at once"


def _circuit(next_at: int | None, state: GatewayState) -> str:
    if next_at is None:
        return "open: not tried before a person acts"
    at = moment(next_at, state.zone)
    if circuit_at(at, state.now) is Circuit.HALF_OPEN:
        unasked = f"nothing wants to go there since {shown(at, state.zone)}; " if state.now - at > _UNASKED else ""
        return f"half-open: {unasked}the next session tries it, alone"
    return f"open: tried again {shown(at, state.zone)}"


def _degraded(state: GatewayState) -> Iterator[str]:
    """The same trouble of many actions is told once."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for one in state.actions:
        for reason in one.told.degraded:
            found[reason].append(one.told.name)
    for reason, names in found.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield ""
        yield f"WATCHING {names[0]}{more}: {show_value(reason)}"
