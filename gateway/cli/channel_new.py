"""`gateway channel new`: by questions on a terminal, or by options alone."""

import sys
from collections.abc import Iterator

import typer

from gateway.channels.read import read_channels
from gateway.cli.channel_ask import asked
from gateway.cli.channel_draft import Draft, checked_endpoint, checked_name, checked_path, checked_start, write
from gateway.cli.doing import do
from gateway.cli.output import print_json
from gateway.config.findings import suggestion
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused
from gateway.core.model import Severity
from gateway.service.taking import taken


def new_channel(draft: Draft, *, as_json: bool) -> None:
    """Ask what is open where somebody can answer; write the file, and let the gateway that serves take it."""
    loaded = load()
    draft = _checked(draft, loaded)
    if list(_open(draft, loaded)):
        if not sys.stdin.isatty() or as_json:
            raise Refused(f"nobody can be asked here; give {', '.join(_open(draft, loaded))}, too{_why(draft, loaded)}")
        draft, path = asked(draft, loaded)
    else:
        path = write(loaded, draft)
    serves = do(lambda loaded, clock: taken(loaded, clock))
    _tell(draft, str(path), serves=serves, as_json=as_json)


def _checked(draft: Draft, loaded: Loaded) -> Draft:
    if draft.name is not None:
        checked_name(draft.name, loaded)
    if draft.endpoint is not None:
        checked_endpoint(draft.endpoint, loaded)
    if draft.start is not None:
        checked_start(draft.start)
    checked_path(draft.path)
    if draft.catalogue is not None and not draft.makes_catalogue(loaded):
        at = loaded.span("catalogues", draft.catalogue)
        known = f"the catalogue {draft.catalogue!r} is there already ({at.file}:{at.line})"
        if draft.folder is not None:
            raise Refused(f"{known}; leave --folder out")
        if draft.metadata:
            raise Refused(f"{known}, and that says which files are metadata; leave --metadata out, or change it there")
    return draft


def _open(draft: Draft, loaded: Loaded) -> Iterator[str]:
    """What must still be said, as options."""
    said = {"NAME": draft.name, "--endpoint": draft.endpoint, "--catalogue": draft.catalogue, "--start": draft.start}
    yield from (option for option, value in said.items() if value is None)
    if _lacks_folder(draft, loaded):
        yield "--folder"


def _lacks_folder(draft: Draft, loaded: Loaded) -> bool:
    return draft.catalogue is not None and draft.makes_catalogue(loaded) and draft.folder is None


def _why(draft: Draft, loaded: Loaded) -> str:
    if draft.catalogue is None or not _lacks_folder(draft, loaded):
        return ""
    return f": there is no catalogue {draft.catalogue!r} yet; {suggestion(draft.catalogue, loaded.config.catalogues)}"


def _tell(draft: Draft, path: str, *, serves: bool, as_json: bool) -> None:
    read = read_channels(load())
    name = draft.name or ""
    found = [one for one in read.findings if one.span.file == path]
    if as_json:
        print_json({"channel": name, "file": path, "taken": serves, "findings": [str(one) for one in found]})
    else:
        typer.echo(f"written to {path}")
        for one in found:
            typer.echo(str(one))
        does = "the gateway that serves looks for its changes" if serves else "`gateway serve` looks for its changes"
        typer.echo(does)
        typer.echo(f"when: gateway channel show {name}")
        typer.echo(f"other times: gateway schedulers set --channel {name}")
    raise typer.Exit(2 if any(one.severity is Severity.ERROR for one in found) else 0)
