"""The table of verbs: where each lives and what it says of itself, so that help needs no imports."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """`module` of gateway.cli holds a function of the verb's name, or, for a group of verbs, a Typer called `app`."""

    panel: str
    help: str
    group: bool = False


WRITE = "Write and look before anything moves"
RUN = "Run"
WATCH = "See what happens"
STEER = "Step in"
SET_UP = "Set up"

VERBS = {
    "check": Verb(WRITE, "Check scripts and configuration; every finding with file, line and column."),
    "fmt": Verb(WRITE, "Print scripts in their usual form, in place."),
    "plan": Verb(WRITE, "Show what a run of an action would do now, collisions included."),
    "simulate": Verb(WRITE, "Show the next times of an action, a job or a channel, by a turned clock."),
    "run": Verb(RUN, "Run one action now and follow it to its end."),
    "serve": Verb(RUN, "Run the gateway: scheduler and embedded servers, until it is told to stop."),
    "job": Verb(RUN, "Distribution jobs: one source, many destinations.", group=True),
    "channel": Verb(RUN, "Channels: what changed in a catalogue, each kind of change at its own times.", group=True),
    "schedulers": Verb(RUN, "When channels look for changes and deliver: the default, or a channel's own.", group=True),
    "status": Verb(WATCH, "A line for each action: what it does, how far it is behind, what is next; what needs you."),
    "history": Verb(WATCH, "Deliveries, newest first; what partners laid here and fetched; all of one file."),
    "why": Verb(WATCH, "Why a file was or was not taken: each look and its verdict."),
    "retry": Verb(STEER, "Try a failed, held or parked delivery again."),
    "skip": Verb(STEER, "Leave a held-back, parked or held file alone until it changes."),
    "resend": Verb(STEER, "Send a delivered file again, from the sentbox."),
    "baseline": Verb(STEER, "Count what is there now as delivered, without sending it."),
    "pause": Verb(STEER, "Hold an action, an endpoint or everything: no run of it starts any more."),
    "resume": Verb(STEER, "Let what was paused go on."),
    "reload": Verb(STEER, "Take changed scripts and configuration into the gateway that serves."),
    "probe": Verb(SET_UP, "Find out what an endpoint can do; reads only, unless told otherwise."),
    "trust": Verb(SET_UP, "Show the host key of an endpoint and pin it."),
    "user": Verb(SET_UP, "Accounts of the embedded servers.", group=True),
    "doctor": Verb(SET_UP, "Look over this machine and the configuration; what is wrong comes with its remedy."),
}
