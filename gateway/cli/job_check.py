"""`gateway job check`."""

from collections.abc import Sequence

import typer

from gateway.cli.check import finding_row, many
from gateway.cli.doing import do
from gateway.cli.job_reading import Looked, look
from gateway.cli.output import print_json
from gateway.config.findings import ConfigError
from gateway.core.model import Finding, Severity


def check_jobs(names: Sequence[str], *, as_json: bool) -> None:
    """Findings of the configuration, too: a job that can't be read has no others."""
    count, findings = _found(names)
    if as_json:
        print_json([finding_row(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(str(finding))
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        typer.echo(f"{many(count, 'job')}, {many(errors, 'error')}, {many(len(findings) - errors, 'warning')}")
    raise typer.Exit(2 if any(finding.severity is Severity.ERROR for finding in findings) else 0)


def _found(names: Sequence[str]) -> tuple[int, tuple[Finding, ...]]:
    try:
        looked = do(look)
    except ConfigError as problem:
        return 0, problem.findings
    if not names:
        return len(looked.jobs.jobs), looked.jobs.findings
    return len(names), tuple(finding for finding in looked.jobs.findings if _is_of(finding, names, looked))


def _is_of(finding: Finding, names: Sequence[str], looked: Looked) -> bool:
    """A finding about one of these jobs: it names it, or stands in its file."""
    jobs = [looked.job(name) for name in names]
    return any(finding.span.file == job.span.file or f"[jobs.{job.name}]" in finding.message for job in jobs)
