"""`gateway channel new`: by questions on a terminal, or by options alone."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import typer

from gateway.channels.read import read_channels
from gateway.cli.channel_draft import (
    STARTS,
    Draft,
    checked_endpoint,
    checked_name,
    checked_start,
    text_of,
    write,
)
from gateway.cli.doing import INTERRUPTED, do, tell
from gateway.cli.job_ask import Back, Cancelled, ask, ask_choice, ask_text
from gateway.cli.output import print_json
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
            raise Refused(f"nobody can be asked here; give {', '.join(_open(draft, loaded))}, too")
        draft = _asked(draft, loaded)
    path = write(loaded, draft, text_of(draft, loaded))
    serves = do(lambda loaded, clock: taken(loaded, clock))
    _tell(draft, str(path), serves=serves, as_json=as_json)


def _checked(draft: Draft, loaded: Loaded) -> Draft:
    if draft.name is not None:
        checked_name(draft.name, loaded)
    if draft.endpoint is not None:
        checked_endpoint(draft.endpoint, loaded)
    if draft.start is not None:
        checked_start(draft.start)
    if draft.folder is not None and draft.catalogue is not None and not draft.makes_catalogue(loaded):
        at = loaded.span("catalogues", draft.catalogue)
        raise Refused(f"the catalogue {draft.catalogue!r} is there already ({at.file}:{at.line}); leave --folder out")
    return draft


def _open(draft: Draft, loaded: Loaded) -> Iterator[str]:
    """What must still be said, as options."""
    said = {"NAME": draft.name, "--endpoint": draft.endpoint, "--catalogue": draft.catalogue, "--start": draft.start}
    yield from (option for option, value in said.items() if value is None)
    if draft.catalogue is not None and draft.makes_catalogue(loaded) and draft.folder is None:
        yield "--folder"


def _asked(draft: Draft, loaded: Loaded) -> Draft:
    import readline  # noqa: F401 -- from now on `input` lets a line be edited

    typer.echo("A new channel. Enter takes what stands in [ ], < begins anew, Ctrl-C cancels.")
    while True:
        try:
            draft = _questions(draft, loaded)
            typer.echo(f"\n{text_of(draft, loaded)}")
            answer = ask_choice("Save it", ("save", "cancel", "again"), "save")
            if answer == "save":
                return draft
            if answer == "cancel":
                raise Cancelled
        except Back:
            typer.echo("")
        except (Cancelled, KeyboardInterrupt):
            typer.echo("")
            tell("cancelled; nothing was written")
            raise typer.Exit(INTERRUPTED) from None


def _questions(draft: Draft, loaded: Loaded) -> Draft:
    endpoints = sorted(loaded.config.endpoints)
    name = ask("Name", draft.name or "", lambda text: checked_name(text, loaded))
    description = ask_text("Description", draft.description, hint="One line for people.")
    only = endpoints[0] if len(endpoints) == 1 else ""
    hint = f"Who gets it: {', '.join(endpoints)}"
    endpoint = ask("Endpoint", draft.endpoint or only, lambda text: checked_endpoint(text, loaded), hint=hint)
    made = _catalogue(replace(draft, name=name, description=description, endpoint=endpoint), loaded)
    hint = "What is in the catalogue: now: it counts as delivered; all: it is delivered."
    start = ask_choice("Start", STARTS, draft.start or "now", hint=hint)
    hint = "With {item} {date} {time} {index} put in; default: the endpoint's own folder."
    return replace(made, start=start, path=ask_text("Folder there", draft.path, hint=hint))


def _catalogue(draft: Draft, loaded: Loaded) -> Draft:
    known = sorted(loaded.config.catalogues)
    hint = f"A folder of items: {', '.join(known) or 'none yet'}; any other name makes one."
    required = "write its name"
    only = known[0] if len(known) == 1 else ""
    made = replace(draft, catalogue=ask_text("Catalogue", draft.catalogue or only, hint=hint, required=required))
    if not made.makes_catalogue(loaded):
        return made
    hint = "The folder that holds one folder for each item."
    folder = ask_text("Its folder", made.folder or "", hint=hint, required="write the folder")
    hint = "Names of metadata files; all others are the item's files."
    usual = " ".join(made.metadata) or "*.xml *.json *.csv"
    return replace(made, folder=folder, metadata=tuple(ask_text("Metadata", usual, hint=hint).split()))


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
        typer.echo(f"when: gateway channel show {name}; other times: gateway schedulers set --channel {name}")
    raise typer.Exit(2 if any(one.severity is Severity.ERROR for one in found) else 0)
