"""A channel that is to be made: its answers, and its file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from gateway.channels.read import read_channels
from gateway.cli.new_file import make, place_of
from gateway.config.channels import PlaceSettings
from gateway.config.findings import suggestion
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.config.replace import replace_file
from gateway.core.errors import Refused

STARTS = ("now", "all")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FOLDER = "channels.d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was said so far, None: nothing.  `folder` and `metadata` make a catalogue that there is not yet."""

    name: str | None = None
    description: str = ""
    endpoint: str | None = None
    catalogue: str | None = None
    folder: str | None = None
    metadata: Sequence[str] = ()
    start: str | None = None
    path: str = ""

    def makes_catalogue(self, loaded: Loaded) -> bool:
        """True if the catalogue is a new one."""
        return self.catalogue not in loaded.config.catalogues


def checked_name(text: str, loaded: Loaded) -> str:
    """A name for a new channel.  Raises Refused."""
    if not _NAME.fullmatch(text):
        raise Refused(f"{text!r} is no name for a channel; use letters, digits, '.', '_' and '-'")
    if text in loaded.config.channels:
        at = loaded.span("channels", text).file
        raise Refused(f"there is a channel {text!r} already ({at}); choose another name")
    file_of(loaded, text)
    return text


def checked_endpoint(text: str, loaded: Loaded) -> str:
    """Who is to get it.  Raises Refused."""
    if text not in loaded.config.endpoints:
        raise Refused(f"there is no endpoint {text!r}; {suggestion(text, loaded.config.endpoints)}")
    return text


def checked_start(text: str) -> str:
    """What becomes of what is there.  Raises Refused."""
    if text not in STARTS:
        raise Refused(f"{text!r} is not known; write now (what is there counts as delivered) or all (it is delivered)")
    return text


def checked_path(text: str) -> str:
    """The folder at the recipient; `-` and nothing: its own.  Raises Refused."""
    try:
        return PlaceSettings(path="" if text == "-" else text).path
    except ValidationError as problem:
        said = str(problem.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Refused(f"the folder there: {said}") from None


def file_of(loaded: Loaded, name: str) -> Path:
    """Where the file belongs.  Raises Refused where there is no such place, or it stands."""
    return place_of(loaded, _FOLDER, name)


def text_of(draft: Draft, loaded: Loaded) -> str:
    """The file."""
    lines = [f"description = {_quoted(draft.description)}"] if draft.description else []
    lines += [f"endpoint = {_quoted(draft.endpoint)}", f"catalogue = {_quoted(draft.catalogue)}"]
    lines += [f"start = {_quoted(draft.start)}"]
    if draft.path:
        lines += ["", "[place]", f"path = {_quoted(draft.path)}"]
    if draft.makes_catalogue(loaded):
        lines += ["", f"[catalogues.{_key(draft.catalogue or '')}]", f"path = {_quoted(draft.folder)}"]
        patterns = ", ".join(_quoted(one) for one in draft.metadata)
        lines += [f"metadata = [{patterns}]"] if patterns else []
    return "\n".join([*lines, ""])


def write(loaded: Loaded, draft: Draft) -> Path:
    """Write the file; taken back, Refused raised, where the configuration can't be with it or the channel can't run."""
    path, name = file_of(loaded, draft.name or ""), draft.name or ""
    make(loaded, path, partial(replace_file, data=text_of(draft, loaded).encode(), like=loaded.path))
    broken = read_channels(load(loaded.path)).broken.get(name)
    if broken is not None:
        path.unlink(missing_ok=True)
        raise Refused(str(broken))
    return path


def _quoted(text: str | None) -> str:
    import tomlkit  # only who makes a channel needs it

    return tomlkit.string(text or "").as_string()


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
