"""`gateway job check`."""

from collections.abc import Sequence

from gateway.cli.check import tell_findings
from gateway.cli.doing import do
from gateway.cli.job_reading import look
from gateway.config.findings import ConfigError
from gateway.core.model import Finding
from gateway.jobs.model import Job


def check_jobs(names: Sequence[str], *, as_json: bool) -> None:
    """Findings of the configuration, too: a job that can't be read has no others."""
    count, findings = _found(names)
    tell_findings(count, "job", findings, as_json=as_json)


def _found(names: Sequence[str]) -> tuple[int, tuple[Finding, ...]]:
    try:
        looked = do(look)
    except ConfigError as problem:
        return 0, problem.findings
    if not names:
        return len(looked.jobs.jobs), looked.jobs.findings
    jobs = [looked.job(name) for name in names]
    return len(names), tuple(finding for finding in looked.jobs.findings if _is_of(finding, jobs))


def _is_of(finding: Finding, jobs: Sequence[Job]) -> bool:
    """A finding about one of these jobs: it names it, or stands in its file."""
    return any(finding.span.file == job.span.file or f"[jobs.{job.name}]" in finding.message for job in jobs)
