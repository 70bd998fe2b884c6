"""`gateway channel`: recipients that get what changed in a catalogue.  Each verb's work lies in a module of its own."""

from typing import Annotated

import typer

from gateway.cli.output import JsonOption

app = typer.Typer(no_args_is_help=True, help="Channels: what changed in a catalogue, each kind at its own times.")

Name = Annotated[str, typer.Argument(help="A channel.")]
Names = Annotated[list[str] | None, typer.Argument(help="Channels; none: all.")]


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
def check(names: Names = None, as_json: JsonOption = False) -> None:
    """Check channels; every finding with file, line and column.

    Exit code 0: no error (there may be warnings). 2: at least one error.
    """
    from gateway.cli.channel_check import check_channels

    check_channels(names or [], as_json=as_json)
