"""Questions of `gateway job new`: the folder that goes out, and where it goes."""

import os
from dataclasses import replace
from pathlib import Path

from gateway.cli.job_ask import NONE, ask, ask_text, tell
from gateway.cli.job_draft import Draft, NewGroup, To, destination_of, group_of
from gateway.cli.job_judge import judge
from gateway.cli.job_said import by_steps
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused

HERE = "here"


def ask_source(loaded: Loaded, draft: Draft) -> Draft:
    """A folder of this machine or of an endpoint."""
    names = (HERE, *loaded.config.endpoints)
    tell(f"{HERE}: this machine.  Endpoints: {', '.join(names[1:]) or 'none'}")
    endpoint = ask("Source", draft.endpoint or HERE, lambda text: _one_of(text, names))
    if endpoint != HERE:
        path = ask_text("Folder there", draft.path, required="write the folder whose files are distributed")
        return replace(draft, endpoint=endpoint, path=path)

    def read(text: str) -> str:
        problem = _lacks(loaded.resolve(text)) if text else "write the folder whose files are distributed"
        if problem:
            raise Refused(problem)
        return text

    hint = "It must be there, and hold files when the job starts."
    return replace(draft, endpoint=None, path=ask("Folder", draft.path, read, hint=hint))


def _one_of(text: str, names: tuple[str, ...]) -> str:
    if text not in names:
        raise Refused(f"{text!r} is none of them; choose {', '.join(names)}; its folder comes next")
    return text


def _lacks(folder: Path) -> str:
    """What keeps a folder from being a source now."""
    if not folder.exists():
        return f"{folder} does not exist; make it first, or name another folder"
    if not folder.is_dir():
        return f"{folder} is no folder; name the folder that holds the files"
    if not os.access(folder, os.R_OK | os.X_OK):
        return f"{folder} can't be read by this user; let it, or name another folder"
    if not any(folder.iterdir()):
        tell(f"{folder} is empty now; it must hold files when the job starts")
    return ""


def ask_destinations(loaded: Loaded, draft: Draft) -> Draft:
    """Groups and endpoints, a new group among them, and the folder there."""
    groups = {name: loaded.members(name) for name in loaded.config.groups}
    for name, members in groups.items():
        tell(f"group {name}: {', '.join(members) or 'nobody yet'}")
    for made in draft.groups:
        tell(f"group {made.name} (new): {', '.join(made.endpoints) or 'by tags'}")
    tell(f"endpoints: {', '.join(loaded.config.endpoints) or 'none; add some to the configuration first'}")
    tell("`new` makes a group. An endpoint that is named singly joins no group.")
    usual = " ".join(one.name for one in draft.destinations)
    draft, names = _picked(loaded, draft, usual)
    hint = f"Macros and {{tags}} may stand in it; {NONE}: each endpoint's own folder."
    first = next((one.path for one in draft.destinations if one.path), None)
    path = ask_text("Folder at the destinations", first or "", hint=hint)
    return _without_conflict(
        loaded, replace(draft, destinations=tuple(replace(one, path=path or None) for one in names))
    )


def _picked(loaded: Loaded, draft: Draft, usual: str) -> tuple[Draft, list[To]]:
    while True:
        text = ask_text("Groups and endpoints", usual, required="name a group, an endpoint, several of them, or new")
        if text == "new":
            group = _new_group(loaded)
            draft, usual = draft.with_group(group), f"{usual} {group.name}".strip()
            continue
        try:
            words = dict.fromkeys(text.replace(",", " ").split())
            return draft, [destination_of(word, loaded, draft.groups) for word in words]
        except Refused as problem:
            tell(str(problem))


def _new_group(loaded: Loaded) -> NewGroup:
    def named(text: str) -> str:
        return group_of(f"{text}=", loaded).name if text.endswith("=") else group_of(f"{text}:a=b", loaded).name

    name = ask("Name of the group", "", named)

    def members(text: str) -> NewGroup:
        words = ",".join(text.replace(",", " ").split())
        return group_of(f"{name}{':' if '=' in words else '='}{words}", loaded)

    return ask("Its endpoints", "", members, hint="Names such as shop001 shop002, or tags such as region=north.")


def _without_conflict(loaded: Loaded, draft: Draft) -> Draft:
    """Conflicts are told at once, and answered here again."""
    if draft.path or draft.endpoint:
        problems = judge(loaded, replace(draft, commands=(), repeat="manual"), by_steps).errors
        for problem in problems:
            tell(problem)
        if problems:
            return ask_destinations(loaded, draft)
    return draft
