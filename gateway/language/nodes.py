"""The tree of an action script: frozen nodes with spans.

The parser makes them, jobs and channels are compiled to the same ones, `show` prints them back, the runner runs
them.  Paths are kept as written, macros unexpanded: they are expanded once, when a delivery is intended.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from gateway.core.model import Span


@dataclass(frozen=True, slots=True)
class Text:
    """One token as written, without its quotes: a path, a pattern or a macro text."""

    value: str
    span: Span = field(compare=False)

    def __str__(self) -> str:
        return self.value


class Taken(StrEnum):
    """What happens when the final name is taken (`exists`, -UNI, -APE)."""

    REPLACE = "replace"
    HOLD = "hold"
    FAIL = "fail"
    UNIQUE = "unique"
    APPEND = "append"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line of an action."""

    verb: ClassVar[str] = ""
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Command):
    """A command that moves files; which options a verb allows is a table of the checker."""

    source: Text
    target: Text | None = None
    delete: bool = False
    unique: bool = False
    append: bool = False
    recurse: bool = False
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Transfer):
    """Outbox to endpoint."""

    verb = "PUT"
    differ: bool = False
    mirror: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Get(Transfer):
    """Endpoint to inbox."""

    verb = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGet(Transfer):
    """Put requests, then fetch the answer to each.  `unique` and `append` belong to the answer, `delete` to the PUT."""

    verb = "PUT+GET"
    response: Text
    local: Text | None = None
    wait: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCopy(Transfer):
    """This machine to this machine; `target` is always given."""

    verb = "LCOPY"
    zip: bool = False
    unzip: bool = False


class AgeSide(StrEnum):
    """`>` that old or older, `<` that old or younger."""

    OLDER = ">"
    YOUNGER = "<"


@dataclass(frozen=True, slots=True)
class Age:
    """An age condition: a length, or a local calendar day (`day` is "today" or "yesterday", then `length` is None).

    `unit` is the letter as written (D, H, M or S), so that it prints back as it was.
    """

    side: AgeSide | None
    length: timedelta | None = None
    unit: str = "S"
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many must match: at least `low` (high None), or a range, both ends included."""

    low: int = 1
    high: int | None = None


class Met(StrEnum):
    """What a met condition means to the administrator."""

    SUCCESS = "Success"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Command):
    """What both kinds of CHECK share."""

    verb = "CHECK"
    path: Text
    count: Count | None = None
    met: Met | None = None
    check_class: str | None = None
    subclass: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFiles(Check):
    """CHECK -FIL and CHECK -DIR: files or folders of this machine."""

    folders: bool = False
    age: Age
    verbose: bool = False
    recurse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTransfers(Check):
    """CHECK -TRA: what the ledger knows.  `within` is a length, or `day` is "today" or "yesterday"."""

    incoming: bool
    within: timedelta | None = None
    unit: str = "S"
    day: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dir(Command):
    """List a remote folder to the log, or into the local file `target`."""

    verb = "DIR"
    path: Text | None = None
    target: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeDir(Command):
    """Make a remote folder."""

    verb = "MKDIR"
    path: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDir(Command):
    """Remove an empty remote folder."""

    verb = "RMDIR"
    path: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Command):
    """Rename one remote file."""

    verb = "RENAME"
    path: Text
    target: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Command):
    """Delete remote files."""

    verb = "DELETE"
    path: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDir(Command):
    """Where later relative remote paths start."""

    verb = "CD"
    path: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDelete(Command):
    """Delete local files, by age if one is given."""

    verb = "LDELETE"
    path: Text
    recurse: bool = False
    age: Age | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalReplace(Command):
    """Replace bytes in local files; `old` and `new` as written (hex as 0x..)."""

    verb = "LREPLACE"
    old: Text
    new: Text
    path: Text


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Exit codes from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(Command):
    """What SYSTEM and RSYSTEM share: `folder` is where it runs, `timeout` None the usual time limit."""

    line: Text
    success_codes: tuple[CodeRange, ...] = (CodeRange(0, 0),)
    again_codes: tuple[CodeRange, ...] = ()
    timeout: timedelta | None = None
    folder: Text | None = None
    environment: tuple[tuple[str, Text], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Program):
    """Run an allowed program here, without a shell; `line` is split once, before macros are put in."""

    verb = "SYSTEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSystem(Program):
    """Run a command at the endpoint over SSH."""

    verb = "RSYSTEM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Command):
    """Change a setting for the commands that follow; no value gives the default back."""

    verb = "SET"
    name: str
    value: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear(Command):
    """Set a setting to the empty string."""

    verb = "CLEAR"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Command):
    """Pause the action; gives its place back meanwhile."""

    verb = "WAIT"
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(Command):
    """A raw FTP command (QUOTE), or the arguments of SITE (`site`)."""

    verb = "QUOTE"
    line: Text
    site: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """One `@name value` line."""

    name: str
    value: str
    span: Span = field(compare=False)
    value_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Action:
    """A parsed script.  `name` is the file's stem; `commands` in the order of the lines."""

    name: str
    path: str
    headers: tuple[Header, ...]
    commands: tuple[Command, ...]

    def header(self, name: str) -> Header | None:
        """The header called `name`, None if the script has none."""
        return next((header for header in self.headers if header.name == name), None)
