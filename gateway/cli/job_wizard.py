"""`gateway job new` on a terminal: eight steps, each with defaults; `<` goes back a step and keeps what was said."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import typer

from gateway.cli.job_ask import BACK, NONE, Back, ask, ask_choice, ask_number, ask_text, tell
from gateway.cli.job_commands_ask import ask_commands
from gateway.cli.job_draft import Draft, checked_name
from gateway.cli.job_places_ask import ask_destinations, ask_source
from gateway.cli.job_review_ask import Mend, review
from gateway.cli.job_said import STEPS
from gateway.cli.job_schedule_ask import ask_schedule
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Made:
    """What the questions came to; `start`: saving may start the job."""

    draft: Draft
    start: bool


def walk(loaded: Loaded, clock: Clock, draft: Draft) -> Made:
    """Ask the steps in order.  Raises Cancelled."""
    typer.echo("A new distribution job.")
    tell(f"Enter takes what stands in [ ], {BACK} goes back, Ctrl-C ends without a trace.")
    steps: list[Callable[[Loaded, Draft], Draft]] = [
        _kind,
        _name,
        ask_source,
        ask_destinations,
        ask_commands,
        lambda _, draft: ask_schedule(draft),
        _settings,
    ]
    at = 0
    while True:
        try:
            while at < len(steps):
                typer.echo(f"\nStep {at + 1} of {len(steps) + 1}: {STEPS[at]}")
                draft = steps[at](loaded, draft)
                at += 1
            typer.echo(f"\nStep {at + 1} of {len(steps) + 1}: Review")
            return Made(draft, review(loaded, clock, draft))
        except Back:
            at = max(0, at - 1)
        except Mend as mend:
            at = mend.step


def _kind(_: Loaded, draft: Draft) -> Draft:
    ask_choice("What is made", ("distribution",), "distribution", hint="One folder, brought to many endpoints.")
    return draft


def _name(loaded: Loaded, draft: Draft) -> Draft:
    name = ask("Name", draft.name, lambda text: checked_name(text, loaded))
    described = ask_text("Description", draft.description, hint=f"One line for people; {NONE} for none.")
    hint = "How contents are compared; sha256 unless a destination can only compute another one."
    algorithm = ask_choice("Hash", ("sha256", "sha1", "md5"), draft.hash, hint=hint)
    return replace(draft, name=name, description=described, hash=algorithm)


def _settings(loaded: Loaded, draft: Draft) -> Draft:
    priority = ask_number("Priority, 9 first", draft.priority, 1, 9)
    profiles = tuple(loaded.config.profiles)
    if not profiles:
        tell("Profile: none is configured ([profiles.NAME]); what is usual holds")
        return replace(draft, priority=priority)
    chosen = ask_choice("Profile", (*profiles, "none"), draft.profile or "none")
    return replace(draft, priority=priority, profile=None if chosen == "none" else chosen)
