"""The verbs: their options, paths and parameters, and what the family of this language has and we don't.

One row a verb.  The parser of a line knows none of this; `build` checks lines against the rows, `show` prints by them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.language import nodes, value_text, values


@dataclass(frozen=True, slots=True)
class Parameter:
    """`name=value`: the field of the node it fills, how it is read and printed."""

    name: str
    field: str
    read: Callable[[str], object]
    show: Callable[..., str] = str
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One verb: `options` maps OPT to the node's field, `paths` are fields in order, `needed` of them mandatory."""

    verb: str
    node: type[nodes.Command]
    syntax: str
    options: Mapping[str, str] = field(default_factory=dict)
    exclusive: tuple[tuple[str, str, str], ...] = ()  # two options, and why they exclude each other
    paths: tuple[str, ...] = ()
    needed: int = 0
    parameters: tuple[Parameter, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)  # options of the family, and what to write instead

    def parameter(self, name: str) -> Parameter | None:
        """The parameter called `name`, in any case."""
        return next((each for each in self.parameters if each.name.lower() == name.lower()), None)


_UNI_APE = ("UNI", "APE", "-UNI makes a free name, -APE writes behind the old content; choose one")
_ZIP_UNZ = ("ZIP", "UNZ", "-ZIP packs, -UNZ unpacks; choose one")
_REC_UNZ = ("REC", "UNZ", "an archive's own paths say where its members go; leave -REC out")
_MIR_DEL = (
    "MIR",
    "DEL",
    "-MIR deletes at the destination what the source lacks, and -DEL empties the source; choose one",
)
_MIR_UNI = ("MIR", "UNI", "a mirror keeps the names of the source; leave -UNI out")
_MIR_APE = ("MIR", "APE", "a mirror replaces files; leave -APE out")
_DIF_APE = ("DIF", "APE", "-DIF compares whole files, -APE adds to one; choose one")
_DIF_UNI = ("DIF", "UNI", "-DIF compares with the file of the same name, -UNI makes another name; choose one")

_CLASSES = (
    Parameter("Class", "check_class", values.read_class),
    Parameter("Subclass", "subclass", values.read_words),
    Parameter("ConditionsMet", "met", values.read_met),
)
_COUNT = Parameter("Count", "count", values.read_count, value_text.show_count)
_SUCCESS = Parameter("SuccessCodes", "success_codes", values.read_codes, value_text.show_codes)

PUT = Row(
    verb="PUT",
    node=nodes.Put,
    syntax="PUT [-DEL] [-UNI|-APE] [-REC] [-NEW] [-DIF] [-MIR] source [destination]",
    options={
        "DEL": "delete",
        "UNI": "unique",
        "APE": "append",
        "REC": "recurse",
        "NEW": "new",
        "DIF": "differ",
        "MIR": "mirror",
    },
    exclusive=(_UNI_APE, _MIR_DEL, _MIR_UNI, _MIR_APE, _DIF_APE, _DIF_UNI),
    paths=("source", "target"),
    needed=1,
    foreign={"MUL": "every PUT sends all files that match; leave -MUL out", "DIR": "write -REC for a folder's tree"},
)
GET = Row(
    verb="GET",
    node=nodes.Get,
    syntax="GET [-DEL] [-UNI|-APE] [-REC] [-NEW] source [destination]",
    options={"DEL": "delete", "UNI": "unique", "APE": "append", "REC": "recurse", "NEW": "new"},
    exclusive=(_UNI_APE,),
    paths=("source", "target"),
    needed=1,
    foreign={
        "DIR": "every GET lists the folder itself; leave -DIR out, write -REC for a whole tree",
        "CON": "a GET takes what is there and ends; give the action a schedule instead of -CON",
        "MUL": "every GET takes all files that match; leave -MUL out",
        "DIF": "-DIF is for PUT; -NEW takes only files that were not received before",
        "MIR": "only a PUT mirrors",
    },
)
PUTGET = Row(
    verb="PUT+GET",
    node=nodes.PutGet,
    syntax="PUT+GET [-DEL] [-UNI|-APE] source destination response [local] [Wait=60S]",
    options={"DEL": "delete", "UNI": "unique", "APE": "append"},
    exclusive=(_UNI_APE,),
    paths=("source", "target", "response", "local"),
    needed=3,
    parameters=(Parameter("Wait", "wait", values.read_wait, value_text.show_wait),),
    foreign={
        "MUL": "every PUT+GET sends all files that match; leave -MUL out",
        "CON": "the answer is waited for by Wait=; leave -CON out",
        "REC": "a request is one file; write one PUT+GET a folder",
    },
)
LCOPY = Row(
    verb="LCOPY",
    node=nodes.LocalCopy,
    syntax="LCOPY [-DEL] [-REC] [-UNI|-APE] [-ZIP|-UNZ] source destination",
    options={
        "DEL": "delete",
        "REC": "recurse",
        "UNI": "unique",
        "APE": "append",
        "ZIP": "zip",
        "UNZ": "unzip",
    },
    exclusive=(_UNI_APE, _ZIP_UNZ, _REC_UNZ),
    paths=("source", "target"),
    needed=2,
    foreign={"NEW": "only PUT and GET remember what was delivered; use -DEL", "DIF": "-DIF is for PUT; leave it out"},
)
CHECK_FILES = Row(
    verb="CHECK",
    node=nodes.CheckFiles,
    syntax="CHECK -FIL|-DIR [-VER] [-REC] path Age=>1D [Count=n|n-m] [Class=SLA|KPI] [Subclass=…] [ConditionsMet=…]",
    options={"DIR": "folders", "VER": "verbose", "REC": "recurse"},
    paths=("path",),
    needed=1,
    parameters=(Parameter("Age", "age", values.read_age, value_text.show_age, needed=True), _COUNT, *_CLASSES),
    foreign={"IN": "only CHECK -TRA has a direction", "OUT": "only CHECK -TRA has a direction"},
)
CHECK_TRANSFERS = Row(
    verb="CHECK",
    node=nodes.CheckTransfers,
    syntax="CHECK -TRA -IN|-OUT path OccurredWithin=12H [Status=Success|Error|Active] [Count=n|n-m]",
    options={"IN": "incoming"},
    paths=("path",),
    needed=1,
    parameters=(
        Parameter("OccurredWithin", "within", values.read_within, value_text.show_age, needed=True),
        Parameter("Status", "status", values.read_status),
        _COUNT,
        *_CLASSES,
    ),
    foreign={"VER": "only CHECK -FIL and -DIR list more", "REC": "the ledger has no folders; the path is a pattern"},
)


