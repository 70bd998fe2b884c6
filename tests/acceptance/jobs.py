"""Jobs of a gateway under test: their files, their runs as `gateway job` tells them, and whether a report adds up."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from gateway.jobs.report import read_report, run_fields
from gateway.jobs.report_files import file_fields, file_lines
from gateway.ledger import Connection
from tests.acceptance.harness import Gateway


def write_job(gateway: Gateway, name: str, source: Path, places: Mapping[str, Path | str], more: str = "") -> None:
    """A file of jobs.d: `places` by endpoint, the folder there; `more` are its other tables."""
    lines = [f"source = {{ path = {json.dumps(str(source))} }}"]
    for endpoint, folder in places.items():
        lines.append(f"[[destinations]]\nendpoint = {json.dumps(endpoint)}\npath = {json.dumps(str(folder))}")
    folder = gateway.config.parent / "jobs.d"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text("\n".join([*lines, more, ""]))


def trigger(moment: str, words: Sequence[str] | str, more: str = "") -> str:
    """A command of a job."""
    return f"[triggers.{moment}]\nlinux = {json.dumps(words)}\n{more}\n"


def started(gateway: Gateway, name: str) -> int:
    """Start a run and leave it going on in the service; its number."""
    told = gateway.run_json("job", "start", name, "--detach")
    return int(told["run"])


def run_of(gateway: Gateway, run: int) -> dict[str, Any]:
    """What `gateway job show RUN --files --json` tells, without a process for each look."""
    return gateway.read(lambda connection: _told(connection, run))


def _told(connection: Connection, run: int) -> dict[str, Any]:
    report = read_report(connection, run)
    assert report is not None
    return {
        **run_fields(report),
        "files": [file_fields(report.run, line, UTC) for line in file_lines(connection, report)],
        "commands": report.starts,
    }


def place_of(told: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    """One destination of a run."""
    found: dict[str, Any] = next(one for one in told["destinations"] if one["endpoint"] == endpoint)
    return found


def states(told: Mapping[str, Any]) -> dict[str, str]:
    """By destination."""
    return {one["endpoint"]: one["state"] for one in told["destinations"]}


def require_adds_up(told: Mapping[str, Any], folders: Mapping[str, Path]) -> None:
    """Files make counters; every file that is said to be there is there, byte for byte; nothing else has a name."""
    for endpoint, folder in folders.items():
        place = place_of(told, endpoint)
        lines = [one for one in told["files"] if one["endpoint"] == endpoint]
        for state in ("delivered", "unchanged", "skipped", "failed"):
            assert place[state] == sum(one["state"] == state for one in lines), (endpoint, state)
        assert place["bytes_sent"] >= sum(one["bytes"] for one in lines if one["state"] == "delivered")
        there = {one["path"]: one["sha256"] for one in lines if one["state"] in ("delivered", "unchanged")}
        assert contents(folder) == there, endpoint


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that has its final name, by path."""
    files = (one for one in folder.rglob("*") if one.is_file() and not one.name.startswith("."))
    return {str(one.relative_to(folder)): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}
