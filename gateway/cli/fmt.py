"""`gateway fmt`: scripts in their usual form, in place; comments stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.scripts import script_files
from gateway.config.replace import replace_file
from gateway.core.errors import Refused
from gateway.language.format import format_text


@dataclass(frozen=True, slots=True)
class Formatted:
    """One script: whether its form differs from the usual one, or why it has none."""

    path: Path
    differs: bool = False
    error: str | None = None


def fmt(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Scripts, or folders of scripts.")],
    check_only: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if a script would change.")
    ] = False,
) -> None:
    """Print scripts in their usual form, in place; comments stay.

    Exit code 0: done. 1: with --check, a script would change. 2: a script has an error and was left alone.
    """
    results = list(format_files(paths, change=not check_only))
    for result in results:
        if result.error:
            typer.echo(result.error, err=True)
        elif result.differs:
            typer.echo(f"{'would change' if check_only else 'changed'} {result.path}")
    if any(result.error for result in results):
        raise typer.Exit(2)
    raise typer.Exit(1 if check_only and any(result.differs for result in results) else 0)


def format_files(paths: Sequence[Path], *, change: bool) -> Iterator[Formatted]:
    """Bring each script into its usual form; without `change` only look."""
    for path in script_files(paths):
        try:
            yield _format(path, change=change)
        except Refused as problem:
            yield Formatted(path, error=str(problem))
        except UnicodeDecodeError:
            yield Formatted(path, error=f"{path}:1:1: error E101 is not UTF-8 text; save the file as UTF-8")
        except OSError as problem:
            yield Formatted(path, error=f"{path}: {problem.strerror}; let this user read and write it")


def _format(path: Path, *, change: bool) -> Formatted:
    data = path.read_bytes()
    usual = format_text(data.decode("utf-8-sig"), str(path)).encode()
    if usual != data and change:
        replace_file(path, usual)
    return Formatted(path, differs=usual != data)
