"""What counts in a metadata file: its bytes, or for XML with parts that don't count, what it says without them.

Of such XML comments, indentation, the order of attributes and the spelling of the declaration don't count either.
Nothing is ever expanded or fetched: references to entities stay as they are written.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from re import Pattern
from typing import NoReturn
from xml.parsers import expat

MOST_BYTES = 16 * 1024 * 1024
"""Larger metadata is hashed by its bytes, unread."""
_DEEPEST = 200
_LONGEST_ENTITY = 1024
_MOST_DEFAULTS = 100
"""Each element costs a look at all of them."""
_STEP = re.compile(r"(//?)([^/]+)")


@dataclass(frozen=True, slots=True)
class Counted:
    """The hash by which a change is told; `fault`: why the file is not well-formed, None if it is or nobody can say."""

    sha256: str
    fault: str | None = None


class _Refused(Exception):
    """This XML is not looked into further; the message says why."""


def counted(name: str, data: bytes, ignored: Sequence[str]) -> Counted:
    """What counts in the metadata file `name`; `ignored` are parts of XML that don't."""
    if name.lower().endswith(".json"):
        return Counted(hashlib.sha256(data).hexdigest(), _json_fault(data))
    if not _is_xml(name, data):
        return Counted(hashlib.sha256(data).hexdigest())
    said = _Said(_compiled(tuple(ignored)))
    try:
        said.read(data)
    except _Refused as exc:
        return Counted(hashlib.sha256(data).hexdigest(), str(exc))
    except expat.ExpatError as exc:
        fault = f"line {exc.lineno}, column {exc.offset + 1}: {expat.ErrorString(exc.code)}"
        return Counted(hashlib.sha256(data).hexdigest(), fault)
    except (ValueError, LookupError) as exc:  # what pyexpat says of encodings that it doesn't know, or of many bytes
        fault = f"it can't be looked into in its encoding ({exc}); write the file in UTF-8"
        return Counted(hashlib.sha256(data).hexdigest(), fault)
    return Counted(said.hexdigest() if ignored else hashlib.sha256(data).hexdigest())


def too_large(size_bytes: int) -> str:
    """Why a file that large is not looked into."""
    return f"it has {size_bytes} bytes; metadata of more than {MOST_BYTES} is not looked into"


def _is_xml(name: str, data: bytes) -> bool:
    head = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return name.lower().endswith((".xml", ".onix")) or head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\0<"))


def _json_fault(data: bytes) -> str | None:
    """Numbers stay text: none is too long."""
    try:
        json.loads(data, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except RecursionError:
        return "it is nested too deep to be looked into"
    except ValueError as exc:  # UnicodeDecodeError and JSONDecodeError are such
        return str(exc)
    return None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no value of JSON")


@lru_cache(maxsize=64)
def _compiled(ignored: tuple[str, ...]) -> Pattern[str] | None:
    """What fits the path of an element (`/a/b`) or an attribute (`/a/b/@c`) that doesn't count."""
    return re.compile("|".join(_expression(one) for one in ignored)) if ignored else None


def _expression(part: str) -> str:
    """A name without a prefix fits whatever prefix a file gives it."""
    made = ""
    for slashes, step in _STEP.findall(part):
        made += "/" if slashes == "/" else "/(?:[^/]+/)*"
        at, name = ("@", step[1:]) if step.startswith("@") else ("", step)
        prefix = "" if ":" in name else "(?:[^/:@]+:)?"
        made += at + (r"[^/@]+" if name == "*" else prefix + re.escape(name))
    return made


class _Said:
    """What an XML file says, hashed as it is read."""

    def __init__(self, ignored: Pattern[str] | None) -> None:
        self._ignored = ignored
        self._made = hashlib.sha256()
        self._text: list[str] = []
        self._path = ""
        self._above: list[str] = []
        self._skipping = 0
        self._defaults = 0

    def read(self, data: bytes) -> None:
        """The whole file.  Raises expat.ExpatError where it is not well-formed, _Refused."""
        parser = expat.ParserCreate()
        parser.ordered_attributes = True
        parser.specified_attributes = True  # a default is said where it is declared, not in every element again
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ProcessingInstructionHandler = self._instruction
        parser.CommentHandler = _nothing
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.AttlistDeclHandler = self._attribute
        parser.DefaultHandler = self._reference  # which also keeps expat from expanding anything in text
        parser.Parse(data, True)

    def hexdigest(self) -> str:
        """Of what was read."""
        return self._made.hexdigest()

    def _say(self, *words: object) -> None:
        text = "".join(self._text)
        self._text.clear()
        if text and not text.isspace():
            self._made.update(repr(text).encode("utf-8", "surrogateescape"))
        self._made.update(repr(words).encode("utf-8", "surrogateescape"))

    def _start(self, name: str, attributes: list[str]) -> None:
        if len(self._above) >= _DEEPEST:
            raise _Refused(f"it is nested deeper than {_DEEPEST} levels")
        self._above.append(self._path)
        self._path = f"{self._path}/{name}"
        if self._skipping or self._leaves_out(self._path):
            self._skipping += 1
            return
        self._say("<", name, *sorted(self._counting(zip(attributes[::2], attributes[1::2], strict=True))))

    def _counting(self, attributes: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        return (one for one in attributes if not self._leaves_out(f"{self._path}/@{one[0]}"))

    def _end(self, _name: str) -> None:
        self._path = self._above.pop()
        if self._skipping:
            self._skipping -= 1
        else:
            self._say(">")

    def _leaves_out(self, path: str) -> bool:
        return self._ignored is not None and self._ignored.fullmatch(path) is not None

    def _characters(self, text: str) -> None:
        if not self._skipping:
            self._text.append(text)

    def _reference(self, text: str) -> None:
        """What no other handler takes: within the root element that is a reference to an entity."""
        if self._above and not self._skipping:
            self._say("&", text)

    def _instruction(self, target: str, data: str) -> None:
        if not self._skipping:
            self._say("?", target, data)

    def _doctype(self, name: str, system: str | None, public: str | None, _has_subset: bool) -> None:
        self._say("!", name, system, public)

    def _entity(self, name: str, is_parameter: bool, value: str | None, *rest: str | None) -> None:
        """Attributes do have their entities put in; what could make them huge is refused."""
        if value is not None and ("&" in value or len(value) > _LONGEST_ENTITY):
            raise _Refused(f"it declares an entity, {name}, that is made of others or is very long; write it out")
        self._say("!", name, is_parameter, value, *rest)

    def _attribute(self, element: str, name: str, kind: str, default: str | None, is_required: bool) -> None:
        self._defaults += default is not None
        if self._defaults > _MOST_DEFAULTS:
            raise _Refused(f"it declares more than {_MOST_DEFAULTS} attributes with a default; write them out")
        self._say("!", element, name, kind, default, is_required)


def _nothing(_comment: str) -> None:
    """A comment."""
