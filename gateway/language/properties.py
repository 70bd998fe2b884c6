"""What SET may change: each property with its reader, in our spelling and in theirs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.language.nodes import Taken
from gateway.language.setting_types import Empty, Order, Settings, Sort, Stability
from gateway.language.setting_values import (
    read_choice,
    read_date_format,
    read_length,
    read_number,
    read_seconds,
    read_time_format,
    read_yes,
)


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that can be set: `read` gives settings with the value in them or raises ValueError.

    `fields` are what `SET name` gives back.  `header` says that `@name` sets it for the whole action.  `text` says
    that it may be empty, so CLEAR makes sense.
    """

    name: str
    fields: tuple[str, ...]
    read: Callable[[Settings, str], Settings]
    header: bool = True
    text: bool = False


_SECOND = timedelta(seconds=1)
_SORTS = {"date": "mtime", "time": "mtime", "modified": "mtime", "alphabetical": "name"}


def _stability(settings: Settings, text: str) -> Settings:
    """`quiet`, `closed`, `done_file`, `none`, or `age 10m`."""
    word, _, rest = text.strip().partition(" ")
    kind = read_choice(word, Stability)
    if kind is Stability.AGE:
        if not rest.strip():
            raise ValueError("stability age needs how long a file must be untouched; write age 10m")
        return replace(settings, stability=kind, age=read_length(rest, _SECOND))
    if rest.strip():
        raise ValueError(f"{rest.strip()!r} is too much behind {kind}; only age has a length")
    return replace(settings, stability=kind, age=None)


def _stable_for(settings: Settings, text: str) -> Settings:
    auto = text.strip().lower() == "auto"
    return replace(settings, stable_for=None if auto else read_length(text))


def _empty(settings: Settings, text: str) -> Settings:
    """`hold`, `skip`, `send` or `send after 60s`."""
    words = text.split()
    kind = read_choice(words[0] if words else "", Empty)
    if len(words) == 1:
        return replace(settings, empty=kind, empty_after=Settings().empty_after)
    if kind is Empty.SEND and len(words) == 3 and words[1].lower() == "after":
        return replace(settings, empty=kind, empty_after=read_length(words[2]))
    raise ValueError(f"{text.strip()!r} is not understood; write send after 60s, hold or skip")


def _exists(settings: Settings, text: str) -> Settings:
    taken = read_choice(text, Taken)
    if taken is Taken.APPEND:
        raise ValueError("appending is said by the command; write -APE there, or one of: replace, hold, fail, unique")
    return replace(settings, exists=taken)


def _done_file(settings: Settings, text: str) -> Settings:
    name = text.strip()
    if not name:
        raise ValueError("done_file is empty; write the marker's name, such as %sourcefile%.done")
    if "/" in name or "\\" in name:
        raise ValueError(
            f"{name!r} names a folder; the marker stands beside the file: write a name such as %sourcefile%.done"
        )
    if "*" in name or name in ("%sourcefile%", "%srcfile%"):
        raise ValueError(
            f"{name!r} is not the name of one other file; write the marker's name, such as %sourcefile%.done"
        )
    return replace(settings, done_file=name)


def _no_zero_length(settings: Settings, text: str) -> Settings:
    return replace(settings, empty=Empty.SKIP if read_yes(text) else Empty.SEND)


def _outbox_sort(settings: Settings, text: str) -> Settings:
    word = text.strip().lower()
    return replace(settings, sort=read_choice(_SORTS.get(word, word), Sort))


OURS = (
    Property("timeout", ("timeout",), lambda s, v: replace(s, timeout=read_length(v, _SECOND))),
    Property("retries", ("retries",), lambda s, v: replace(s, retries=read_number(v, 0, 100))),
    Property("retry_delay", ("retry_delay",), lambda s, v: replace(s, retry_delay=read_length(v))),
    Property("terminate_on_fail", ("terminate_on_fail",), lambda s, v: replace(s, terminate_on_fail=read_yes(v))),
    Property("next_file_on_fail", ("next_file_on_fail",), lambda s, v: replace(s, next_file_on_fail=read_yes(v))),
    Property("stability", ("stability", "age"), _stability),
    Property("stable_for", ("stable_for",), _stable_for),
    Property("wait_stable", ("wait_stable",), lambda s, v: replace(s, wait_stable=read_length(v))),
    Property("done_file", ("done_file",), _done_file),
    Property("empty", ("empty", "empty_after"), _empty),
    Property("exists", ("exists",), _exists),
    Property("sort", ("sort",), lambda s, v: replace(s, sort=read_choice(v, Sort))),
    Property("order", ("order",), lambda s, v: replace(s, order=read_choice(v, Order))),
    Property("limit", ("limit",), lambda s, v: replace(s, limit=read_number(v, 1, 1_000_000))),
    Property("repeat", ("repeat",), lambda s, v: replace(s, repeat=read_length(v))),
    Property("delete_limit", ("delete_limit",), lambda s, v: replace(s, delete_limit=read_number(v, 0, 1_000_000))),
)

