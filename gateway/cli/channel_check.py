"""`gateway channel check`."""

from collections.abc import Sequence

from gateway.channels.model import Channel
from gateway.channels.read import read_channels
from gateway.cli.channel_reading import channel_of
from gateway.cli.check import tell_findings
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.core.model import Finding


def check_channels(names: Sequence[str], *, as_json: bool) -> None:
    """Findings of the configuration, too: a channel that can't be read has no others."""
    count, findings = _found(names)
    tell_findings(count, "channel", findings, as_json=as_json)


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
