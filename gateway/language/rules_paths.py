"""Paths and patterns: where patterns may stand, and destinations that would swallow files."""

import re

from gateway.language.findings import Findings
from gateway.language.macros import MACROS, uses
from gateway.language.nodes import (
    ChangeDir,
    Check,
    Command,
    Delete,
    Dir,
    Get,
    LocalCopy,
    LocalDelete,
    LocalReplace,
    MakeDir,
    PutGet,
    RemoveDir,
    Rename,
    Text,
    Transfer,
)
from gateway.language.parse import Parsed
from gateway.language.pattern import compile_pattern, ends_as_folder, is_literal, split_path, split_source
from gateway.language.world import World

_EXTENSION = re.compile(r"[^.].*\.[A-Za-z0-9]{1,8}")
_HEX = re.compile(r"0[xX](?:[0-9A-Fa-f]{2})+")


def path_rules(parsed: Parsed, world: World, findings: Findings) -> None:
    """Every path of the script."""
    _taken_already(parsed, findings)
    for command in parsed.action.commands:
        command_paths(command, parsed, world, findings)


def command_paths(command: Command, parsed: Parsed, world: World, findings: Findings) -> None:
    """The paths of one command, of the script or of a reaction."""
    if isinstance(command, Transfer):
        _transfer(command, parsed, world, findings)
    else:
        _other(command, findings)


def _taken_already(parsed: Parsed, findings: Findings) -> None:
    """What an earlier command of the script removes, a later one of the same source never sees."""
    first: dict[tuple[bool, bool, str], Transfer] = {}
    for command in parsed.action.commands:
        if not isinstance(command, Transfer):
            continue
        place = (isinstance(command, LocalCopy), isinstance(command, Get), command.source.value)
        earlier = first.get(place)
        if earlier is not None:
            what = f"the {earlier.verb} -DEL in line {earlier.span.line} has removed these files already"
            findings.warning(command.source.span, "W413", f"{what}; leave -DEL out there, or take other names")
        elif command.delete:
            first[place] = command


def _transfer(command: Transfer, parsed: Parsed, world: World, findings: Findings) -> None:
    good = _file_pattern(command.source, findings)
    if command.target is not None:
        _no_pattern(command.target, "a destination", findings)
    if isinstance(command, PutGet):
        _file_pattern(command.response, findings)
        if command.local is not None:
            _no_pattern(command.local, "a destination", findings)
    if command.verb in ("PUT", "PUT+GET"):
        _nested_outbox(command, parsed, world, findings)
    for target in _finals(command) if good else ():
        _fixed_name(command, target, findings)


def _other(command: Command, findings: Findings) -> None:
    if isinstance(command, Check):
        _every_part(command.path, findings)
    elif isinstance(command, MakeDir | RemoveDir | ChangeDir):
        _no_pattern(command.path, f"the folder of {command.verb}", findings)
    elif isinstance(command, Rename):
        _no_pattern(command.path, "the old name of RENAME", findings)
        _no_pattern(command.target, "the new name of RENAME", findings)
    elif isinstance(command, Delete | LocalDelete):
        _file_pattern(command.path, findings)
    elif isinstance(command, LocalReplace):
        _file_pattern(command.path, findings)
        _bytes(command.old, findings, may_be_empty=False)
        _bytes(command.new, findings, may_be_empty=True)
    elif isinstance(command, Dir) and command.path is not None:
        _file_pattern(command.path, findings)
        if command.target is not None:
            _no_pattern(command.target, "a destination", findings)


def _parts(text: Text, findings: Findings) -> tuple[str, ...] | None:
    try:
        return split_path(text.value)
    except ValueError as error:
        findings.error(text.span, "E405", str(error))
        return None


def _compiles(text: Text, token: str, findings: Findings) -> bool:
    if not token.startswith("["):
        return True  # every glob is fine
    try:
        compile_pattern(token)
    except ValueError as error:
        findings.error(text.span, "E406", str(error))
        return False
    return True


def _every_part(text: Text, findings: Findings) -> None:
    for part in _parts(text, findings) or ():
        _compiles(text, part, findings)


