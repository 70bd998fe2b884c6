"""A run that nobody records: to ask what its commands would mean, never to perform one."""

from collections.abc import Iterator

from gateway.language import nodes
from gateway.language.nodes import Command
from gateway.runner.commands import replay
from gateway.runner.due import Due, Trigger
from gateway.runner.instance import Instance
from gateway.runner.places import Place, Places
from gateway.runner.run import Run
from gateway.runner.services import Services


def dry_run(services: Services, instance: Instance) -> Run:
    """As a run of `instance` by hand would begin."""
    return Run(
        id=0,
        instance=instance,
        due=Due(action=instance.name, trigger=Trigger.HAND),
        services=services,
        place=Place(Places(1), instance.settings.priority),
        settings=instance.settings.first,
    )


def along(run: Run) -> Iterator[tuple[int, Command]]:
    """Each command with its number, what SET, CLEAR and CD changed before it being in force."""
    for number, command in enumerate(run.instance.action.commands, 1):
        if isinstance(command, nodes.Set | nodes.Clear | nodes.ChangeDir):
            replay(run, command)
        yield number, command
