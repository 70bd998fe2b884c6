"""`gateway channel`: recipients that get what changed in a catalogue.  Each verb's work lies in a module of its own."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import JsonOption
from gateway.core.users import who_am_i

app = typer.Typer(no_args_is_help=True, help="Channels: what changed in a catalogue, each kind at its own times.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A channel.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Channels; none: all.")]
One = Annotated[str | None, typer.Argument(metavar="NAME", help="A channel; none: all.")]


class KindName(StrEnum):
    """A kind of delivery, as its own module knows it: that one is not imported to print the help."""

    FIRST = "first"
    METADATA = "metadata"
    FILE = "file"


OnlyKind = Annotated[KindName | None, typer.Option("--kind", help="Only this kind of delivery.")]


@app.command("list")
def list_channels(as_json: JsonOption = False) -> None:
    """The channels: recipient, catalogue, and when each kind goes out next."""
    from gateway.cli.channel_list import list_all

    list_all(as_json=as_json)


@app.command()
def show(name: Name, as_json: JsonOption = False) -> None:
    """A channel as it is: each of its times with the file and line that say so, and the next five of each."""
    from gateway.cli.channel_show import show_channel

    show_channel(name, as_json=as_json)


@app.command()
def new(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Its name; the file is channels.d/NAME.toml.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Who gets it.")] = None,
    catalogue: Annotated[str | None, typer.Option(help="The catalogue; with --folder a new one.")] = None,
    folder: Annotated[str | None, typer.Option(help="A new catalogue: the folder of its items.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Names of its metadata files; may be given repeatedly.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="What is there now: counts as delivered (now), or is delivered (all).")
    ] = None,
    path: Annotated[str, typer.Option(help="The folder at the endpoint, such as in/{date}.")] = "",
    description: Annotated[str, typer.Option(help="One line for people.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a channel: by questions on a terminal, or by options without any. A running gateway takes it at once."""
    from gateway.cli.channel_draft import Draft
    from gateway.cli.channel_new import new_channel

    draft = Draft(
        name=name,
        description=description,
        endpoint=endpoint,
        catalogue=catalogue,
        folder=folder,
        metadata=metadata or (),
        start=start,
        path=path,
    )
    new_channel(draft, as_json=as_json)


@app.command()
def check(names: Names = None, as_json: JsonOption = False) -> None:
    """Check channels; every finding with file, line and column.

    Exit code 0: no error (there may be warnings). 2: at least one error.
    """
    from gateway.cli.channel_check import check_channels

    check_channels(names or [], as_json=as_json)


@app.command()
def detect(names: Names = None, as_json: JsonOption = False) -> None:
    """Look for changes now, not only at the next cron time; what is found waits for its own time."""
    from gateway.cli.steering import step_in

    step_in("channel_detect", {"channels": names or []}, as_json=as_json, limit_s=None)


@app.command()
def queue(name: One = None, kind: OnlyKind = None, as_json: JsonOption = False) -> None:
    """What waits: for its time, for approval, or after a failure for another try."""
    from gateway.cli.channel_queue import show_queue

    show_queue(name, kind=kind, as_json=as_json)


@app.command()
def approve(
    name: Name,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="ITEM", help="Items; none: all that wait for approval.")
    ] = None,
    kind: OnlyKind = None,
    as_json: JsonOption = False,
) -> None:
    """Let go out what waits for approval; of a new channel the many first deliveries, too.

    An item that is held is let go where it is named.

    Exit code 9: nothing waits for approval. 7: some is held, with the reason: two items want one name, say.
    """
    from gateway.cli.steering import step_in

    step_in("channel_approve", {"channel": name, "items": items or [], "kind": kind, "by": who_am_i()}, as_json=as_json)


@app.command()
def drop(
    name: Name,
    items: Annotated[list[str], typer.Argument(metavar="ITEM", help="Items.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")],
    kind: OnlyKind = None,
    as_json: JsonOption = False,
) -> None:
    """Don't deliver a change that waits, or that a batch failed with; the item's next change is a new one.

    Of an item of which something waits for approval, or is held, that alone is dropped; --kind names another change.
    """
    from gateway.cli.steering import step_in
    from gateway.core.errors import Refused

    if not reason.strip():
        raise Refused("--reason: nothing is said; write why, it stands in the history")
    said = {"channel": name, "items": items, "kind": kind, "reason": reason, "by": who_am_i()}
    step_in("channel_drop", said, as_json=as_json)


@app.command("deliver-now")
def deliver_now(name: Name, kind: OnlyKind = None, as_json: JsonOption = False) -> None:
    """Deliver what waits for its time, or failed, now.

    Exit code 0: delivered. 9: nothing waits. 5: try again later. 7: a person must change something.
    """
    from gateway.cli.steering import step_in

    step_in("channel_deliver", {"channel": name, "kind": kind}, as_json=as_json, limit_s=None)


@app.command()
def baseline(name: Name, as_json: JsonOption = False) -> None:
    """What is in the catalogue now counts as delivered; only what changes from now on goes out."""
    from gateway.cli.steering import step_in

    step_in("channel_baseline", {"channel": name}, as_json=as_json, limit_s=None)


@app.command()
def history(
    name: One = None,
    item: Annotated[str | None, typer.Option(help="Only this item.")] = None,
    kind: OnlyKind = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of a channel.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """What became of changes, newest first: delivered, dropped with its reason, or merged into a larger delivery.

    With --item also each try that failed, when and why.
    """
    from gateway.cli.channel_history import Wanted, show_history

    show_history(Wanted(name, item, kind, limit), as_json=as_json)


@app.command("compile")
def compile_(
    name: Name,
    kind: OnlyKind = None,
    out: Annotated[Path | None, typer.Option(help="Write each action as a script into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the actions that the next deliveries of this channel are, as script text: what waits, and what failed."""
    from gateway.cli.channel_compile import compile_channel

    compile_channel(name, kind=kind, out=out, as_json=as_json)