def _file_pattern(text: Text, findings: Findings) -> bool:
    """A pattern may stand in the last part only; False if the path can't be understood."""
    parts = _parts(text, findings)
    if parts is None:
        return False
    folders, token = split_source(text.value)
    bad = next((part for part in folders if not is_literal(part)), None)
    if bad is None:
        return _compiles(text, token, findings)
    if _compiles(text, bad, findings):
        what = f"the pattern {bad!r} stands in a folder; patterns stand in the file name"
        findings.error(text.span, "E407", f"{what} (in CHECK in every part): write one line a folder, or use -REC")
    return False


def _no_pattern(text: Text, what: str, findings: Findings) -> None:
    parts = _parts(text, findings) or ()
    bad = next((part for part in parts if not is_literal(part)), None)
    if bad is not None:
        findings.error(text.span, "E408", f"{what} cannot hold the pattern {bad!r}; write a plain name or a macro")


def _nested_outbox(command: Transfer, parsed: Parsed, world: World, findings: Findings) -> None:
    """Relative sources start at the outbox already."""
    first = re.match(r"(?i)(?:\./)?outbox[/\\]", command.source.value)
    name = parsed.settings.endpoint
    if first is None or name is None:
        return
    for member in world.members(name) or ():
        facts = world.endpoints.get(member)
        if facts is not None and not facts.nested_outbox:
            rest = command.source.value[first.end() :]
            what = f"{command.source.value!r} means a folder called outbox inside the outbox of {member}: there is none"
            findings.warning(command.source.span, "W409", f"{what}; likely meant: {rest}")
            return


def _finals(command: Transfer) -> list[Text]:
    """The destinations that get one name for each source."""
    if isinstance(command, PutGet):
        return [text for text in (command.target, command.local) if text is not None]
    return [command.target] if command.target is not None else []


def _fixed_name(command: Transfer, target: Text, findings: Findings) -> None:
    """Several files sent to one fixed name would leave only the last."""
    value = target.value
    if isinstance(command, LocalCopy) and command.zip and value.lower().endswith(".zip"):
        _one_archive(target, findings)
        return
    appends = command.append or command.unique
    if ends_as_folder(value) or (appends and not (isinstance(command, PutGet) and target is command.target)):
        return
    if isinstance(command, LocalCopy) and command.unzip:
        return
    if names_each_file(value) or not takes_many(command) or not _looks_like_a_file(value):
        return
    remedy = f"write {value}/ for a folder, %sourcefile% in the name, or -APE to collect them in one file"
    what = f"{command.source.value!r} can match several files and {value!r} is one name: only the last would stay"
    findings.error(target.span, "E410", f"{what}; {remedy}")


def _one_archive(target: Text, findings: Findings) -> None:
    of_file = next((use.text for use in uses(target.value) if _is_of_file(use.name)), None)
    if of_file is not None:
        what = f"{target.value!r} is one archive of all files, so {of_file} has no meaning there"
        findings.error(target.span, "E411", f"{what}; write a folder (with / at the end) for one archive each")


def takes_many(command: Transfer) -> bool:
    """True if the source can mean more than one file."""
    token = split_source(command.source.value)[1]
    return command.recurse or not token or not is_literal(token)


def names_each_file(value: str) -> bool:
    """True if the last part of a destination differs from file to file."""
    last = value.replace("\\", "/").rpartition("/")[2]
    return any(_is_of_file(use.name) or use.name == "index" for use in uses(last))


def _is_of_file(name: str) -> bool:
    return name in MACROS and MACROS[name].of_file


def _looks_like_a_file(value: str) -> bool:
    return _EXTENSION.fullmatch(value.replace("\\", "/").rpartition("/")[2]) is not None


def _bytes(text: Text, findings: Findings, *, may_be_empty: bool) -> None:
    if text.value.lower().startswith("0x") and not _HEX.fullmatch(text.value):
        what = f"{text.value!r} is no hex text; write two digits a byte, such as 0x0d0a"
        findings.error(text.span, "E412", what)
    elif not text.value and not may_be_empty:
        findings.error(text.span, "E412", "the old text is empty; write what is to be replaced")
