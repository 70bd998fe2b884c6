"""The questions of `gateway channel new`: `<` goes back to the one before, and what was said stays."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import typer

from gateway.cli.channel_draft import (
    STARTS,
    Draft,
    checked_endpoint,
    checked_name,
    checked_path,
    text_of,
    write,
)
from gateway.cli.doing import INTERRUPTED, tell
from gateway.cli.job_ask import BACK, NONE, Back, Cancelled, ask, ask_choice, ask_text
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused

Step = Callable[[Draft, Loaded], Draft]


def asked(draft: Draft, loaded: Loaded) -> tuple[Draft, Path]:
    """What was answered, and the file that was written.  Raises Exit where it is cancelled."""
    import readline  # noqa: F401 -- from now on `input` lets a line be edited

    typer.echo(f"A new channel. Enter takes what stands in [ ], {BACK} goes back, Ctrl-C cancels.")
    try:
        return _walk(draft, loaded)
    except (Cancelled, KeyboardInterrupt):
        typer.echo("")
        tell("cancelled; nothing was written")
        raise typer.Exit(INTERRUPTED) from None


def _walk(draft: Draft, loaded: Loaded) -> tuple[Draft, Path]:
    at = 0
    while True:
        steps = _steps(draft, loaded)
        try:
            if at < len(steps):
                draft = steps[at](draft, loaded)
                at += 1
            else:
                path = _saved(draft, loaded)
                if path is not None:
                    return draft, path
                at = 0
        except Back:
            at = max(0, at - 1)
        except Refused as problem:
            typer.echo(f"  it can't be saved: {problem}\n")
            at = 0


def _steps(draft: Draft, loaded: Loaded) -> list[Step]:
    """A new catalogue wants two answers more."""
    more: list[Step] = [_folder, _metadata] if draft.makes_catalogue(loaded) else []
    return [_name, _description, _endpoint, _catalogue, *more, _start, _path]


def _saved(draft: Draft, loaded: Loaded) -> Path | None:
    """None: it is to be answered again.  Raises Refused, Cancelled."""
    typer.echo(f"\n{text_of(draft, loaded)}")
    answer = ask_choice("Save it", ("save", "cancel", "again"), "save")
    if answer == "cancel":
        raise Cancelled
    return write(loaded, draft) if answer == "save" else None


def _name(draft: Draft, loaded: Loaded) -> Draft:
    return replace(draft, name=ask("Name", draft.name or "", lambda text: checked_name(text, loaded)))


def _description(draft: Draft, _: Loaded) -> Draft:
    hint = f"One line for people; {NONE} for none."
    return replace(draft, description=ask_text("Description", draft.description, hint=hint))


def _endpoint(draft: Draft, loaded: Loaded) -> Draft:
    known = sorted(loaded.config.endpoints)
    hint = f"Who gets it: {', '.join(known) or 'none yet; add an [endpoints.NAME] to the configuration first'}"
    usual = draft.endpoint or (known[0] if len(known) == 1 else "")
    return replace(draft, endpoint=ask("Endpoint", usual, lambda text: checked_endpoint(text, loaded), hint=hint))


def _catalogue(draft: Draft, loaded: Loaded) -> Draft:
    known = sorted(loaded.config.catalogues)
    hint = f"A folder of items: {', '.join(known) or 'none yet'}; any other name makes one."
    usual = draft.catalogue or (known[0] if len(known) == 1 else "")
    return replace(draft, catalogue=ask_text("Catalogue", usual, hint=hint, required="write its name"))


def _folder(draft: Draft, _: Loaded) -> Draft:
    hint = f"{draft.catalogue} is a new catalogue: the folder that holds one folder for each item."
    return replace(draft, folder=ask_text("Its folder", draft.folder or "", hint=hint, required="write the folder"))


def _metadata(draft: Draft, _: Loaded) -> Draft:
    hint = "Names of metadata files; all others are the item's files."
    usual = " ".join(draft.metadata) or "*.xml *.json *.csv"
    return replace(draft, metadata=tuple(ask_text("Metadata", usual, hint=hint).split()))


def _start(draft: Draft, _: Loaded) -> Draft:
    hint = "What is in the catalogue: now: it counts as delivered; all: it is delivered."
    return replace(draft, start=ask_choice("Start", STARTS, draft.start or "now", hint=hint))


def _path(draft: Draft, _: Loaded) -> Draft:
    hint = f"With {{item}} {{date}} {{time}} {{index}} put in; {NONE}: the endpoint's own folder."
    return replace(draft, path=ask("Folder there", draft.path, checked_path, hint=hint))
