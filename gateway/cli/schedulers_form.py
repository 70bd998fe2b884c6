"""The form of `gateway schedulers set`: four fields, each with its next times; `<` goes back, cancel keeps all."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from shutil import get_terminal_size
from textwrap import fill as fill_lines
from zoneinfo import ZoneInfo

import typer

from gateway.channels.coming import CRON, NAMES, next_times
from gateway.channels.model import Kind, Rhythm, Times, Valued
from gateway.channels.rhythm_text import show_moments, show_times
from gateway.channels.schedule_file import Changes, current
from gateway.channels.schedule_text import WORDS, parse_cron, rhythm
from gateway.channels.schedule_values import Value, said_in
from gateway.channels.times import cron_of, default_times, rhythm_of
from gateway.cli.job_ask import BACK, Back, Cancelled, ask, ask_choice
from gateway.cli.schedulers_show import schedule_of, title
from gateway.cli.times_table import LABELS, print_times
from gateway.config.channels import CronSettings, RhythmSettings
from gateway.config.job_kinds import WEEKDAYS
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock

DEFAULT = "default"
_HINTS = {
    CRON: "Every how many hours is looked for changes, 1-24. The minute is that of the setting. From 2 on the hours "
    "count from midnight: 2 is 0, 2, 4, 6 …",
    "first": "Items that a channel never got. Most recipients prefer one large delivery a day.",
    "metadata": "Prices, rights, corrections: rare and urgent, so usually hourly.",
    "file": "A format or a cover that was corrected: usually daily.",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What was answered so far, by name (None: the default holds), and what would hold with it."""

    answers: Mapping[str, Value | None]
    times: Times
    zone: ZoneInfo

    def with_answer(self, name: str, value: Value, now: datetime) -> "Draft":
        """One more answer; a cron frequency is set now, however long the other fields take: its times are shown."""
        if isinstance(value, CronSettings):
            value = value.model_copy(update={"set_at": now.astimezone(self.zone).replace(microsecond=0)})
            times = replace(self.times, cron=Valued(cron_of(value, self.zone), ""))
        else:
            times = self.times.with_rhythm(Kind(name), Valued(rhythm_of(value), ""))
        return replace(self, answers={**self.answers, name: value}, times=times)

    def without(self, name: str, default: Times) -> "Draft":
        """The default is to hold."""
        if name == CRON:
            times = replace(self.times, cron=default.cron)
        else:
            times = self.times.with_rhythm(Kind(name), default.valued(Kind(name)))
        return replace(self, answers={**self.answers, name: None}, times=times)


def fill(loaded: Loaded, channel: str | None, clock: Clock) -> Changes:
    """Ask the fields, show what they come to, and ask whether to save.  Raises Cancelled."""
    times, zone = schedule_of(loaded, channel)
    own = said_in(current(loaded, channel))
    before = Draft({name: own.get(name) for name in NAMES}, times, zone)
    typer.echo(title(channel, zone, clock.now()))
    typer.echo(f"Enter keeps what stands in [ ], {BACK} goes back, Ctrl-C cancels.")
    asking = _Asking(clock, default_times(loaded) if channel is not None else None)
    after = asking.all(before, channel)
    return changes_of(after, before)


def changes_of(after: Draft, before: Draft) -> Changes:
    """What was answered otherwise."""
    return {name: value for name, value in after.answers.items() if value != before.answers[name]}


def _tell(text: str) -> None:
    """A paragraph below a field, folded between words."""
    width = min(100, get_terminal_size().columns)
    typer.echo(fill_lines(text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False))


