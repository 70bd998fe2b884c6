"""What an item consists of, by path and content: told apart metadata from files."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from gateway.ledger.channel_catalogues import FileRow


@dataclass(frozen=True, slots=True)
class Contents:
    """Digests of contents by path below the item."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[FileRow]) -> "Contents":
        """Of an item's files at rest."""
        rows = list(files)
        metadata = {one.relative: one.counted for one in rows if one.meta_sha256 is not None}
        return cls(metadata, {one.relative: one.counted for one in rows if one.meta_sha256 is None})

    @classmethod
    def read(cls, text: str) -> "Contents":
        """As `text` wrote it."""
        metadata, files = json.loads(text)
        return cls(metadata, files)

    def text(self) -> str:
        """As a column holds it."""
        return json.dumps([dict(self.metadata), dict(self.files)])

    def with_metadata(self, other: "Contents") -> "Contents":
        """And the metadata of `other`; what only this has stays: nobody was told to delete it."""
        return replace(self, metadata={**self.metadata, **other.metadata})

    def with_files(self, other: "Contents") -> "Contents":
        """And the files of `other`."""
        return replace(self, files={**self.files, **other.files})

    def only(self, names: Collection[str]) -> "Contents":
        """What of this has one of these paths."""
        return Contents(_some(self.metadata, names, True), _some(self.files, names, True))

    def without(self, names: Collection[str]) -> "Contents":
        """What of this has none of these paths."""
        return Contents(_some(self.metadata, names, False), _some(self.files, names, False))

    def lacks(self, got: "Contents") -> "Lacks":
        """What of this is not in `got`.  What is only in `got` lacks nothing: nobody is told to delete."""
        return Lacks(_other(self.metadata, got.metadata), _other(self.files, got.files))


@dataclass(frozen=True, slots=True)
class Lacks:
    """Paths below the item whose content somebody has not got, in order."""

    metadata: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def _some(mine: Mapping[str, str], names: Collection[str], wanted: bool) -> dict[str, str]:
    return {name: digest for name, digest in mine.items() if (name in names) is wanted}


def _other(mine: Mapping[str, str], got: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name, digest in mine.items() if got.get(name) != digest))
