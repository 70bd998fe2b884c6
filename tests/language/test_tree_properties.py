"""Properties: a tree is printed and read back as itself; formatting and parsing never fall over."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import Refused
from gateway.core.model import Span
from gateway.language import nodes
from gateway.language.check import check, check_all
from gateway.language.format import format_text
from gateway.language.nodes import Age, AgeSide, CodeRange, Count, Met, Text
from gateway.language.parse import parse_action, parse_bytes
from gateway.language.show import show, show_command
from gateway.language.values import STATUSES
from gateway.language.world import EndpointFacts, World

NOWHERE = Span("x.act", 1, 1, 2)
UNITS = {"D": 86400, "H": 3600, "M": 60, "S": 1}

_LETTERS = "abcXYZ019 .,=-–#%*?[]()/\\&$@ü漢'_+~"


def texts(alphabet: str = _LETTERS) -> st.SearchStrategy[Text]:
    """Paths of every kind; what holds both kinds of quote can't be written, so one kind is enough here."""
    plain = st.text(alphabet, min_size=1, max_size=12)
    double = st.text(alphabet.replace("'", '"'), min_size=1, max_size=12)
    regex = st.sampled_from(["[a b]", "[\\d+\\.csv]", "dir/[[a-z]+ x]", "[\"' ]", "[a=b, c]", "[ab", "x/[a"])
    kinds = (plain, double, regex) if alphabet == _LETTERS else (plain, double)
    return st.one_of(*kinds).map(lambda value: Text(value, NOWHERE))


def lines() -> st.SearchStrategy[Text]:
    """The rest of a line: no blanks at its ends, not both kinds of quote."""
    body = st.text('abc/ -%."=&|>#', min_size=1, max_size=20).map(str.strip).filter(bool)
    return body.map(lambda value: Text(value, NOWHERE))


def whole(unit: str, low: int, high: int) -> st.SearchStrategy[timedelta]:
    return st.integers(low, high).map(lambda count: timedelta(seconds=count * UNITS[unit]))


@st.composite
def ages(draw: st.DrawFn) -> Age:
    if draw(st.booleans()):
        side = draw(st.sampled_from([None, AgeSide.OLDER, AgeSide.YOUNGER]))
        return Age(side=side, day=draw(st.sampled_from(["today", "yesterday"])))
    side, unit = draw(st.sampled_from(AgeSide)), draw(st.sampled_from("DHMS"))
    return Age(side=side, length=draw(whole(unit, 0 if side is AgeSide.OLDER else 1, 9999)), unit=unit)


def counts() -> st.SearchStrategy[Count | None]:
    ranges = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: Count(min(pair), max(pair)))
    return st.one_of(st.none(), st.integers(1, 99).map(Count), ranges)


def codes() -> st.SearchStrategy[tuple[CodeRange, ...]]:
    code = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(lambda pair: CodeRange(min(pair), max(pair)))
    return st.lists(code, min_size=1, max_size=3).map(tuple)


