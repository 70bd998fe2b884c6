"""What a delivery consists of, and under which names it arrives."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.channels.compiled import Sent, can_be_said, compiled, show_compiled
from gateway.channels.model import Catalogue, Kind, PlaceTemplate
from gateway.channels.payload import Occasion, Piece, chosen, clash, final_of, marker_of, named, source_text
from gateway.language.parse import parse_action
from gateway.language.pattern import compile_pattern
from gateway.transfer.sources import list_sources, source_spec
from tests.channels.making import channel

ON = Occasion(datetime(2026, 11, 22, 22, 5, tzinfo=UTC), 3)


def piece(relative: str, item: str = "978") -> Piece:
    is_metadata = relative.endswith(".xml")
    return Piece(item=item, relative=relative, size=1, mtime_ns=2, inode=3, sha256="ab", is_metadata=is_metadata)


ITEM = (piece("onix.xml"), piece("book.epub"), piece("img/cover.jpg"))


@pytest.mark.parametrize(
    ("kind", "payload", "sent"),
    [
        (Kind.FIRST, "all", ["onix.xml", "book.epub", "img/cover.jpg"]),
        (Kind.METADATA, "all", ["onix.xml"]),
        (Kind.FILE, "all", ["onix.xml", "book.epub", "img/cover.jpg"]),
        (Kind.FILE, "changed", ["onix.xml", "book.epub"]),
    ],
)
def test_each_kind_sends_its_own_files(kind: Kind, payload: str, sent: list[str]) -> None:
    made = channel(payload_file=payload)
    assert [one.relative for one in chosen(kind, made, ("book.epub",), ITEM)] == sent


def test_what_was_metadata_when_it_was_read_is_metadata_whatever_the_patterns_say_today() -> None:
    today = channel(catalogue=Catalogue("titles", Path("/t"), (compile_pattern("*.epub"),)), payload_file="changed")
    assert [one.relative for one in chosen(Kind.METADATA, today, (), ITEM)] == ["onix.xml"]
    assert [one.relative for one in chosen(Kind.FILE, today, ("img/cover.jpg",), ITEM)] == ["onix.xml", "img/cover.jpg"]


@pytest.mark.parametrize(
    ("place", "final"),
    [
        (PlaceTemplate(), "cover.jpg"),
        (PlaceTemplate(files="{item}{ext}"), "978.jpg"),
        (PlaceTemplate("/in/{date}/", "{item}_{stem}-{index}{ext}"), "/in/20261122/978_cover-3.jpg"),
        (PlaceTemplate("in/{item}", "{time}/{name}"), "in/978/220500/cover.jpg"),
    ],
)
def test_templates_say_where_a_file_arrives(place: PlaceTemplate, final: str) -> None:
    assert final_of(place, ITEM[2].item, ITEM[2].relative, ON.fields()) == final


@pytest.mark.parametrize(
    ("path", "final"),
    [
        ("", "b_20261122_3.done"),
        ("/in/{date}", "/in/20261122/b_20261122_3.done"),
        ("in/{item}/x", "in/b_20261122_3.done"),
        ("/{item}", "/b_20261122_3.done"),
    ],
)
def test_the_marker_lies_in_the_folder_that_all_items_have_in_common(path: str, final: str) -> None:
    assert marker_of(channel(place=PlaceTemplate(path, "{name}", "b_{date}_{index}.done")), ON) == final


def test_two_files_with_one_name_are_told_with_both_and_the_remedy() -> None:
    made = channel(place=PlaceTemplate(files="{item}{ext}"))
    mine = named(made, [piece("a.jpg"), piece("B.JPG"), piece("c.jpg")], ON)
    said = clash(mine, {})
    assert said is not None
    assert "978/a.jpg and 978/c.jpg would both arrive as 978.jpg" in said
    assert "change [place]" in said
    assert clash(mine[:2], {}) is None
    assert clash(mine[:2], {}, ignore_case=True) is not None
    assert clash(mine[:1], {"978.jpg": "977/978.jpg"}) is not None


@pytest.mark.parametrize(
    "name",
    ["a b.epub", "50%date%.epub", "[draft] x.pdf", "what?*.epub", "o\\p", 'she\'s "in".txt', "ü\x01é", "#1", "-x"],
)
def test_a_file_of_any_name_is_said_so_that_it_alone_is_meant(tmp_path: Path, name: str) -> None:
    for other in (name, "50%dat%.epub", "whatever.epub", "a.epub"):
        (tmp_path / other).write_text("x")
    made = compiled(channel(), [Sent(f"{tmp_path}/{name}", "x")])
    (put,) = parse_action(show_compiled(made), "x.act").action.commands
    assert put == made.action.commands[0]
    assert source_text(f"{tmp_path}/{name}") == made.action.commands[0].source.value  # type: ignore[attr-defined]
    found = list_sources(source_spec(put.source.value, Path("/")))  # type: ignore[attr-defined]
    assert [one.path for one in found] == [f"{tmp_path}/{name}"]


@pytest.mark.parametrize(
    ("source", "final"), [("/t/[x/a", "a"), ("/t/%date%/a", "a"), ("/t/a", "b*"), ("/t/a", "%index%"), ("/t/a", "b\n")]
)
def test_what_no_script_can_say_is_refused_with_the_remedy(source: str, final: str) -> None:
    said = can_be_said(Sent(source, final))
    assert said is not None
    assert "rename" in said


def test_the_printed_text_is_what_runs() -> None:
    files = [Sent("/t/978/a b", "in/a b"), Sent("/t/978/c", "in/c"), Sent("/v/1.done", "d")]
    made = compiled(channel(description="two\nlines"), files)
    text = show_compiled(made)
    assert parse_action(text, "shop.act").action.commands == made.action.commands
    assert text.splitlines()[-3:] == ['PUT "/t/978/a b" "in/a b"', "PUT /t/978/c in/c", "PUT /v/1.done d"]


def test_a_source_is_the_file_below_its_item() -> None:
    assert piece("img/x.jpg").source(Catalogue("t", Path("/t"), ())) == "/t/978/img/x.jpg"
