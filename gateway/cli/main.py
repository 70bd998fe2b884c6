"""The entry: finds the verb, imports only its module, turns our errors into messages and exit codes (DESIGN §6)."""

import atexit
import errno
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from inspect import cleandoc
from typing import Any

import typer

from gateway.cli.verbs import VERBS, Verb
from gateway.core.errors import GatewayError, Refused

EPILOG = (
    "--config FILE may stand anywhere; else GATEWAY_CONFIG, conf/gateway.toml here, /etc/gateway/gateway.toml.\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, script or configuration, 3 not found, 5 try again later, 7 a person must "
    "change something, 9 nothing to do, 20 host key, 21 login, 22 verification."
)

_HELP = ["-h", "--help"]
_OUTPUT_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; always ends in SystemExit with the exit code."""
    gc.set_threshold(50_000, 20, 20)  # there is little garbage among what imports have just made
    atexit.register(gc.freeze)  # nor is any collected at the end: looking for it takes longer than `check` of a script
    _require_streams()
    try:
        arguments = _take_config(list(sys.argv[1:] if argv is None else argv))
        command = typer.main.get_command(application(_verb_in(arguments)))
        for one in _and_below(command):
            _show_no_value_of_switches(one)
        command(args=arguments, prog_name="gateway")
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)  # noqa: T201 -- the one place that tells a person why it ended
        raise SystemExit(error.exit_code) from error
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # the reader (head, less) has seen enough
            raise SystemExit(0) from None
        raise
    except OSError as problem:
        if problem.filename is not None or problem.errno not in _OUTPUT_LOST:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"gateway: the output can't be written: {problem.strerror}", file=sys.stderr)  # noqa: T201 -- likewise
        raise SystemExit(1) from None


def _require_streams() -> None:
    """Who starts us without them: no file of ours may get their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115 -- for as long as the process lives
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115


def application(wanted: str | None) -> typer.Typer:
    """The whole command line; only the module of the verb `wanted` is imported."""
    app = typer.Typer(
        help="File-transfer gateway: every file arrives whole, once, and provably.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": _HELP},
    )
    app.callback()(_gateway)
    for name, verb in VERBS.items():
        _register(app, name, verb, real=name == wanted)
    return app


def _and_below(command: Any) -> Iterator[Any]:
    """A command and those that it is a group of: Typer names no type for them."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from _and_below(one)


def _show_no_value_of_switches(command: Any) -> None:
    """Else help says of each of them that it takes a `<bool>`."""
    for option in command.get_params(typer.Context(command, help_option_names=_HELP)):
        if getattr(option, "is_flag", False):
            option.metavar = ""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"gateway {version('file-transfer-gateway')}")
        raise typer.Exit


def _gateway(
    _: bool = typer.Option(
        False, "--version", help="Print the version and end.", is_eager=True, callback=_show_version
    ),
) -> None:
    """What holds for every verb."""


def _register(app: typer.Typer, name: str, verb: Verb, *, real: bool) -> None:
    module = import_module(f"gateway.cli.{name}") if real else None
    if verb.group and module is not None:
        for command in module.app.registered_commands:
            command.help = _flowing(command.callback)
        app.add_typer(module.app, name=name, help=verb.help, rich_help_panel=verb.panel)
        return
    function: Callable[..., None] = getattr(module, name) if module is not None else lambda: None
    app.command(name, help=verb.help if module is None else _flowing(function), rich_help_panel=verb.panel)(function)


def _flowing(function: Callable[..., object]) -> str:
    """What it says of itself, each paragraph one line, so that it is folded where the terminal ends alone."""
    paragraphs = cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def _verb_in(arguments: Sequence[str]) -> str | None:
    return next((word for word in arguments if not word.startswith("-")), None)


def _take_config(arguments: list[str]) -> list[str]:
    """`--config FILE` anywhere before a bare `--` becomes GATEWAY_CONFIG, which child processes inherit."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        name, is_joined, value = word.partition("=")
        if name != "--config":
            rest.append(word)
            continue
        path = value if is_joined else next(words, "")
        if not path:
            raise Refused("--config: nothing stands behind it; write the file: --config conf/gateway.toml")
        os.environ["GATEWAY_CONFIG"] = os.environ["GATEWAY_CONFIG_OPTION"] = path
    return rest + arguments[end:]


if __name__ == "__main__":
    main()
