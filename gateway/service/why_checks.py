"""What a CHECK makes of a file, for `gateway why`.  Blocking: looks at the disk."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISDIR

from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError
from gateway.language.age import age_of, meets
from gateway.language.nodes import AgeSide, CheckFiles
from gateway.language.pattern import Pattern
from gateway.ledger import checks
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.scheduler.autocheck import Report, decide, make_rule
from gateway.scheduler.book import report_of
from gateway.service.why_rules import Meant
from gateway.transfer.check_paths import CheckSpec, check_spec, list_checked
from gateway.transfer.sources import Found, stamp_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How a file stands to the condition of a CHECK that means it.

    `meets_in` is when it will meet it, if time alone brings that about.  `report` is the last one of an autocheck,
    `due_in` how long until it reports the file (again), None where the clock decides.
    """

    age: timedelta
    meets: bool
    meets_in: timedelta | None = None
    report: Report | None = None
    due_in: timedelta | None = None


def spec_of(loaded: Loaded, instance: Instance, number: int, command: CheckFiles, now: datetime) -> CheckSpec:
    """What the path of the CHECK means now."""
    text = command.path.value
    settings = instance.settings_at(number)
    return check_spec(
        text,
        instance.outbox,
        values=instance_values(instance, settings, loaded.config.macros, text, now),
        folders=command.folders,
        recurse=command.recurse,
        ignore_case=instance.ignore_case,
        follow_links=instance.follow_links,
    )


def named(spec: CheckSpec, name: str) -> Iterator[str]:
    """Where something of this name is that the CHECK lists."""
    try:
        yield from (one.path for one in list_checked(spec) if os.path.basename(one.path) == name)
    except (GatewayError, OSError):
        return  # a folder that can't be read: that is for `status` to say


def means(spec: CheckSpec, path: str) -> Meant:
    """Whether the CHECK looks at `path`, be it there or not."""
    top = str(spec.base)
    if not path.startswith(top.rstrip("/") + "/"):
        return Meant(False, f"it looks in {top}", near=False)
    what = "folders" if spec.folders else "files"
    if not _fits(spec, Path(path).relative_to(top).parts):
        return Meant(False, f"it looks for other {what} in {top}", near=False)
    try:
        is_folder = S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return Meant(True, "it matches, and is not there now")
    if is_folder != spec.folders:
        return Meant(False, f"it looks for {what} (CHECK {'-DIR' if spec.folders else '-FIL'})")
    return Meant(True, "it matches")


def _fits(spec: CheckSpec, parts: tuple[str, ...]) -> bool:
    *folders, last = spec.tokens
    inner, rest = parts[: len(folders)], parts[len(folders) :]
    if not rest or not all(token.takes(part) for token, part in zip(folders, inner, strict=True)):
        return False
    if len(rest) == 1 or spec.recurse:
        return last.takes(rest[-1]) or (spec.recurse and _is_folder_of(spec, last, rest))
    return len(rest) == 2 and _is_folder_of(spec, last, rest)


def _is_folder_of(spec: CheckSpec, last: Pattern, rest: tuple[str, ...]) -> bool:
    """A literal name that is a folder means the files in it."""
    return not spec.folders and len(rest) > 1 and last.is_literal and last.matches(rest[-2])


def checked(
    loaded: Loaded, instance: Instance, command: CheckFiles, path: str, row: checks.Report | None, now: datetime,
    *, drives: bool,
) -> Checked | None:  # fmt: skip
    """How `path` stands to the condition; None if it is not there."""
    try:
        found = Found(path, os.path.basename(path), stamp_of(os.lstat(path)))
    except OSError:
        return None
    mtime_ns = found.stamp.mtime_ns or 0
    age, is_met = age_of(mtime_ns, now), meets(command.age, mtime_ns, now, instance.zone)
    later = command.age.length - age if command.age.length is not None else None
    report = None if row is None else report_of(row)
    return Checked(
        age=age,
        meets=is_met,
        meets_in=later if command.age.side is AgeSide.OLDER and not is_met else None,
        report=report,
        due_in=_due_in(loaded, instance, command, found, report, now) if drives else None,
    )


def _due_in(
    loaded: Loaded, instance: Instance, command: CheckFiles, found: Found, report: Report | None, now: datetime
) -> timedelta | None:
    rule = make_rule(
        command.age.length or timedelta(0),
        look_every=loaded.config.gateway.autosend_check_every,
        full_scan_every=loaded.config.gateway.full_scan_every,
        repeat=instance.settings.repeat,
    )
    decision = decide([found], {} if report is None else {found.path: report}, now, rule)
    return timedelta(0) if decision.due else decision.due_in
