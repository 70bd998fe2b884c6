"""Which script files the words of a command line mean, and how their names are shown."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from gateway.core.errors import NotThere, Refused


def script_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files that `paths` name, a folder meaning the scripts in it; each once, in the order given.

    Raises NotThere for a path that does not exist, Refused for one that is no script.
    """
    return tuple(dict.fromkeys(file for path in paths for file in _files(path)))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix == ".act" and not file.name.startswith("."))
        if not found:
            raise NotThere(f"the folder {path} holds no scripts; scripts are called NAME.act")
        yield from found
    elif not path.exists():
        raise NotThere(f"{path} does not exist; name a script, or a folder of scripts")
    elif path.suffix == ".toml":
        raise Refused(f"{path} is no script; the configuration is always checked, name another with --config {path}")
    else:
        yield path


def shown(path: Path) -> Path:
    """The path from here if it lies below here, else as it is."""
    try:
        return path.relative_to(Path.cwd()) if path.is_absolute() else path
    except ValueError:
        return path


def write_scripts(folder: Path, scripts: Iterable[tuple[str, str]]) -> None:
    """A script for each name and text, its path told on standard error; one that stands there is left alone.

    Raises Refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scripts:
        path = folder / f"{name}.act"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise Refused(f"{path} stands already; choose an empty folder") from None
        typer.echo(str(path), err=True)
