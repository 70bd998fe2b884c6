"""LDELETE and LREPLACE as commands of a run."""

from functools import partial
from pathlib import Path

from gateway.core.errors import NotThere
from gateway.language.age import meets
from gateway.language.nodes import LocalDelete, LocalReplace
from gateway.runner.local_files import delete_local, read_operand, replace_in_file
from gateway.runner.run import Run
from gateway.runner.texts import local_spec
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse
from gateway.transfer.sources import Found, SourceSpec, list_sources


async def delete_files(run: Run, number: int, command: LocalDelete) -> None:
    """LDELETE: delete local files, by age if one is given."""
    spec = local_spec(run, command.path, run.instance.inbox, recurse=command.recurse)
    now, zone = run.services.clock.now(), run.instance.zone

    def wanted(found: Found) -> bool:
        return command.age is None or meets(command.age, found.stamp.mtime_ns or 0, now, zone)

    def delete(pulse: Pulse) -> tuple[list[str], bool]:
        return delete_local(spec, wanted, pulse.beat), _is_folder(spec)

    deleted, is_folder = await in_thread(spec.folder, run.services.clock, delete)
    must_be_there = spec.literal is not None and command.age is None and run.resumed != number
    if not deleted and must_be_there and not is_folder:
        raise NotThere(f"{spec.literal} is not there; correct the path, or use a pattern if it may be missing")
    run.files += len(deleted)
    run.notes.append(f"command {number}: deleted {len(deleted)} local files")


def _is_folder(spec: SourceSpec) -> bool:
    """An empty folder is there, though it holds no file."""
    return spec.literal is not None and spec.literal.is_dir()


async def replace_bytes(run: Run, number: int, command: LocalReplace) -> None:
    """LREPLACE: replace bytes in local files."""
    spec = local_spec(run, command.path, run.instance.inbox)
    old, new = (read_operand(text.value) for text in (command.old, command.new))
    clock = run.services.clock
    paths, is_folder = await in_thread(spec.folder, clock, lambda _: (_paths(spec), _is_folder(spec)))
    if not paths and spec.literal is not None and not is_folder:
        raise NotThere(f"{spec.literal} is not there; correct the path")
    for path in paths:
        count = await in_thread(spec.folder, clock, partial(_replace, path, old, new))
        run.notes.append(f"command {number}: {path}: {count} replaced")
    run.files += len(paths)


def _paths(spec: SourceSpec) -> list[Path]:
    return [Path(found.path) for found in list_sources(spec)]


def _replace(path: Path, old: bytes, new: bytes, pulse: Pulse) -> int:
    return replace_in_file(path, old, new, pulse.beat)
