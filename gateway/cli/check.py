"""`gateway check`: the configuration and its scripts, or scripts anywhere; every finding in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.cli.output import JsonOption, print_json
from gateway.cli.scripts import script_files, shown
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Severity, Span
from gateway.language.check import check as check_script
from gateway.language.check import check_all
from gateway.language.parse import Parsed, parse_bytes
from gateway.runner.world import world_findings, world_of


@dataclass(frozen=True, slots=True)
class Checked:
    """How many scripts were looked at, and what was found."""

    scripts: int
    findings: tuple[Finding, ...]


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Scripts or folders, also outside the action folders; none: all action folders."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check scripts and configuration; every finding with file, line and column.

    Exit code 0: no error (there may be warnings). 2: at least one error.
    """
    checked = check_paths(paths or ())
    tell_findings(checked.scripts, "script", checked.findings, as_json=as_json)


def check_paths(paths: Sequence[Path]) -> Checked:
    """Check the configuration and the scripts that `paths` name, all action folders if none does."""
    try:
        loaded = load()
    except ConfigError as problem:
        # Without endpoints only the text of scripts can be checked.
        parsed = _parsed(script_files(paths))
        texts = (finding for each in parsed for finding in each.findings)
        return Checked(len(parsed), (*problem.findings, *texts))
    return _check_with(loaded, script_files(paths))


def _check_with(loaded: Loaded, given: Sequence[Path]) -> Checked:
    """`given` scripts stand in for those of the same name in the action folders."""
    present = loaded.action_files()
    findings = [*loaded.findings, *world_findings(loaded), *present.findings]
    world = world_of(loaded)
    parsed = _parsed(given or [shown(path) for path in present.paths])
    names = {each.action.name for each in parsed}
    others = _parsed([path for path in present.paths if path.stem not in names]) if given else []
    for each in parsed:
        findings += check_script(each, world)
    files = {each.action.path for each in parsed}
    findings += [finding for finding in check_all([*others, *parsed], world) if finding.span.file in files]
    if loaded.config.jobs and not given:
        findings += _of_jobs(loaded)
    if loaded.config.channels and not given:
        findings += _of_channels(loaded)
    return Checked(len(parsed), tuple(findings))


def _of_jobs(loaded: Loaded) -> Sequence[Finding]:
    from gateway.jobs.read import read_jobs  # here: most configurations have none

    return read_jobs(loaded).findings


def _of_channels(loaded: Loaded) -> Sequence[Finding]:
    from gateway.channels.read import read_channels  # here: most configurations have none

    return read_channels(loaded).findings


def _parsed(paths: Sequence[Path]) -> list[Parsed]:
    return [_read(path) for path in paths]


def _read(path: Path) -> Parsed:
    try:
        return parse_bytes(path.read_bytes(), str(path))
    except OSError as problem:
        finding = Finding(
            Span(str(path), 1, 1, 1),
            Severity.ERROR,
            "E100",
            f"can't be read: {problem.strerror}; let this user read it",
        )
        empty = parse_bytes(b"", str(path))
        return Parsed(empty.action, empty.settings, (finding,), complete=False)


def tell_findings(count: int, noun: str, findings: Sequence[Finding], *, as_json: bool) -> NoReturn:
    """Print what was found in `count` of something, and end with the exit code for it."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if as_json:
        print_json([finding_row(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(f"{many(count, noun)}, {many(errors, 'error')}, {many(len(findings) - errors, 'warning')}")
    raise typer.Exit(2 if errors else 0)


def finding_row(finding: Finding) -> Mapping[str, str | int]:
    """A finding for --json."""
    span = finding.span
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_column": span.end_column,
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
    }


def many(count: int, noun: str) -> str:
    """`no errors`, `1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count or 'no'} {noun}s"
