"""`gateway channel check`."""

from collections.abc import Sequence

import typer

from gateway.channels.model import Channel
from gateway.channels.read import read_channels
from gateway.cli.channel_reading import channel_of
from gateway.cli.check import finding_row, many
from gateway.cli.output import print_json
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.core.model import Finding, Severity


def check_channels(names: Sequence[str], *, as_json: bool) -> None:
    """Findings of the configuration, too: a channel that can't be read has no others."""
    count, findings = _found(names)
    if as_json:
        print_json([finding_row(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(str(finding))
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        typer.echo(f"{many(count, 'channel')}, {many(errors, 'error')}, {many(len(findings) - errors, 'warning')}")
    raise typer.Exit(2 if any(finding.severity is Severity.ERROR for finding in findings) else 0)


def _found(names: Sequence[str]) -> tuple[int, tuple[Finding, ...]]:
    try:
        read = read_channels(load())
    except ConfigError as problem:
        return 0, problem.findings
    if not names:
        return len(read.channels), read.findings
    channels = [channel_of(read, name) for name in names]
    return len(names), tuple(finding for finding in read.findings if _is_of(finding, channels))


def _is_of(finding: Finding, channels: Sequence[Channel]) -> bool:
    """A finding about one of these channels: it names it or its catalogue, or stands in its file."""
    for channel in channels:
        sections = (f"[channels.{channel.name}]", f"[catalogues.{channel.catalogue.name}]")
        if finding.span.file == channel.span.file or finding.message.startswith(sections):
            return True
    return False