class _Asking:
    """Asks for one field after the other; `default` is what holds behind a channel's own."""

    def __init__(self, clock: Clock, default: Times | None) -> None:
        self._clock = clock
        self._default = default

    def all(self, before: Draft, channel: str | None) -> Draft:
        draft, at = before, 0
        while True:
            try:
                while at < len(NAMES):
                    draft = self._step(at, draft)
                    at += 1
                if self._review(draft, before, channel):
                    return draft
                at = 0
            except Back:
                at = max(0, at - 1)

    def _step(self, at: int, draft: Draft) -> Draft:
        name = NAMES[at]
        typer.echo(f"\n{at + 1} of {len(NAMES)}: {LABELS[name]}")
        _tell(_HINTS[name])
        draft = self._cron(draft) if name == CRON else self._kind(Kind(name), draft)
        now = self._clock.now()
        coming = show_moments(next_times(draft.times, now, draft.zone)[name])
        _tell(f"{show_times(draft.times, draft.zone)[name]}: {coming}")
        return draft

    def _cron(self, draft: Draft) -> Draft:
        before = draft.answers[CRON]
        anchored = before if isinstance(before, CronSettings) else None
        is_default = self._default is not None and before is None
        shown = DEFAULT if is_default else str(draft.times.cron.value.every)
        kept = ("", DEFAULT) if self._default is not None else ("",)

        def read(text: str) -> CronSettings | str:
            return text if text in kept else parse_cron(text, anchored)

        also = f", or {DEFAULT}" if self._default is not None else ""
        answer = ask(f"  Hours (1-24{also}) [{shown}]", "", read)
        if isinstance(answer, CronSettings):
            return draft.with_answer(CRON, answer, self._clock.now())
        return draft.without(CRON, self._default) if answer and self._default is not None else draft

    def _kind(self, kind: Kind, draft: Draft) -> Draft:
        held, own = draft.times.rhythm(kind), draft.answers[kind.value]
        choices = (*WORDS.values(), *([DEFAULT] if self._default is not None else []))
        is_default = self._default is not None and own is None
        frequency = ask_choice("  Frequency", choices, DEFAULT if is_default else WORDS[held.every])
        if frequency == DEFAULT and self._default is not None:
            return draft.without(kind.value, self._default)
        try:
            made = _details(frequency, held)
        except Back:
            return self._kind(kind, draft)
        same = own is None and self._default is None and rhythm_of(made) == held  # built in, and kept
        return draft if same else draft.with_answer(kind.value, made, self._clock.now())

    def _review(self, draft: Draft, before: Draft, channel: str | None) -> bool:
        """True: save it; False: once more."""
        now = self._clock.now()
        typer.echo(f"\n{title(channel, draft.zone, now)}\n")
        was = show_times(before.times, before.zone)
        remarks = {name: f"it was {self._whose(before, name)}{was[name]}" for name in changes_of(draft, before)}
        print_times(draft.times, now, draft.zone, remarks)
        typer.echo("")
        answer = ask_choice("Save it", ("save", "cancel", "again"), "save")
        if answer == "cancel":
            raise Cancelled
        return answer == "save"

    def _whose(self, draft: Draft, name: str) -> str:
        return "the default's: " if self._default is not None and draft.answers[name] is None else ""


def _details(frequency: str, held: Rhythm) -> RhythmSettings:
    """Day and time of a frequency."""
    if frequency == "hourly":
        return _hourly(held)
    day = None
    if frequency == "weekly":
        usual = WEEKDAYS[held.day if held.day is not None else 6]
        day = ask(f"  Day ({', '.join(WEEKDAYS)})", usual, lambda text: rhythm("week", text, "00:00").day)
    at = f"{held.at:%H:%M}" if held.at is not None else "22:00"
    return ask("  24hr Time", at, lambda text: rhythm(frequency, day, text))


def _hourly(held: Rhythm) -> RhythmSettings:
    """At a minute of its own, or at that of the cron."""
    minute = f":{held.minute:02}" if held.every == "hour" and held.minute is not None else CRON

    def read(text: str) -> RhythmSettings:
        if text == CRON:
            return rhythm("hour", None, None)
        return rhythm("hour", None, text if text.startswith(":") else f":{text:>02}")

    return ask(f"  Minute (such as :30; {CRON}: that of the cron frequency)", minute, read)
