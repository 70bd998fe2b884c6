"""`gateway user`: accounts of the embedded servers.  A password is asked for or read from a pipe, never an argument."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.doing import INTERRUPTED, tell
from gateway.cli.output import JsonOption, Row, print_rows
from gateway.cli.user_file import user_block, with_block, without_user, write_text
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.config.schema import InboundSettings
from gateway.config.ssh_keys import is_public_key
from gateway.core.errors import NotThere, Refused
from gateway.service.near_names import unknown

_NAME = re.compile(r"[^\s/\x00-\x1f\"\\]+")
_LEAST_LETTERS = 8

app = typer.Typer(no_args_is_help=True, help="Accounts of the embedded servers.")


@app.command("list")
def list_users(as_json: JsonOption = False) -> None:
    """The accounts: how they log in, and the folder they see."""
    loaded = load()
    rows: list[Row] = [
        {
            "user": name,
            "password": user.password is not None,
            "keys": len(user.keys),
            "root": str(loaded.resolve(user.root)),
            "file": loaded.span("inbound", "users", name).file,
        }
        for name, user in loaded.config.inbound.users.items()
    ]
    columns = ("user", "password", "keys", "root", "file")
    print_rows(rows, columns, as_json=as_json, empty="No accounts; add one with `gateway user add NAME`.")


@app.command("hash")
def hash_() -> None:
    """Ask for a password, print the line for the account in the configuration."""
    typer.echo(f'password = "{_hashed(ask_password())}"')


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that the partner logs in with.")],
    root: Annotated[str | None, typer.Option(help="The folder it sees as /; default: var/NAME.")] = None,
    key: Annotated[
        list[Path] | None, typer.Option(help="A .pub file that may log in over SFTP; may be given more than once.")
    ] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Only its keys let it in.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Put it into the configuration; else it is shown.")] = False,
) -> None:
    """Make an account: asks for its password, then shows the lines for the configuration or writes them there."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name for an account; use no blanks, quotes or '/'")
    keys = tuple(public_key(path) for path in key or ())
    if no_password and not keys:
        raise Refused("nobody could log in: give --key FILE.pub, or leave --no-password out")
    if not write:
        typer.echo(_block(name, root, keys, no_password=no_password), nl=False)
        _tell_closed(_inbound_if_known(), has_password=not no_password)
        return
    loaded = load()
    if name in loaded.config.inbound.users:
        raise Refused(f"{loaded.span('inbound', 'users', name)}: there is an account {name!r}; remove it first")
    block = _block(name, root, keys, no_password=no_password)
    write_text(loaded.path, with_block(loaded.path.read_text(encoding="utf-8"), block))
    typer.echo(f"added to {loaded.path}; a running gateway takes it in at `gateway reload`")
    _tell_closed(loaded.config.inbound, has_password=not no_password)


@app.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="The account.")]) -> None:
    """Take an account out of the configuration; its files stay."""
    loaded = load()
    users = loaded.config.inbound.users
    if name not in users:
        raise unknown("account", name, users)
    file = loaded.span("inbound", "users", name).file
    write_text(Path(file), without_user(Path(file).read_text(encoding="utf-8"), name, file))
    typer.echo(f"removed from {file}; its files in {loaded.resolve(users[name].root)} stay")


def ask_password() -> str:
    """From the terminal, twice and unseen; else the first line of what is piped in.  Raises Refused if it is short."""
    password = _typed_password() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Refused("no password was given; type one, or pipe one in: gateway user hash < FILE")
    if len(password) < _LEAST_LETTERS:
        found = f"{len(password)} character{'s' if len(password) > 1 else ''}"
        raise Refused(
            f"the password has {found}, and anybody may try it at the server; give it at least {_LEAST_LETTERS}"
        )
    return password


def _typed_password() -> str:
    """Raises Exit where it is cancelled."""
    try:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    except typer.Abort:
        typer.echo("")
        tell("cancelled; nothing was written")
        raise typer.Exit(INTERRUPTED) from None


def public_key(path: Path) -> str:
    """The one line of a .pub file.  Raises NotThere or Refused."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise NotThere(f"the key file {path} does not exist; name the .pub file") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise Refused(f"the key file {path} can't be read: {problem}; name the .pub file") from problem
    if not is_public_key(lines[0]):
        raise Refused(f"{path} holds no public key; name the .pub file, never the private one")
    return lines[0].strip()


def _inbound_if_known() -> InboundSettings | None:
    """What listens, None where the configuration can't be used: the lines are shown all the same."""
    try:
        return load().config.inbound
    except ConfigError:
        return None


def _tell_closed(inbound: InboundSettings | None, *, has_password: bool) -> None:
    """That nothing listens which the account could log in to."""
    if inbound is None or inbound.sftp is not None:
        return
    if inbound.ftp is None:
        tell('but nothing listens for it yet: add [inbound.sftp] with listen = ":2222", and start the gateway anew')
    elif not has_password:
        tell("but [inbound.ftp] alone listens, which takes no keys: give a password, or add [inbound.sftp]")


def _block(name: str, root: str | None, keys: tuple[str, ...], *, no_password: bool) -> str:
    password = None if no_password else _hashed(ask_password())
    return user_block(name, password, keys, root or f"var/{name}")


def _hashed(password: str) -> str:
    from gateway.inbound.accounts import hash_password  # brings both servers' libraries along

    return hash_password(password)
