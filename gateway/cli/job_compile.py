"""`gateway job compile`."""

from pathlib import Path

import typer

from gateway.cli.doing import do
from gateway.cli.job_reading import look
from gateway.cli.output import print_json
from gateway.core.errors import Refused, Unknown
from gateway.jobs.compiled import Part, compiled, show_part
from gateway.jobs.read import folders_of


def compile_job(name: str, *, part: str | None, out: Path | None, as_json: bool) -> None:
    """Print the actions, or write each as a script into a folder."""
    looked = do(look)
    parts = compiled(looked.sound(name), folders_of(looked.loaded.state, name))
    if part is not None:
        parts = tuple(one for one in parts if one.name == part) or _no_part(parts, part)
    if out is not None:
        _write(parts, out)
    if as_json:
        print_json([_row(one) for one in parts])
    elif out is None:
        typer.echo("\n".join(show_part(one) for one in parts), nl=False)


def _no_part(parts: tuple[Part, ...], name: str) -> tuple[Part, ...]:
    known = ", ".join(one.name for one in parts)
    raise Unknown(f"there is no action {name!r} in this job; it has {known}")


def _write(parts: tuple[Part, ...], folder: Path) -> None:
    """A script each; one that stands there is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in parts:
        path = folder / f"{one.name.replace('@', '.')}.act"  # an @ stands for members of a group
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(show_part(one))
        except FileExistsError:
            raise Refused(f"{path} stands already; choose an empty folder") from None
        typer.echo(str(path), err=True)


def _row(part: Part) -> dict[str, object]:
    return {
        "name": part.name,
        "order": part.order,
        "step": part.step.value,
        "endpoint": part.endpoint or None,
        "notes": list(part.notes),
        "text": show_part(part),
    }
