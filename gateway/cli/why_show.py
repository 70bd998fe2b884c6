"""The story of a file in sentences."""

from collections.abc import Iterator
from datetime import timedelta

from gateway.cli.moments import short
from gateway.cli.output import show_span, show_value
from gateway.cli.sending_text import amount
from gateway.cli.why_verdict import verdict_lines
from gateway.core.units import show_size
from gateway.language.nodes import Get
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.service.why_told import Candidate, Story, Told


def story_lines(told: Told, file: str, looks: int) -> Iterator[str]:
    """Everything, the file itself first."""
    for number, story in enumerate(told.stories):
        if number:
            yield ""
        yield from (show_value(line) for line in _story(story, told, looks))
    if not any(story.is_known for story in told.stories):
        yield from _unknown(told, file)
    if any(one.meant.yes for story in told.stories for one in story.candidates):
        return
    for name, finding in told.actions.broken.items():
        yield ""
        yield f"The script {name} has an error and takes nothing: {finding}"


def _unknown(told: Told, file: str) -> Iterator[str]:
    if not told.stories:
        yield f"{file}: no such file lies where an action looks, and none was ever seen."
    if told.would_take:
        yield "One of this name would be taken by:"
        yield from (f"  {one.headline}, if it lay in {one.folder}" for one in told.would_take)
    elif not told.would_fetch:
        yield "No action would take one of this name, wherever it lay."
    if told.would_fetch:
        yield f"At the peer, once a listing there shows it: {'; '.join(told.would_fetch)}."


def _story(story: Story, told: Told, looks: int) -> Iterator[str]:
    yield story.path + (" (at a peer)" if story.remote else "")
    if not story.remote:
        yield f"  {_there(story, told)}"
    meant = [one for one in story.candidates if one.meant.yes]
    for one in meant:
        yield ""
        yield f"  {one.headline}"
        yield from (f"    {line}" for line in verdict_lines(one, story, told))
        yield from (f"    {line}" for line in _looks(one, told, looks))
    others = [one for one in story.candidates if not one.meant.yes]
    yield from _others(others, bool(meant))
    if story.deliveries:
        yield ""
        yield "  Deliveries, newest first:"
        yield from (f"    {line}" for row in story.deliveries for line in _delivery(row, told))


def _there(story: Story, told: Told) -> str:
    if story.stat is None:
        return "It is not there now."
    changed_ns = int(story.stat.st_mtime_ns)
    age = timedelta(seconds=max(0.0, told.now.timestamp() - story.stat.st_mtime))
    return (
        f"It is there: {show_size(story.stat.st_size)}, last changed {short(changed_ns, told.zone)} "
        f"({show_span(age)} ago)."
    )


def _others(others: list[Candidate], taken: bool) -> Iterator[str]:
    """Near misses are told one by one; who looks elsewhere only if nobody means the file."""
    near = [one for one in others if one.meant.near]
    far = [one for one in others if not one.meant.near]
    told_of = near + ([] if taken or near else far)
    if told_of:
        yield ""
        yield "  Not taken by:" if taken else "  No action takes it:"
        yield from (f"    {one.headline}: {one.meant.reason}." for one in told_of)
    rest = len(near) + len(far) - len(told_of)
    if rest:
        yield f"  ({rest} other command{'s look' if rest > 1 else ' looks'} elsewhere.)"


def _looks(one: Candidate, told: Told, most: int) -> Iterator[str]:
    if not one.looks or not most or isinstance(one.command, Get):
        return
    yield "Looks whose verdict was another one than before:"
    if len(one.looks) > most:
        yield f"  ({len(one.looks) - most} earlier ones)"
    shown_looks = one.looks[-most:]
    width = max(len(look.verdict) for look in shown_looks)
    for look in shown_looks:
        size = show_size(look.size_bytes) if look.size_bytes is not None else "-"
        yield f"  {short(look.at, told.zone)}  {look.verdict:<{width}}  {size:>9}  {look.detail}".rstrip()


def _delivery(row: DeliveryRow, told: Told) -> Iterator[str]:
    where = f"{row.intent.place}:{row.final}" if row.intent.place else row.final
    source = f" from {row.intent.source}" if row.intent.verb == "GET" else ""
    run = f", run {row.intent.run}" if row.intent.run else ""
    at = short(row.finished_at or row.started_at, told.zone)
    yield f"{row.id}  {at}  {row.state.value.replace('_', ' ')}  {row.intent.action}{source} -> {where}{run}"
    if row.sha256 or row.verified:
        size = show_size(row.size or 0)
        yield f"    receipt: {size}, sha256 {row.sha256 or 'unknown'}, verified by {row.verified or 'nothing'}"
    moving = told.sending.get(row.id)
    if moving is not None and "/" in row.intent.action:  # of a job or a channel: no command above told it
        yield f"    {amount(moving, told.now, told.zone)}"
    for note in row.notes:
        yield f"    {note}"
    if row.error:
        yield f"    {row.error}"
    if row.state in OPEN and row.state is not State.AWAITING and (row.id in told.stuck or row.state is State.HELD):
        yield f"    `gateway retry {row.id}` settles it now"
