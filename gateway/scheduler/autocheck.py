"""How often an autocheck looks and runs (SPEC §5a).  Pure.

T = Age, C = `look_every`, S = `full_scan_every`, R = `repeat`.  Waits are lengths, not instants: the caller measures
them by its monotonic clock, so a clock that is set costs at most one S.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.model import Stamp
from gateway.core.pauses import pause_after
from gateway.language.age import since_change
from gateway.transfer.sources import Found

ONE_HOUR = timedelta(hours=1)
_NOW = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRule:
    """The four lengths that decide; `make_rule` fills in the default of `repeat`."""

    age: timedelta
    look_every: timedelta
    full_scan_every: timedelta
    repeat: timedelta


@dataclass(frozen=True, slots=True)
class Report:
    """When a file was last reported, with which stamp; `failures` of its reaction since it last worked.

    `next_at` is when a failed reaction is due again; None: `pause_after` the report.
    """

    stamp: Stamp
    reported_at: datetime
    failures: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a look leads to: a run if some file is `due`; it reports all of `reported`, reactions are for `due`.

    `look_in` is the wait for the next look; ask `look_in` again once the run has ended.  `due_in` is the wait until
    a file of this listing is due (None: there is none): a look before then at a folder that did not change can do
    without listing it.  `gone` are the paths of reports whose file is there no longer: the ledger can forget them.
    """

    due: tuple[Found, ...]
    reported: tuple[Found, ...]
    look_in: timedelta
    due_in: timedelta | None = None
    gone: tuple[str, ...] = ()

    @property
    def run(self) -> bool:
        """True if the action runs now."""
        return bool(self.due)


def make_rule(
    age: timedelta, *, look_every: timedelta, full_scan_every: timedelta, repeat: timedelta | None
) -> CheckRule:
    """The rule of an action; `repeat` None: as long as Age, at least an hour."""
    chosen = max(age, ONE_HOUR) if repeat is None else repeat
    return CheckRule(age=age, look_every=look_every, full_scan_every=full_scan_every, repeat=chosen)


def decide(found: Sequence[Found], reports: Mapping[str, Report], now: datetime, rule: CheckRule) -> Decision:
    """Decide at a look within a continuous range; `found` is all that matches the path, `reports` by path.

    A look that could not list its folder is none: then nothing is decided.
    """
    waits = [_wait(file, reports.get(file.path), now, rule) for file in found]
    due = tuple(file for file, wait in zip(found, waits, strict=True) if wait <= _NOW)
    due_in = min((wait if wait > _NOW else rule.repeat for wait in waits), default=None)
    here = {file.path for file in found}
    return Decision(
        due=due,
        reported=decide_at_time(found, now, rule.age) if due else (),
        look_in=_look_in(due_in, rule, _NOW),
        due_in=due_in,
        gone=tuple(path for path in reports if path not in here),
    )


def decide_at_time(found: Iterable[Found], now: datetime, age: timedelta) -> tuple[Found, ...]:
    """Decide at an explicit time (`@06:15`): one look, no more, no less; whatever meets the condition is due."""
    return tuple(file for file in found if _age(file, now) >= age)


def look_in(
    found: Iterable[Found],
    reports: Mapping[str, Report],
    now: datetime,
    rule: CheckRule,
    looked_ago: timedelta = _NOW,
) -> timedelta:
    """How long to wait from `now` for the next look, the last one being `looked_ago`.

    T = 0: C after the last look.  Else when the next file reaches T or is due again, not sooner than C, not later
    than S after the last look.
    """
    waits = (_wait(file, reports.get(file.path), now, rule) for file in found)
    return _look_in(min(waits, default=None), rule, looked_ago)


def _look_in(due_in: timedelta | None, rule: CheckRule, looked_ago: timedelta) -> timedelta:
    latest = (rule.full_scan_every if rule.age else rule.look_every) - looked_ago
    wait = latest if due_in is None else min(due_in, latest)
    return max(rule.look_every - looked_ago, wait, _NOW)


def _wait(file: Found, report: Report | None, now: datetime, rule: CheckRule) -> timedelta:
    """How long until a file is due: until it reaches T, then until it is to be reported again."""
    age = _since_change(file, now) if rule.age else _NOW
    return rule.age - age if age < rule.age else _due_in(file, report, now, rule)


def _due_in(file: Found, report: Report | None, now: datetime, rule: CheckRule) -> timedelta:
    """How long until a file that meets the condition is due; not positive: it is."""
    if report is None or not report.stamp.same_version(file.stamp):
        return _NOW
    waits = [_until(report.reported_at, now, rule.repeat)]
    if report.failures:
        again = pause_after(report.failures)
        waits.append(_until((report.next_at or report.reported_at + again) - again, now, again))
    return min(waits)


def _until(reported_at: datetime, now: datetime, length: timedelta) -> timedelta:
    """What is left of `length` since the report; nothing if it lies so far ahead that a clock was wrong."""
    if reported_at - now > max(length, ONE_HOUR):
        return _NOW
    return reported_at + length - now


def _since_change(file: Found, now: datetime) -> timedelta:
    mtime_ns = file.stamp.mtime_ns
    return _NOW if mtime_ns is None else since_change(mtime_ns, now)


def _age(file: Found, now: datetime) -> timedelta:
    return max(_since_change(file, now), _NOW)
