"""`gateway job compile`."""

from pathlib import Path

import typer

from gateway.cli.doing import do
from gateway.cli.job_reading import look
from gateway.cli.output import print_json
from gateway.cli.scripts import write_scripts
from gateway.config.findings import suggestion
from gateway.core.errors import Unknown
from gateway.jobs.compiled import Part, compiled, show_part
from gateway.jobs.read import folders_of


def compile_job(name: str, *, part: str | None, out: Path | None, as_json: bool) -> None:
    """Print the actions, or write each as a script into a folder."""
    looked = do(look)
    parts = compiled(looked.sound(name), folders_of(looked.loaded.state, name))
    if part is not None:
        parts = tuple(one for one in parts if one.name == part) or _no_part(parts, part)
    if out is not None:
        write_scripts(out, ((_script_name(one), show_part(one)) for one in parts))
    if as_json:
        print_json([_row(one) for one in parts])
    elif out is None:
        typer.echo("\n".join(show_part(one) for one in parts), nl=False)


def _no_part(parts: tuple[Part, ...], name: str) -> tuple[Part, ...]:
    raise Unknown(f"there is no action {name!r} in this job; {suggestion(name, [one.name for one in parts])}")


def _script_name(part: Part) -> str:
    return part.name.replace("@", ".")  # an @ stands for members of a group


def _row(part: Part) -> dict[str, object]:
    return {
        "name": part.name,
        "order": part.order,
        "step": part.step.value,
        "endpoint": part.endpoint or None,
        "notes": list(part.notes),
        "text": show_part(part),
    }
