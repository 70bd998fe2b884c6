"""The jobs of a configuration: resolved and checked.  A job with an error never runs; the others do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Severity
from gateway.jobs.check import Known, across, job_findings
from gateway.jobs.compiled import Folders
from gateway.jobs.model import Job
from gateway.jobs.resolve import Resolver


@dataclass(frozen=True, slots=True)
class Jobs:
    """All jobs by name, those in `broken` (with their first error) can't run; and every finding."""

    jobs: Mapping[str, Job]
    broken: Mapping[str, Finding]
    findings: tuple[Finding, ...]

    def sound(self) -> Mapping[str, Job]:
        """Those that can run."""
        return {name: job for name, job in self.jobs.items() if name not in self.broken}


def read_jobs(loaded: Loaded, known: Known | None = None) -> Jobs:
    """Every job of the configuration (blocks: it looks whether sources are there)."""
    known = known or Known.of(loaded)
    jobs: dict[str, Job] = {}
    findings: list[Finding] = []
    broken: dict[str, Finding] = {}
    for name in loaded.config.jobs:
        resolver = Resolver(loaded, name)
        jobs[name] = resolver.job()
        found = [*resolver.findings, *job_findings(jobs[name], folders_of(loaded.state, name), known)]
        findings += found
        first = next((one for one in found if one.severity is Severity.ERROR), None)
        if first is not None:
            broken[name] = first
    for name, finding in across([job for name, job in jobs.items() if name not in broken]):
        findings.append(finding)
        if finding.severity is Severity.ERROR:
            broken.setdefault(name, finding)
    return Jobs(jobs, broken, tuple(sorted(set(findings), key=lambda finding: finding.place)))


def folders_of(state: Path, job: str) -> Folders:
    """Where this machine keeps the files of the job called `job`."""
    own = state / "jobs" / job
    return Folders(staging=str(own / "source"), archive=str(own / "archive"))
