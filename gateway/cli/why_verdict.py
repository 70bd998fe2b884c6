"""What becomes of a file for one command that means it, and who acts next, in sentences."""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta

from gateway.cli.moments import short, shown
from gateway.cli.output import show_span
from gateway.cli.sending_text import amount
from gateway.core.model import Stamp
from gateway.core.moments import moment
from gateway.core.shell_word import shell_word
from gateway.language.nodes import CheckFiles, Get
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.standing import Block, Standing
from gateway.scheduler.pauses import scopes_of, shown_scope
from gateway.service.left_open import CUT_OFF
from gateway.service.schedules import is_polled, refusal
from gateway.service.why_checks import Checked
from gateway.service.why_told import Candidate, Story, Told

_ROUNDING = timedelta(seconds=0.5)
_SENTENCES: Mapping[str, str] = {
    "ready": "It is complete, and the next run takes it.",
    "growing": "It changed a moment ago: it is waited until it rests.",
    "too_young": "It has not been unchanged for long enough yet.",
    "held_open": "A process has it open for writing: it is waited until that closes it.",
    "no_marker": "Its done file is not there: the writer has not said that it is complete.",
    "empty": "It holds zero bytes, and @empty says what becomes of such files.",
    "unreadable": "The gateway's user may not read it: give it permission, if the writer is done with it.",
    "marker": "It is the done file of another file, and is not sent itself.",
    "held_back": "A delivery failed, so it is held back until its next time.",
    "parked": "It is parked: only a person can help.",
    "skipped": "A person said `gateway skip`: this version is not sent.",
    "seen": "This version counts as delivered (-NEW, or baseline).",
    "under_way": "It is on its way.",
    "name_taken": "Other content stands under its final name: it goes on once that is taken away.",
    "delete_failed": "It was delivered, but could not be removed here; it is never sent again.",
    "vanished": "It was gone at the last look.",
    "not judged yet": "It was just seen and is judged in a moment.",
}


def verdict_lines(one: Candidate, story: Story, told: Told) -> Iterator[str]:
    """The verdict, what stands in the way, and when the action runs."""
    begun = [row for row in story.deliveries if _is_begun(row, one)]
    if begun:
        yield from (line for row in begun for line in _begun(row, told))
        if any(row.id not in told.stuck for row in begun):
            return
    elif isinstance(one.command, CheckFiles):
        yield from _checked(one, story, told)
    elif isinstance(one.command, Get):
        yield from _remote(one, told)
    elif story.stat is not None:
        yield from _present(one, story, told)
    elif not story.deliveries:
        yield "It is not there; it would be taken if it were."
    elif any(row.intent.action == one.instance.name for row in story.deliveries):
        yield "It was taken; see its deliveries below."
    yield from _standings(one, story, told, begun=bool(begun))
    yield from _hindrances(one, told, begun=bool(begun))


def _is_begun(row: DeliveryRow, one: Candidate) -> bool:
    """True for a delivery of this command that has not arrived."""
    return (row.intent.action, row.intent.command) == (one.instance.name, one.number) and row.state in CUT_OFF


def _begun(row: DeliveryRow, told: Told) -> Iterator[str]:
    """How far it is, or what holds it."""
    if row.id in told.stuck:
        yield str(told.stuck[row.id])
        yield f"  {told.stuck[row.id].remedy}"
        return
    what = f"It is being {'fetched' if row.intent.verb == 'GET' else 'sent'} by delivery {row.id}"
    moving = told.sending.get(row.id)
    yield f"{what}: {amount(moving, told.now, told.zone)}." if moving is not None else f"{what}."


def _checked(one: Candidate, story: Story, told: Told) -> Iterator[str]:
    """How the file stands to the condition of a CHECK, and when that is reported."""
    found = one.checked
    if found is None or story.stat is None:
        yield "It is not there; this CHECK would look at it if it were."
        return
    old = f"it is {show_span(found.age)} old"
    if found.meets:
        yield f"It meets the condition: {old}."
    elif found.meets_in is not None:
        yield f"It does not meet the condition yet: {old}, and will in {show_span(found.meets_in + _ROUNDING)}."
    else:
        yield f"It does not meet the condition: {old}."
    yield from _reported(one, found, story, told)


def _reported(one: Candidate, found: Checked, story: Story, told: Told) -> Iterator[str]:
    """What an autocheck said of it; any other CHECK looks anew each time it runs."""
    if not one.drives:
        yield "This CHECK looks when the action runs."
        return
    report = found.report
    if report is not None and _is_now(report.stamp, story):
        yield f"Reported at {shown(report.reported_at, told.zone)}."
        if report.failures:
            yield f"Its reaction failed {report.failures} time{'s' if report.failures > 1 else ''} since; see `status`."
    elif report is not None:
        yield f"Another version of it was reported at {shown(report.reported_at, told.zone)}."
    if found.meets and found.due_in is not None:
        again = " again" if report is not None else ""
        soon = found.due_in <= timedelta(0)
        yield f"The next look reports it{again}." if soon else f"It is reported{again} in {show_span(found.due_in)}."