def _remote(verb: str, node: type[nodes.Command], syntax: str, paths: tuple[str, ...], needed: int) -> Row:
    return Row(verb=verb, node=node, syntax=syntax, paths=paths, needed=needed)


_PROGRAM = (
    _SUCCESS,
    Parameter("AgainCodes", "again_codes", values.read_codes, value_text.show_codes),
    Parameter("Timeout", "timeout", values.read_wait, value_text.show_wait),
)
SYSTEM = Row(
    verb="SYSTEM",
    node=nodes.System,
    syntax='SYSTEM [SuccessCodes=0-1,255] [AgainCodes=…] [Timeout=…] [In="dir"] [Env.NAME=value …] "program args"',
    parameters=_PROGRAM,
)
RSYSTEM = Row(
    verb="RSYSTEM",
    node=nodes.RemoteSystem,
    syntax='RSYSTEM [SuccessCodes=…] [AgainCodes=…] [Timeout=…] [In="dir"] [Env.NAME=value …] "command"',
    parameters=_PROGRAM,
)

ROWS = (
    PUT,
    GET,
    PUTGET,
    LCOPY,
    CHECK_FILES,
    CHECK_TRANSFERS,
    _remote("DIR", nodes.Dir, "DIR [path] [local file]", ("path", "target"), 0),
    _remote("MKDIR", nodes.MakeDir, "MKDIR path", ("path",), 1),
    _remote("RMDIR", nodes.RemoveDir, "RMDIR path", ("path",), 1),
    _remote("RENAME", nodes.Rename, "RENAME old new", ("path", "target"), 2),
    _remote("DELETE", nodes.Delete, "DELETE path", ("path",), 1),
    _remote("CD", nodes.ChangeDir, "CD path", ("path",), 1),
    Row(
        verb="LDELETE",
        node=nodes.LocalDelete,
        syntax="LDELETE [-REC] path [Age=>1D]",
        options={"REC": "recurse"},
        paths=("path",),
        needed=1,
        parameters=(Parameter("Age", "age", values.read_age, value_text.show_age),),
    ),
    _remote("LREPLACE", nodes.LocalReplace, "LREPLACE old new path", ("old", "new", "path"), 3),
    Row(verb="WAIT", node=nodes.Wait, syntax="WAIT 10 | WAIT 5M", paths=("length",), needed=1),
    SYSTEM,
    RSYSTEM,
    Row(verb="SET", node=nodes.Set, syntax="SET property=value"),
    Row(verb="CLEAR", node=nodes.Clear, syntax="CLEAR property"),
    Row(verb="QUOTE", node=nodes.Quote, syntax="QUOTE command"),
    Row(verb="SITE", node=nodes.Quote, syntax="SITE command"),
)

BY_VERB: Mapping[str, Row] = {row.verb: row for row in reversed(ROWS)}
BY_NODE: Mapping[type[nodes.Command], Row] = {row.node: row for row in reversed(ROWS)}
VERBS = tuple(BY_VERB)

FOREIGN_VERBS: Mapping[str, str] = {
    "PWD": "paths start at the path of the endpoint's URL, or where CD went; leave the line out",
    "ATTR": "a peer's file attributes are not changed here; for FTP write SITE CHMOD …",
    "CONNECT": "the endpoint is logged in to when it is needed; leave the line out",
    "DISCONNECT": "sessions end by themselves; leave the line out",
    "CONFIRM": "every delivery is verified by itself (verify at the endpoint); leave the line out",
    "SCRIPT": "an action holds its commands itself; write them here, or SYSTEM for a program",
    "COPY": "write LCOPY for a copy on this machine",
    "LS": "write DIR",
    "DEL": "write DELETE at the endpoint, LDELETE on this machine",
    "MOVE": "write LCOPY -DEL on this machine, RENAME at the endpoint",
    "LCD": "local paths start at the outbox, the inbox or the root; write the whole path",
    "ASCII": "bytes are never changed; leave the line out",
    "BINARY": "transfers are always binary; leave the line out",
}