def one_of_two(first: str, second: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([{}, {first: True}, {second: True}])


_SPAN = st.just(NOWHERE)
_CHECKED = {
    "path": texts(),
    "count": counts(),
    "met": st.one_of(st.none(), st.sampled_from(Met)),
    "check_class": st.sampled_from([None, "SLA", "KPI"]),
    "subclass": st.sampled_from([None, "late", "month end, early", "it's", 'so "to" say', "a,b"]),
}


@st.composite
def transfers(draw: st.DrawFn) -> nodes.Command:
    given = draw(one_of_two("unique", "append"))
    common: dict[str, Any] = {"span": NOWHERE, "source": draw(texts()), "delete": draw(st.booleans()), **given}
    kind = draw(st.sampled_from(["put", "get", "put_get", "lcopy"]))
    target = draw(st.one_of(st.none(), texts()))
    if kind == "put_get":
        local = draw(st.one_of(st.none(), texts()))
        wait = timedelta(seconds=draw(st.integers(1, 9999)))
        return nodes.PutGet(**common, target=draw(texts()), response=draw(texts()), local=local, wait=wait)
    if kind == "lcopy":
        archive = draw(one_of_two("zip", "unzip"))
        recurse = draw(st.booleans()) and "unzip" not in archive
        return nodes.LocalCopy(**common, target=draw(texts()), recurse=recurse, **archive)
    common |= {"recurse": draw(st.booleans()), "new": draw(st.booleans()), "target": target}
    if kind == "get":
        return nodes.Get(**common)
    return nodes.Put(**common, differ=draw(st.booleans()) and not given)


def others() -> st.SearchStrategy[nodes.Command]:
    build = st.builds
    files = build(
        nodes.CheckFiles,
        span=_SPAN,
        folders=st.booleans(),
        age=ages(),
        verbose=st.booleans(),
        recurse=st.booleans(),
        **_CHECKED,
    )
    day = st.sampled_from([("today", None, "S"), ("yesterday", None, "S"), (None, timedelta(hours=12), "H")])
    transfers_of_ledger = st.tuples(day, st.booleans(), st.sampled_from([None, *STATUSES]), counts(), texts()).map(
        lambda each: nodes.CheckTransfers(
            span=NOWHERE,
            path=each[4],
            incoming=each[1],
            within=each[0][1],
            unit=each[0][2],
            day=each[0][0],
            status=each[2],
            count=each[3],
        )
    )
    single = [
        build(node, span=_SPAN, path=texts())
        for node in (nodes.MakeDir, nodes.RemoveDir, nodes.Delete, nodes.ChangeDir)
    ]
    pairs = st.tuples(st.sampled_from(["A", "LANG_1"]), texts("ab c,."))
    environment = st.lists(pairs, max_size=2, unique_by=lambda pair: pair[0]).map(tuple)
    return st.one_of(
        files,
        transfers_of_ledger,
        *single,
        build(nodes.Dir, span=_SPAN, path=st.one_of(st.none(), texts())),
        build(nodes.Rename, span=_SPAN, path=texts(), target=texts()),
        build(nodes.LocalDelete, span=_SPAN, path=texts(), recurse=st.booleans(), age=st.one_of(st.none(), ages())),
        build(nodes.LocalReplace, span=_SPAN, old=texts(), new=texts(), path=texts()),
        build(nodes.System, span=_SPAN, line=lines(), success_codes=codes()),
        build(
            nodes.RemoteSystem,
            span=_SPAN,
            line=lines().filter(lambda line: not line.value.startswith('"')),  # a quote that never closes is refused
            success_codes=codes(),
            again_codes=st.one_of(st.just(()), codes()),
            timeout=st.one_of(st.none(), whole("S", 1, 999)),
            folder=st.one_of(st.none(), texts("ab c,./")),
            environment=environment,
        ),
        build(nodes.Wait, span=_SPAN, length=whole("S", 1, 99999)),
        build(nodes.Quote, span=_SPAN, line=lines(), site=st.booleans()),
        build(nodes.Set, span=_SPAN, name=st.just("ZipComment"), value=st.one_of(st.none(), lines())),
        build(nodes.Clear, span=_SPAN, name=st.just("ZipComment")),
    )


COMMANDS = st.one_of(transfers(), others())


@settings(max_examples=300)
@given(COMMANDS)
def test_a_command_is_printed_and_read_back_as_itself(command: nodes.Command) -> None:
    text = show_command(command)
    parsed = parse_action(text, "x.act")
    assert [str(each) for each in parsed.findings if each.severity == "error"] == [], text
    assert parsed.action.commands == (command,), text


@settings(max_examples=100)
@given(st.lists(COMMANDS, max_size=8))
def test_a_whole_tree_is_printed_and_read_back_and_formatting_changes_nothing(commands: list[nodes.Command]) -> None:
    header = nodes.Header("endpoint", "acme", NOWHERE, NOWHERE)
    action = nodes.Action("x", "x.act", (header,), tuple(commands))
    text = show(action)
    assert parse_action(text, "x.act").action == action
    assert format_text(text, "x.act") == text


@settings(max_examples=200)
@given(st.text(st.sampled_from("PUTGECHKSYM-+@#\"'[]{}=,.*?%&$\\/ \t\r\n–“üDaget1>"), max_size=60))
def test_any_text_is_read_to_the_end_with_findings_inside_it(text: str) -> None:
    parsed = parse_action(text, "x.act")
    count = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    for finding in parsed.findings:
        assert 1 <= finding.span.line <= count
        assert 1 <= finding.span.column < finding.span.end_column


_FRAGMENTS = [
    "PUT ",
    "-DEL ",
    "-REC ",
    "[a",
    "b] ",
    '"x y" ',
    "*",
    "/",
    "..",
    "\\",
    " ",
    "\n",
    "a.csv ",
    '"',
    "$",
    " & ",
    "=",
    "1",
    "@schedule on file polling continuously\n",
    "@on_fail ",
    "@on_check_met ",
    "%file%",
    "%date-1d%",
    "%outbox%/",
    "CHECK -FIL ",
    "Age=>1D",
    "LCOPY ",
    "SET ",
    "retries",
    "SYSTEM ",
    "SYSTEM",
    "/usr/bin/x",
    "GET ",
    "PUT+GET ",
    "[(a*)*]",
    "LREPLACE ",
    "0x1",
    "CHECK -TRA -IN ",
    "%inbox%/",
    "WAIT ",
    "RSYSTEM ",
    "QUOTE ",
    "CLEAR ",
    "CLEAR",
    "ZipComment",
]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25))
def test_any_script_is_checked_to_the_end_alone_and_beside_itself(fragments: list[str]) -> None:
    world = World(endpoints={"acme": EndpointFacts(scheme="sftp", outbox="/g/out", inbox="/g/in")})
    parsed = parse_action("@endpoint acme\n" + "".join(fragments), "x.act")
    assert set(parsed.findings) <= set(check(parsed, world))
    check_all([parsed, parsed], world)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_without_falling_over(data: bytes) -> None:
    parse_bytes(data, "x.act")


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(["PUT a b", "put  -del 'a b'", "# x", "", "  @retries 3", "WAIT 90", "GET", "x"]), max_size=6
    )
)
def test_formatting_is_idempotent_or_refuses_with_the_place(lines_of_script: list[str]) -> None:
    text = "\n".join(lines_of_script)
    if parse_action(text, "x.act").has_errors:
        with pytest.raises(Refused, match=r"^x\.act:\d+:\d+: error E"):
            format_text(text, "x.act")
    else:
        once = format_text(text, "x.act")
        assert format_text(once, "x.act") == once
