"""What channels refer to: endpoints and catalogues."""

from collections.abc import Callable, Iterator

from gateway.config.findings import REFERENCE, error, section, suggestion
from gateway.config.schema import Config
from gateway.core.model import Finding, Span


def channel_references(config: Config, span_of: Callable[..., Span]) -> Iterator[Finding]:
    """Every name in a channel that stands for nothing."""
    for name, channel in config.channels.items():
        at = ("channels", name)
        if channel.endpoint not in config.endpoints:
            remedy = suggestion(channel.endpoint, config.endpoints)
            if channel.endpoint in config.groups:
                remedy = "that is a group; write one channel for each of its endpoints"
            message = f"{section(at)}there is no endpoint {channel.endpoint!r}; {remedy}"
            yield error(span_of(*at, "endpoint"), REFERENCE, message)
        if channel.catalogue not in config.catalogues:
            remedy = suggestion(channel.catalogue, config.catalogues) if config.catalogues else "write one"
            message = f"{section(at)}there is no catalogue {channel.catalogue!r}; {remedy}"
            if not config.catalogues:
                message += f': [catalogues.{channel.catalogue}] and below it path = "FOLDER"'
            yield error(span_of(*at, "catalogue"), REFERENCE, message)
