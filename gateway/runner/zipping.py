"""LCOPY -ZIP and -UNZ: which archives are made of which files, and what is taken out of which (SPEC §5)."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.errors import NeedsOperator, Refused
from gateway.language.nodes import LocalCopy, Taken
from gateway.ledger.archives import Member, Unzip, Zip
from gateway.ledger.runs import FrozenFile
from gateway.runner.intents import Destination, Planned, markers_of, mode_of, name_of, plan
from gateway.runner.run import Run
from gateway.transfer.intent import Intent


async def zip_plan(
    run: Run, number: int, command: LocalCopy, files: Sequence[FrozenFile], to: Destination
) -> list[Intent]:
    """One archive for all files whose destination ends in the same .zip; in a folder one each, called NAME.zip.

    Never onto an existing archive unless -UNI (the next free name) or -APE (added to what it holds).
    """
    _require_text(command, files)
    one_each = await plan(run, number, replace(command, append=True), files, to, of=len(files), one_index=True)
    groups: dict[str, list[tuple[FrozenFile, Planned]]] = {}
    for file, planned in zip(files, one_each, strict=True):
        groups.setdefault(_archive(command, file, planned.intent.final), []).append((file, planned))
    return [
        await _packed(run, command, final, n, len(groups), members)
        for n, (final, members) in enumerate(groups.items(), 1)
    ]


def _require_text(command: LocalCopy, files: Sequence[FrozenFile]) -> None:
    """Names in an archive are text, those on a disk any bytes."""
    for file in files:
        try:
            file.relative.encode()
        except UnicodeEncodeError:
            raise NeedsOperator(
                f"{command.span}: LCOPY -ZIP: the name of {file.source} is not UTF-8, and no archive can hold it; "
                "rename the file"
            ) from None


def _archive(command: LocalCopy, file: FrozenFile, final: str) -> str:
    """The archive that a file goes into: what the destination names, or beside its own name in a folder."""
    if command.target is not None and command.target.value.lower().endswith(".zip"):
        return final
    if final.endswith("/" + file.relative):
        return f"{final}.zip"
    raise Refused(
        f"{command.span}: LCOPY -ZIP: {final} is neither an archive nor a folder; end the destination in .zip for one "
        "archive of all files, or in / for one each"
    )


async def _packed(
    run: Run, command: LocalCopy, final: str, n: int, of: int, members: Sequence[tuple[FrozenFile, Planned]]
) -> Intent:
    """The first file stands for all: `zip` lists them with what was judged."""
    files = [file for file, _ in members]
    settings = run.settings
    return replace(
        members[0][1].intent,
        n=n,
        of=of,
        final=final,
        mode=Taken.UNIQUE if command.unique else Taken.REPLACE if command.append else Taken.FAIL,
        markers=await markers_of(run, command, files),
        mtime_ns=None,
        zip=Zip(
            members=tuple(Member(file.source, file.relative, file.stamp) for file in files),
            level=settings.zip_level,
            comment=settings.zip_comment,
            extend=command.append,
        ),
    )


async def unzip_plan(
    run: Run, number: int, command: LocalCopy, files: Sequence[FrozenFile], to: Destination
) -> list[Intent]:
    """One delivery for each archive; its entries are deliveries below it, into the folder that is the destination."""
    planned = await plan(run, number, replace(command, append=True), files, to, of=len(files))
    return [_unpacked(run, command, file, one.intent) for file, one in zip(files, planned, strict=True)]


def _unpacked(run: Run, command: LocalCopy, file: FrozenFile, intent: Intent) -> Intent:
    into = intent.final.removesuffix(file.relative).rstrip("/") or "/"
    if intent.final != f"{into.rstrip('/')}/{file.relative}" and command.target is not None:
        into = intent.final  # a destination that isn't there yet is the folder to make
    return replace(
        intent,
        final=f"{into.rstrip('/')}/[{name_of(file)}]",
        mode=mode_of(run, command),
        unzip=Unzip(into=into, use_path=run.settings.unzip_use_path),
    )
