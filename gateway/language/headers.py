"""Header lines (`@name value`) to the settings of an action."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.language.findings import Findings
from gateway.language.lines import Line
from gateway.language.nearest import nearest
from gateway.language.nodes import Header
from gateway.language.properties import OURS, Property
from gateway.language.setting_types import ActionSettings, Misfire
from gateway.language.setting_values import read_length, read_number, read_yes


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """One header: `read` gives settings with the value in them or raises ValueError."""

    name: str
    read: Callable[[ActionSettings, str], ActionSettings]


def _one_word(settings: ActionSettings, text: str) -> ActionSettings:
    if len(text.split()) != 1:
        raise ValueError(f"{text!r} is not one name; write one endpoint or one group, and comments on their own line")
    return replace(settings, endpoint=text.strip("\"'"))


def _misfire(settings: ActionSettings, text: str) -> ActionSettings:
    words = text.lower().split()
    if words == ["skip"]:
        return replace(settings, misfire=Misfire(within=None))
    if words == ["run_once"]:
        return replace(settings, misfire=Misfire(within=timedelta(hours=1)))
    if len(words) == 3 and words[:2] == ["run_once", "within"]:
        return replace(settings, misfire=Misfire(within=read_length(words[2])))
    raise ValueError(f"{text!r} is not understood; write run_once within 1h, or skip")


def _reaction(name: str) -> HeaderRow:
    def read(settings: ActionSettings, text: str) -> ActionSettings:
        return replace(settings, reactions=replace(settings.reactions, **{name: text}))

    return HeaderRow(name, read)


def _setting(known: Property) -> HeaderRow:
    return HeaderRow(known.name, lambda s, v: replace(s, first=known.read(s.first, v)))


REACTIONS = ("on_send", "on_receive", "on_copy", "on_fail", "on_resolved", "on_check_met", "on_check_not_met")

HEADERS = {
    row.name: row
    for row in (
        HeaderRow("endpoint", _one_word),
        HeaderRow("schedule", lambda s, v: replace(s, schedule=v)),
        HeaderRow("timezone", lambda s, v: replace(s, timezone=v)),
        HeaderRow("description", lambda s, v: replace(s, description=v)),
        HeaderRow("enabled", lambda s, v: replace(s, enabled=read_yes(v))),
        HeaderRow("priority", lambda s, v: replace(s, priority=read_number(v, 1, 9))),
        HeaderRow("misfire", _misfire),
        *(_setting(known) for known in OURS),
        *(_reaction(name) for name in REACTIONS),
    )
}


class HeaderReader:
    """Collects the headers of one script and the settings they make."""

    def __init__(self, findings: Findings) -> None:
        self.headers: list[Header] = []
        self.settings = ActionSettings()
        self._findings = findings

    def read(self, line: Line, after_command: bool) -> None:
        """Take one header line over, reporting what is wrong with it."""
        name_span = line.place(line.first)
        name = line.first.text[1:].lower()
        if after_command:
            what = f"@{name} stands behind a command; headers come first"
            self._findings.error(name_span, "E202", f"{what}: move the line up, or write SET where it may change")
            return
        row = HEADERS.get(name)
        if row is None:
            near = nearest(name, HEADERS).replace("mean ", "mean @")
            remedy = "write @name value" if not name else f"known are {', '.join('@' + each for each in HEADERS)}"
            self._findings.error(name_span, "E201", f"@{name} is not a header{near}; {remedy}")
        elif any(header.name == name for header in self.headers):
            self._findings.error(name_span, "E206", f"@{name} stands here twice; leave one out")
        elif not line.rest:
            self._findings.error(name_span, "E207", f"@{name} has no value; write one behind it, or leave the line out")
        else:
            self._take(row, line)

    def _take(self, row: HeaderRow, line: Line) -> None:
        piece = line.rest[0]
        value = piece.text.rstrip()
        span = line.between(piece.column, piece.column + len(value))
        self.headers.append(Header(row.name, value, line.span, span))
        try:
            self.settings = row.read(self.settings, value)
        except ValueError as error:
            self._findings.error(span, "E205", f"@{row.name}: {error}")
