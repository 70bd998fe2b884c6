"""What is wrong with a channel although each of its keys is well-formed, and with several channels together."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from gateway.channels.findings import INSIDE, LEADS_OUT, NO_CATALOGUE, NO_START, ONE_MARKER, ONE_NAME, SAME_PLACE
from gateway.channels.model import Channel
from gateway.config.findings import error, section, warning
from gateway.config.loaded import Loaded
from gateway.config.schema import Scheme
from gateway.core.model import Finding, Span
from gateway.endpoints.place import from_settings
from gateway.transfer.presence import trouble

_SEPARATOR = re.compile(r"[/\\]")
_TELL_APART = ("{name}", "{stem}", "{item}", "{ext}")


def channel_findings(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    """Everything wrong with one channel."""
    yield from _names(channel, loaded)
    yield from _leads_out(channel, loaded)
    yield from _marker(channel, loaded)
    yield from _catalogue(channel, loaded)
    yield from _start(channel, loaded)


def across(channels: Sequence[Channel]) -> Iterator[Finding]:
    """Two channels that write the same names at one place."""
    for one, other in combinations(channels, 2):
        if one.endpoint == other.endpoint and one.place.path == other.place.path and _share(one, other):
            at = f"{one.place.path or 'its folder'} of {one.endpoint}"
            message = f"the channel {one.name} ({one.span}) writes to {at}, too; files of one name replace each other"
            yield warning(other.span, SAME_PLACE, f"{_section(other)}{message}; choose another [place] path")


def _share(one: Channel, other: Channel) -> bool:
    return one.place.files == other.place.files or (one.place.done is not None and one.place.done == other.place.done)


def _section(channel: Channel) -> str:
    return section(("channels", channel.name))


def _names(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    if not any(field in channel.place.files for field in _TELL_APART):
        span = loaded.span("channels", channel.name, "place", "files")
        message = (
            f'[place] files: {channel.place.files!r} gives every file one name; put in {{name}}, or "{{item}}{{ext}}"'
        )
        yield error(span, ONE_NAME, f"{_section(channel)}{message}")


def _leads_out(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    """A place that is not below the recipient's folder though it looks so."""
    said = {"path": channel.place.path, "files": channel.place.files, "done": channel.place.done or ""}
    for key, text in said.items():
        if ".." in _SEPARATOR.split(text):
            span = loaded.span("channels", channel.name, "place", key)
            message = f"[place] {key}: {text!r} leads out of the recipient's folder; leave .. out, or begin path with /"
            yield error(span, LEADS_OUT, f"{_section(channel)}{message}")


def _marker(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    """A marker that replaces the one of the delivery before, or of one that is due at the same moment."""
    done = channel.place.done
    where = channel.place.path.partition("{item}")[0] + (done or "")
    if done is not None and "{index}" not in where:
        span = loaded.span("channels", channel.name, "place", "done")
        of_what = next((f" of a {one}" for one in ("time", "date") if f"{{{one}}}" in where), "").replace("date", "day")
        message = f"[place] done: {done!r} is one name for all deliveries{of_what}; put in {{index}}, which counts them"
        yield warning(span, ONE_MARKER, f"{_section(channel)}{message}")


def _catalogue(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    """A catalogue that is not there, or in which the channel would make items itself."""
    folder, catalogue = channel.catalogue.path, channel.catalogue
    span = loaded.span("catalogues", catalogue.name, "path")
    found = trouble(folder)
    if found is not None:
        message = f"{section(('catalogues', catalogue.name))}the folder {folder} {found}"
        yield warning(span, NO_CATALOGUE, f"{message}: nothing new is delivered before that")
    place = _folder_here(channel, loaded)
    if place is not None and (place.is_relative_to(folder) or folder.is_relative_to(place)):
        message = f"{channel.endpoint}: {place} and the catalogue {folder} lie in each other; choose another folder"
        yield error(_span(channel, loaded), INSIDE, f"{_section(channel)}{message}")


def _folder_here(channel: Channel, loaded: Loaded) -> Path | None:
    """The folder on this machine that files of the channel arrive below, None for any other machine."""
    settings = loaded.config.endpoints[channel.endpoint]
    if settings.scheme is not Scheme.FILE:
        return None
    bare = settings.model_copy(update={"known_hosts": None})
    base = Path(from_settings(channel.endpoint, bare, lambda _: "", loaded.root).folder)
    fixed = channel.place.path.partition("{")[0].partition("%")[0]
    return base / (fixed if fixed == channel.place.path else fixed.rpartition("/")[0])


def _span(channel: Channel, loaded: Loaded) -> Span:
    return loaded.span("channels", channel.name, "place", "path")


def _start(channel: Channel, loaded: Loaded) -> Iterator[Finding]:
    if ("channels", channel.name, "start") not in loaded.spans:
        message = 'start is not said: what is in the catalogue now counts as delivered; write start = "now", or "all"'
        yield warning(channel.span, NO_START, f"{_section(channel)}{message}")