THEIRS = (
    Property("TerminateOnFail", ("terminate_on_fail",), lambda s, v: replace(s, terminate_on_fail=read_yes(v))),
    Property("CommandRetries", ("retries",), lambda s, v: replace(s, retries=read_number(v, 0, 100))),
    Property("RetryDelay", ("retry_delay",), lambda s, v: replace(s, retry_delay=read_seconds(v))),
    Property("NextFileOnFail", ("next_file_on_fail",), lambda s, v: replace(s, next_file_on_fail=read_yes(v))),
    Property("DoNotSendZeroLengthFiles", ("empty", "empty_after"), _no_zero_length),
    Property("OutboxSort", ("sort",), _outbox_sort),
    Property("UnzipUsePath", ("unzip_use_path",), lambda s, v: replace(s, unzip_use_path=read_yes(v))),
    Property("ZipComment", ("zip_comment",), lambda s, v: replace(s, zip_comment=v), text=True),
    Property("ZipCompressionLevel", ("zip_level",), lambda s, v: replace(s, zip_level=read_number(v, 0, 9))),
    Property("MacroDateFormat", ("date_format",), lambda s, v: replace(s, date_format=read_date_format(v))),
    Property("MacroTimeFormat", ("time_format",), lambda s, v: replace(s, time_format=read_time_format(v))),
)

BY_NAME = {each.name.lower(): each for each in (*OURS, *THEIRS)}

COSMETIC = {
    name.lower(): name
    for name in (
        "IncludeFailureInSubjectLine",
        "LogIndividualLCOPYResultsToSystemLog",
        "StoreRawSentMessage",
        "WaitForExecuteOn",
        "HighPriorityIncomingWeight",
        "HighPriorityOutgoingWeight",
        "MaximumIncomingTransferRate",
        "MaximumOutgoingTransferRate",
        "ResumeFailedTransfers",
        "OnlyRetryRetryableFailures",
        "EmailOnFail",
        "EmailOnRepeatFail",
        "EmailOnSuccessfulSend",
        "EmailOnSuccessfulReceive",
        "EmailOnSuccessfulCopy",
        "EmailOnCheckConditionsMet",
        "EmailOnCheckConditionsNotMet",
        "PartnerEmailAddress",
    )
}
"""Properties of theirs that change neither bytes nor places: leaving them out is a warning."""

INSTEAD = {
    "executeonfail": "write a header: @on_fail …",
    "executeonrepeatfail": "write a header: @on_fail … (the same failure tells once, then every 24 h)",
    "executeonresolved": "write a header: @on_resolved …",
    "executeonsuccessfulsend": "write a header: @on_send …",
    "executeonsuccessfulreceive": "write a header: @on_receive …",
    "executeonsuccessfulcopy": "write a header: @on_copy …",
    "executeoncheckconditionsmet": "write a header: @on_check_met …",
    "executeoncheckconditionsnotmet": "write a header: @on_check_not_met …",
    "inbox": "set inbox at the endpoint",
    "outbox": "set outbox at the endpoint",
    "sentbox": "set sent_keep at the endpoint",
    "receivedbox": "copy what was received with LCOPY",
    "autosendcheckevery": "set autosend_check_every in [gateway]",
}
"""Properties of theirs that live elsewhere here."""

HEADER_ONLY = frozenset(
    {"endpoint", "schedule", "timezone", "description", "enabled", "priority", "misfire"}
    | {"on_send", "on_receive", "on_copy", "on_fail", "on_resolved", "on_check_met", "on_check_not_met"}
)
"""Headers that SET can't change."""
