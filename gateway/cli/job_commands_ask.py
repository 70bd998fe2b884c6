"""Questions of `gateway job new`: the commands that run before and after, for each platform."""

from dataclasses import replace

from gateway.cli.job_ask import NONE, ask_text, tell
from gateway.cli.job_draft import Command, Draft
from gateway.cli.job_judge import judge
from gateway.cli.job_said import by_steps
from gateway.config.loaded import Loaded

_MOMENTS = (
    ("before_indexing", "Before file indexing begins: at the source; it may still make or change the files."),
    ("after_endpoint", "After an endpoint has everything: at that destination; others may still be loading."),
    ("after_all", "After all endpoints have everything: at every destination, then at the source."),
)


def ask_commands(loaded: Loaded, draft: Draft) -> Draft:
    """For each moment, and each platform where it would run."""
    tell(f"Enter leaves a command out, {NONE} takes one away. [system] allow must list what runs on this machine.")
    commands: list[Command] = []
    for moment, said in _MOMENTS:
        tell(said)
        own = [_command(draft, moment, platform) for platform in _platforms(loaded, draft, moment)]
        found = [one for one in own if one is not None]
        if found and moment == "after_endpoint":
            usual = next((one.at for one in draft.of(moment) if one.at), None) or ""
            at = ask_text("  At this time of the endpoint's clock", usual, hint=f"  Such as 03:00; {NONE}: at once.")
            found = [replace(one, at=at or None) for one in found]
        commands += found
    return replace(draft, commands=tuple(commands))


def _command(draft: Draft, moment: str, platform: str) -> Command | None:
    usual = next((one.line for one in draft.of(moment) if one.platform == platform), "")
    line = ask_text(f"  {moment} on {platform}", usual)
    return Command(moment, platform, line) if line else None


def _platforms(loaded: Loaded, draft: Draft, moment: str) -> list[str]:
    """Of the places where it would run."""
    job = judge(loaded, draft, by_steps).job
    source = [job.source.machine.platform] if job is not None else ["linux"]
    there = [one.machine.platform for one in job.destinations if one.machine.runs_commands] if job is not None else []
    places = {"before_indexing": source, "after_endpoint": there, "after_all": [*there, *source]}[moment]
    return list(dict.fromkeys(places)) or ["linux"]