def _present(one: Candidate, story: Story, told: Told) -> Iterator[str]:
    """What the service remembers; else what the last look said."""
    last = one.looks[-1] if one.looks else None
    if one.present is not None:
        detail = last.detail if last is not None and last.verdict == one.present.verdict else ""
        yield f"{one.present.verdict}: {_SENTENCES.get(one.present.verdict, '')}" + (f" ({detail})" if detail else "")
        again = one.present.again_at
        if again is not None and again > told.now:
            yield f"It is judged again in {show_span(again - told.now + timedelta(seconds=0.5))}."
        yield f"It has looked as it does now since {shown(one.present.since, told.zone)}."
    elif os.path.abspath(one.instance.action.path) in told.newer.unknown:
        yield "The gateway that serves does not know this action yet: `gateway reload`."
    elif told.served and one.drives:
        yield "The gateway has not seen it yet; it will at its next look."
    elif last is not None:
        yield f"{last.verdict}, as of {short(last.at, told.zone)}: {_SENTENCES.get(last.verdict, '')} {last.detail}"
    elif _blocking(one, story) is None:
        yield "It matches; a run takes it once it is stable."


def _standings(one: Candidate, story: Story, told: Told, *, begun: bool) -> Iterator[str]:
    for standing in one.standings:
        if begun and standing.block is Block.UNDER_WAY:
            continue  # told already
        current = _is_current(standing, story)
        if not current:
            yield f"An earlier version of it was {standing.block.replace('_', ' ')}; the one that is there now is new."
            continue
        yield from _standing(standing, told, story)


def _standing(standing: Standing, told: Told, story: Story) -> Iterator[str]:
    detail = f": {standing.detail}" if standing.detail else ""
    retry = f"`gateway retry {shell_word(story.path)}`"
    match standing.block:
        case Block.HELD_BACK:
            when = shown(moment(standing.next_at, told.zone), told.zone) if standing.next_at else "never"
            yield f"Held back{detail}"
            yield f"It is tried again at {when}; {retry} tries at once."
        case Block.PARKED:
            yield f"Parked{detail}"
            yield f"When the cause is mended: {retry}; to leave it alone: `gateway skip` with it."
        case Block.SKIPPED:
            yield f"Skipped by a person{detail}; a changed file is new, {retry} frees this one."
        case Block.SEEN:
            yield "This version counts as delivered (-NEW)."
        case _:
            yield f"{standing.block.replace('_', ' ').capitalize()}{detail}."


def _is_current(standing: Standing, story: Story) -> bool:
    return _is_now(standing.stamp, story)


def _is_now(stamp: Stamp, story: Story) -> bool:
    """True if the file still is this version, or is gone."""
    if story.stat is None:
        return True
    return stamp.same_version(Stamp(story.stat.st_size, story.stat.st_mtime_ns, story.stat.st_ino, story.stat.st_dev))


def _blocking(one: Candidate, story: Story) -> Standing | None:
    return next((standing for standing in one.standings if _is_current(standing, story)), None)


def _remote(one: Candidate, told: Told) -> Iterator[str]:
    yield f"Fetched by this GET: {one.meant.reason}."
    if one.sighting is not None:
        seen = one.sighting
        yield (
            f"Seen there as {seen.path}: {seen.stamp.size_bytes} bytes, unchanged since "
            f"{short(seen.first_seen_at, told.zone)}, last listed {short(seen.last_seen_at, told.zone)}."
        )
    else:
        yield "No listing shows it now: it was fetched, or is not there."


def _hindrances(one: Candidate, told: Told, *, begun: bool) -> Iterator[str]:
    """What keeps the action from running, and when it runs."""
    instance = one.instance
    yield from _pauses(one, told)
    trouble = next((each for each in told.troubled if each.endpoint == instance.endpoint), None)
    if trouble is not None and not begun:
        when = "not tried before a person acts"
        if trouble.next_at:
            at = shown(moment(trouble.next_at, told.zone), told.zone)
            when = f"tried again at {at}; `gateway retry {trouble.endpoint}` tries at once"
        yield f"The endpoint {trouble.endpoint} fails ({when}): {trouble.error}"
    if not instance.settings.enabled:
        yield "The action is disabled (@enabled no)."
        return
    refused = refusal(instance)
    if refused:
        yield f"The action can't be scheduled: {refused}"
    elif is_polled(instance) and not told.served:
        yield "No gateway serves now; start one with `gateway serve`."
    elif not is_polled(instance):
        yield _by_the_clock(one, told)
    elif not one.drives and isinstance(one.command, CheckFiles):
        yield "It makes nothing due here: another command of the action does."
    elif not one.drives:
        yield "Without -DEL or -NEW this command makes nothing due: it runs along when another one of the action does."


def _by_the_clock(one: Candidate, told: Told) -> str:
    text = one.instance.settings.schedule
    if text == "manually":
        return f"The action has no schedule: `gateway run {one.instance.name}` runs it."
    idle = "" if told.served else ", once a gateway serves"
    return f"The action runs by the clock ({text}){idle}; `gateway run {one.instance.name}` runs it now."


def _pauses(one: Candidate, told: Told) -> Iterator[str]:
    for pause in told.pauses:
        if pause.scope in scopes_of(one.instance):
            until = f" until {shown(moment(pause.until, told.zone), told.zone)}" if pause.until else ""
            name = pause.scope.rpartition(":")[2]
            yield f"Paused: {shown_scope(pause.scope)}{until}, by {pause.by}; `gateway resume {name}`."
