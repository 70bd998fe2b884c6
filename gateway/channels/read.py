"""The channels of a configuration: resolved and checked.  A channel with an error never runs; the others do."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from gateway.channels.check import across, channel_findings
from gateway.channels.findings import BAD_PATTERN, INSIDE_ITEM
from gateway.channels.model import Catalogue, Channel, Channels, Kind, PlaceTemplate
from gateway.channels.times import channel_times
from gateway.config.channels import ChannelSettings
from gateway.config.findings import error, section
from gateway.config.lines import KeyPath
from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Severity
from gateway.language.pattern import Pattern, compile_pattern, split_path

_WHOLE_FOLDER = ("*", "**")


def read_channels(loaded: Loaded) -> Channels:
    """Every channel of the configuration (blocks: it looks whether catalogues are there)."""
    channels: dict[str, Channel] = {}
    broken: dict[str, Finding] = {}
    findings: list[Finding] = []
    for name in loaded.config.channels:
        resolver = _Resolver(loaded)
        channels[name] = resolver.channel(name)
        found = [*resolver.findings, *channel_findings(channels[name], loaded)]
        findings += found
        first = next((one for one in found if one.severity is Severity.ERROR), None)
        if first is not None:
            broken[name] = first
    findings += across([channel for name, channel in channels.items() if name not in broken])
    unread = {path.stem: finding for path, finding in loaded.left_out.items()}
    return Channels(channels, broken, tuple(sorted(set(findings), key=lambda finding: finding.place)), unread)


class _Resolver:
    """Resolves one channel; `findings` are what it could not."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self.findings: list[Finding] = []

    def channel(self, name: str) -> Channel:
        settings = self._loaded.config.channels[name]
        zone = self._loaded.zone() if settings.timezone is None else ZoneInfo(settings.timezone)
        endpoint = self._loaded.config.endpoints.get(settings.endpoint)
        at = ("channels", name, "items")
        return Channel(
            name=name,
            description=settings.description,
            endpoint=settings.endpoint,
            catalogue=self._catalogue(settings.catalogue),
            include=tuple(self._items(settings.items.include, (*at, "include"))),
            exclude=tuple(self._items(settings.items.exclude, (*at, "exclude"))),
            start=settings.start,
            times=channel_times(self._loaded, name, zone),
            manual=_manual(settings),
            payload_file=settings.payload.file,
            wellformed=settings.wellformed,
            place=PlaceTemplate(settings.place.path, settings.place.files, settings.place.done),
            zone=zone,
            ignore_case=endpoint is not None and endpoint.case == "ignore",
            span=self._loaded.span("channels", name),
        )

    def _catalogue(self, name: str) -> Catalogue:
        settings = self._loaded.config.catalogues[name]
        patterns = self._names(settings.metadata, ("catalogues", name, "metadata"))
        return Catalogue(name, self._loaded.resolve(settings.path), tuple(patterns), settings.metadata_ignore)

    def _names(self, texts: tuple[str, ...], at: KeyPath) -> Iterator[Pattern]:
        """Patterns of the names of files."""
        for number, text in enumerate(texts):
            try:
                if len(split_path(text)) != 1:
                    raise ValueError(f'{text!r} holds a folder; write the pattern of a name, such as "*.xml"')
                yield _pattern(text)
            except ValueError as problem:
                self._refuse((*at, number), at, BAD_PATTERN, str(problem))

    def _items(self, texts: tuple[str, ...], at: KeyPath) -> Iterator[Pattern]:
        """Patterns of items; `drafts/*` and `drafts/` are the item `drafts`."""
        for number, text in enumerate(texts):
            try:
                parts = split_path(text)
                if not parts or parts[0] == "/":
                    raise ValueError(f'{text!r} names no item; write the name of its folder, or a pattern: "97*"')
                pattern = _pattern(parts[0])
            except ValueError as problem:
                self._refuse((*at, number), at, BAD_PATTERN, str(problem))
                continue
            if len(parts) > 2 or (parts[1:] and parts[1] not in _WHOLE_FOLDER):
                message = f"{text!r} names files in an item, and items are chosen whole; write {parts[0]!r}"
                self._refuse((*at, number), at, INSIDE_ITEM, message)
                continue
            yield pattern

    def _refuse(self, place: KeyPath, table: KeyPath, code: str, message: str) -> None:
        said = f"{section(table[:-1])}{table[-1]}: {message}"
        self.findings.append(error(self._loaded.span(*place), code, said))


def _pattern(token: str) -> Pattern:
    """Raises ValueError also for a [ within it that nothing closes: no name of a folder was meant by that."""
    if not token.startswith("[") and token.rfind("[") > token.rfind("]"):
        raise ValueError(f'{token!r} holds a [ that does not end; a [regex] is all of the pattern: "[97\\d+]"')
    return compile_pattern(token)


def _manual(settings: ChannelSettings) -> frozenset[Kind]:
    return frozenset(kind for kind in Kind if getattr(settings.approval, kind.value) == "manual")
