"""What a delivery of an item consists of, and under which names it arrives.  Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.channels.model import Catalogue, Channel, Kind, PlaceTemplate
from gateway.language.macros import uses
from gateway.language.pattern import is_literal, split_path

REMEDY = "; change [place] so that they differ"
"""Of names that two files would have."""
_FIELD = re.compile(r"\{(\w+)\}")
_DATE, _TIME = "%Y%m%d", "%H%M%S"
_OF_A_DELIVERY = frozenset({"date", "time", "index"})
_PLAIN = re.compile(r"[\w.-]", re.ASCII)
_ORDINARY = re.compile(r"[\w/. ,()&+@=-]*")
"""Most paths; the others are looked at closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of an item as it was when the item was last at rest; `relative` is below the item's folder.

    `is_metadata` says what it was when it was read: other patterns hold for what is read by them.
    """

    item: str
    relative: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    is_metadata: bool

    @property
    def below(self) -> str:
        """Its path below the catalogue."""
        return f"{self.item}/{self.relative}"

    def source(self, catalogue: Catalogue) -> str:
        """Where it lies."""
        return f"{catalogue.path}/{self.below}"


@dataclass(frozen=True, slots=True)
class Named:
    """A file and its name at the recipient, macros and fields put in."""

    piece: Piece
    final: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the fields of times mean in one delivery: when it is due by the channel's clock, the n-th of that day."""

    due: datetime
    number: int

    def fields(self) -> Mapping[str, str]:
        """By name."""
        return {"date": self.due.strftime(_DATE), "time": self.due.strftime(_TIME), "index": str(self.number)}


def chosen(kind: Kind, channel: Channel, changed: Sequence[str], pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The files that are sent of an item: all, its metadata alone, or its metadata with what `changed`."""
    if kind is Kind.METADATA:
        return tuple(one for one in pieces if one.is_metadata)
    if kind is Kind.FILE and channel.payload_file == "changed":
        wanted = frozenset(changed)
        return tuple(one for one in pieces if one.relative in wanted or one.is_metadata)
    return tuple(pieces)


def named(channel: Channel, pieces: Iterable[Piece], on: Occasion) -> tuple[Named, ...]:
    """Each with its name at the recipient."""
    times = on.fields()
    return tuple(Named(piece, final_of(channel.place, piece.item, piece.relative, times)) for piece in pieces)


def final_of(place: PlaceTemplate, item: str, relative: str, times: Mapping[str, str]) -> str:
    """Where a file of an item arrives, seen from the endpoint's folder."""
    name = relative.rpartition("/")[2]
    base = name.rpartition(".")[0] or name
    own = {"item": item, "name": name, "stem": base, "ext": name[len(base) :]}
    fields = {**times, **own}
    return _joined(_filled(place.path, fields), _filled(place.files, fields))


def is_lasting(place: PlaceTemplate) -> bool:
    """True if a file has the same name in every delivery."""
    return not any(field in _OF_A_DELIVERY for field in _FIELD.findall(place.path + place.files))


def marker_of(channel: Channel, on: Occasion) -> str | None:
    """Where the marker of a delivery arrives: in the folder that all of its items have in common."""
    if channel.place.done is None:
        return None
    common = channel.place.path.partition("{item}")
    folder = common[0] if not common[1] else common[0].rpartition("/")[0] + "/"
    return _joined(_filled(folder, on.fields()), _filled(channel.place.done, on.fields()))


def clash(wanted: Sequence[Named], taken: Mapping[str, str], *, ignore_case: bool = False) -> str | None:
    """Why an item can't go with the others, whose names are `taken` (by name; who has it): None where it can."""
    mine: dict[str, str] = {}
    for one in wanted:
        key = name_key(one.final, ignore_case=ignore_case)
        source = one.piece.below
        other = mine.setdefault(key, source)
        other = taken.get(key, other)
        if other != source:
            return f"{other} and {source} would both arrive as {one.final}{REMEDY}"
    return None


def name_key(final: str, *, ignore_case: bool = False) -> str:
    """What two names must not have in common."""
    return final.casefold() if ignore_case else final


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: fields.get(match[1], match[0]), template)


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder else name


# As script text.


class CantBeSaid(ValueError):
    """A path that no script can say; the message names it and the remedy."""


def source_text(path: str) -> str:
    """A local path as the source of a PUT: a name that means something in patterns or macros as a [regex] of itself.

    Raises CantBeSaid for such a folder.
    """
    folder, _, name = path.rpartition("/")
    if not _is_plain(folder):
        raise CantBeSaid(f"{folder!r} holds characters that mean something in a script; rename the folder")
    return path if _is_plain(name) else f"{folder}/[{''.join(_escaped(one) for one in name)}]"


def final_text(path: str) -> str:
    """A remote path as the destination of a PUT.  Raises CantBeSaid."""
    if not _is_plain(path):
        raise CantBeSaid(f"{path!r} holds characters that mean something in a script; rename it, or change [place]")
    return path


def _is_plain(path: str) -> bool:
    """True if a script takes the path for what it is."""
    if _ORDINARY.fullmatch(path):
        return True
    if "\\" in path or not path.isprintable() or {'"', "'"} <= set(path) or any(True for _ in uses(path)):
        return False
    try:
        return all(is_literal(part) for part in split_path(path))
    except ValueError:  # a [ that never closes
        return False


def _escaped(one: str) -> str:
    if _PLAIN.match(one) or (one.isalnum() and one.isprintable()):
        return one
    return f"\\x{ord(one):02x}" if ord(one) < 256 else f"\\u{ord(one):04x}" if ord(one) < 65536 else one
