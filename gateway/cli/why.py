"""`gateway why`: why a file was or was not taken."""

from functools import partial
from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def why(
    file: Annotated[str, typer.Argument(help="A path, or a name that is looked for wherever actions look.")],
    looks: Annotated[int, typer.Option(min=0, help="At most so many looks, the latest.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Why a file was or was not taken: which commands mean it, each look with its verdict, its deliveries.

    Exit code 3: no such file is known, and no action would take one of this name.
    """
    from gateway.cli.doing import do, tell
    from gateway.cli.output import print_json
    from gateway.cli.why_json import story_json
    from gateway.cli.why_show import story_lines
    from gateway.service.why import why as told_of

    told = do(partial(told_of, file=file))
    for line in told.newer:
        tell(line)
    if as_json:
        print_json([row for story in told.stories for row in story_json(story, told)])
    else:
        for line in story_lines(told, file, looks):
            typer.echo(line)
    raise typer.Exit(0 if any(story.is_known for story in told.stories) else 3)
