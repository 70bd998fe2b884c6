"""The story of a file for programs: one object for each command that was asked about it."""

from collections.abc import Iterator

from gateway.cli.output import Row
from gateway.core.moments import iso
from gateway.language.nodes import CheckFiles
from gateway.service.why_told import Candidate, Story, Told


def story_json(story: Story, told: Told) -> Iterator[Row]:
    """At least one object for each path."""
    for one in story.candidates or (None,):
        yield {
            "path": story.path,
            "remote": story.remote,
            "exists": story.stat is not None if not story.remote else None,
            "size_bytes": story.stat.st_size if story.stat is not None else None,
            **(_candidate(one, told) if one is not None else {"action": None, "taken": False}),
            "deliveries": [row.id for row in story.deliveries if one is None or row.intent.action == one.instance.name],
        }


def _candidate(one: Candidate, told: Told) -> Row:
    present = one.present
    last = one.looks[-1].verdict if one.looks else None
    return {
        "action": one.instance.name,
        "endpoint": one.instance.endpoint,
        "command": one.number,
        "text": one.text,
        "taken": one.meant.yes and not isinstance(one.command, CheckFiles),
        "checked": one.meant.yes and isinstance(one.command, CheckFiles),
        "reason": one.meant.reason,
        "drives": one.drives,
        "meets": one.checked.meets if one.checked else None,
        "reported_at": one.checked.report.reported_at.astimezone(told.zone).isoformat(timespec="milliseconds")
        if one.checked and one.checked.report
        else None,
        "verdict": present.verdict if present is not None else last,
        "since": present.since.astimezone(told.zone).isoformat(timespec="milliseconds") if present else None,
        "again_at": present.again_at.astimezone(told.zone).isoformat(timespec="milliseconds")
        if present and present.again_at
        else None,
        "blocked": [
            {"by": one.block.value, "next_at": iso(one.next_at, told.zone), "detail": one.detail}
            for one in one.standings
        ],
        "looks": [
            {
                "at": iso(look.at, told.zone),
                "verdict": look.verdict,
                "detail": look.detail,
                "size_bytes": look.size_bytes,
            }
            for look in one.looks
        ],
    }
