"""Which function runs which command; and what a resumed run replays of those that it passed before."""

from collections.abc import Awaitable, Callable

from gateway.language import nodes
from gateway.language.nodes import Command
from gateway.language.settings import with_clear, with_set
from gateway.runner.check_files import check_files
from gateway.runner.check_transfers import check_transfers
from gateway.runner.collecting import get
from gateway.runner.indexes import draw_for_command
from gateway.runner.local_commands import delete_files, replace_bytes
from gateway.runner.programs import remote_system, system
from gateway.runner.remote import delete, list_folder, make_dir, quote, remove_dir, rename
from gateway.runner.run import Run
from gateway.runner.sending import copy, put, put_get
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded


async def perform(run: Run, number: int, command: Command) -> None:
    """Run one command; `number` counts from 1.  Raises GatewayError where it failed."""
    await draw_for_command(run, command)
    if isinstance(command, nodes.Set | nodes.Clear | nodes.ChangeDir):
        replay(run, command)
        return
    await _TABLE[type(command)](run, number, command)


def replay(run: Run, command: Command) -> None:
    """What a command changes for those that follow; most change nothing."""
    match command:
        case nodes.Set(name=name, value=value):
            first = run.instance.settings.first
            run.settings = with_set(run.settings, name, value.value if value is not None else None, first)
        case nodes.Clear(name=name):
            run.settings = with_clear(run.settings, name)
        case nodes.ChangeDir(path=path):
            run.folder = join_remote(run.folder, expanded(run, path))
        case _:
            pass


async def _wait(run: Run, _number: int, command: nodes.Wait) -> None:
    await run.wait(command.length.total_seconds())


_TABLE: dict[type[Command], Callable[..., Awaitable[None]]] = {
    nodes.Put: put,
    nodes.PutGet: put_get,
    nodes.Get: get,
    nodes.LocalCopy: copy,
    nodes.CheckFiles: check_files,
    nodes.CheckTransfers: check_transfers,
    nodes.Dir: list_folder,
    nodes.MakeDir: make_dir,
    nodes.RemoveDir: remove_dir,
    nodes.Rename: rename,
    nodes.Delete: delete,
    nodes.Quote: quote,
    nodes.LocalDelete: delete_files,
    nodes.LocalReplace: replace_bytes,
    nodes.System: system,
    nodes.RemoteSystem: remote_system,
    nodes.Wait: _wait,
}
