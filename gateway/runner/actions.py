"""The actions of a configuration: scripts read, checked, and bound to their endpoints.

A script with an error never runs; the others do.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.config.loaded import Loaded
from gateway.core.file_mark import FileMark, mark_of
from gateway.core.model import Finding, Severity, Span
from gateway.language.check import check, check_all
from gateway.language.parse import Parsed, parse_bytes
from gateway.runner.instance import Instance
from gateway.runner.world import world_of


@dataclass(frozen=True, slots=True)
class Actions:
    """What can run, by instance name; what can't, by action name with its first error; and every finding.

    `marks` are the scripts as they were read.
    """

    instances: Mapping[str, Instance]
    broken: Mapping[str, Finding]
    findings: tuple[Finding, ...]
    marks: Mapping[Path, FileMark] = field(default_factory=dict, repr=False)


def read_actions(loaded: Loaded) -> Actions:
    """Read every script of the action folders (blocks)."""
    present = loaded.action_files()
    world = world_of(loaded)
    marks = {path: mark_of(path) for path in present.paths}
    read = {path: _read(path) for path in present.paths}
    findings = [*present.findings, *(finding for parsed, _ in read.values() for finding in check(parsed, world))]
    alone = _first_errors(findings)
    # What a broken script would do beside the others does not stop them: it does nothing.
    findings += check_all([parsed for path, (parsed, _) in read.items() if str(path) not in alone], world)
    first_error = _first_errors(findings)
    sound = [(parsed, digest) for path, (parsed, digest) in read.items() if str(path) not in first_error]
    instances = [instance for parsed, digest in sound for instance in instances_of(loaded, parsed, digest)]
    return Actions(
        {instance.name: instance for instance in instances},
        {path.stem: first_error[str(path)] for path in read if str(path) in first_error},
        tuple(findings),
        {path: mark for path, mark in marks.items() if mark is not None},
    )


def _first_errors(findings: Iterable[Finding]) -> Mapping[str, Finding]:
    """By file."""
    return {finding.span.file: finding for finding in reversed([*findings]) if finding.severity is Severity.ERROR}


def _read(path: Path) -> tuple[Parsed, str]:
    """A script and the SHA-256 of its text; one that can't be read is a finding like any other."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        said = f"can't be read: {problem.strerror}; let this user read it"
        finding = Finding(Span(str(path), 1, 1, 1), Severity.ERROR, "E100", said)
        empty = parse_bytes(b"", str(path))
        return Parsed(empty.action, empty.settings, (finding,), complete=False), ""
    return parse_bytes(data, str(path)), hashlib.sha256(data).hexdigest()


def instances_of(loaded: Loaded, parsed: Parsed, digest: str) -> Iterable[Instance]:
    """One instance for an endpoint or none, one each for the members of a group."""
    named = parsed.settings.endpoint
    if named is None:
        yield _instance(loaded, parsed, digest, None, parsed.action.name)
        return
    is_group = named not in loaded.config.endpoints
    for member in loaded.members(named):
        name = f"{parsed.action.name}@{member}" if is_group else parsed.action.name
        yield _instance(loaded, parsed, digest, member, name)


def _instance(loaded: Loaded, parsed: Parsed, digest: str, endpoint: str | None, name: str) -> Instance:
    settings = parsed.settings
    zone = ZoneInfo(settings.timezone) if settings.timezone else loaded.zone(endpoint)
    if endpoint is None:
        return Instance(
            name=name,
            action=parsed.action,
            settings=settings,
            endpoint=None,
            root=loaded.root,
            inbox=loaded.root,
            outbox=loaded.root,
            zone=zone,
            script_sha256=digest,
        )
    own = loaded.config.endpoints[endpoint]
    return Instance(
        name=name,
        action=parsed.action,
        settings=settings,
        endpoint=endpoint,
        root=loaded.root,
        inbox=loaded.inbox(endpoint),
        outbox=loaded.outbox(endpoint),
        zone=zone,
        ignore_case=own.case == "ignore",
        follow_links=own.follow_links,
        sent_keep=own.sent_keep,
        sent_folder=loaded.sent(endpoint),
        script_sha256=digest,
    )
