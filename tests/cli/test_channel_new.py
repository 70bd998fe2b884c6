"""`gateway channel new`: by its questions and by options, and what can't be leaves no file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Site
from tests.cli.test_channel_cli import books
from tests.cli.test_job_new import _LIMIT_S, on_terminal

__all__ = ["books"]


def file_of(site: Site, name: str) -> Path:
    return site.root / "conf" / "channels.d" / f"{name}.toml"


def made(site: Site, name: str) -> dict[str, Any]:
    return tomllib.loads(file_of(site, name).read_text())


def test_options_alone_make_a_channel(books: Site) -> None:
    ran = books.run(
        "channel", "new", "library", "--endpoint", "shop2", "--catalogue", "titles", "--start", "all", "--path", "in"
    )
    assert ran.code == 0, ran
    assert made(books, "library") == {
        "endpoint": "shop2",
        "catalogue": "titles",
        "start": "all",
        "place": {"path": "in"},
    }
    assert "`gateway serve` looks for its changes\nwhen: gateway channel show library\nother times" in ran.out
    assert books.run("channel", "check", "library").out == "1 channel, no errors, no warnings\n"


def test_a_new_catalogue_is_made_with_its_channel(shops: Site) -> None:
    (shops.root / "titles").mkdir()
    ran = shops.run(
        *("channel", "new", "bookshop", "--endpoint", "shop1", "--catalogue", "titles", "--folder", "titles"),
        *("--metadata", "*.onix.xml", "--start", "now", "--json"),
    )
    assert (ran.code, ran.json["channel"], ran.json["findings"]) == (0, "bookshop", [])
    assert made(shops, "bookshop")["catalogues"] == {"titles": {"path": "titles", "metadata": ["*.onix.xml"]}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bookshop --endpoint shop1 --catalogue titles --start now", "there is a channel 'bookshop' already"),
        ("a/b --endpoint shop1 --catalogue titles --start now", "'a/b' is no name for a channel"),
        ("new --endpoint shopp1 --catalogue titles --start now", "no endpoint 'shopp1'; did you mean 'shop1'?"),
        ("new --endpoint shop1 --catalogue titles --start later", "'later' is not known; write now"),
        (
            "new --endpoint shop1 --catalogue others --start now",
            "nobody can be asked here; give --folder, too: there is no catalogue 'others' yet; ",
        ),
        ("new --endpoint shop1 --catalogue title --start now", "no catalogue 'title' yet; did you mean 'titles'?"),
        ("new --endpoint shop1 --catalogue titles --metadata *.csv --start now", "leave --metadata out"),
        (
            "new --endpoint shop1 --catalogue o --folder o --metadata [9 --start now",
            "opens a [regex] that does not end",
        ),
        ("new --catalogue titles", "nobody can be asked here; give --endpoint, --start, too"),
        ("new --endpoint shop1 --catalogue titles --folder x --start now", "the catalogue 'titles' is there already"),
        ("new --endpoint shop1 --catalogue titles --start now --path {day}", "holds {day}, which has no meaning here"),
    ],
)
def test_what_cannot_be_leaves_no_file(books: Site, words: str, said: str) -> None:
    ran = books.run("channel", "new", *words.split())
    assert ran.code == 2
    assert said in ran.err
    assert [path.name for path in file_of(books, "x").parent.iterdir()] == ["bookshop.toml"]


def test_the_questions_make_a_channel(books: Site) -> None:
    with on_terminal("channel", "new") as (terminal, child):
        terminal.say("Name: ", "bookshop")
        assert "there is a channel 'bookshop' already" in terminal.say("Name: ", "library")
        terminal.say("Description: ", "for the library")
        terminal.say("Endpoint: ", "shop3")
        terminal.say("Catalogue [titles]: ", "journals")
        terminal.say("Its folder: ", "journals")
        terminal.say("Metadata [*.xml *.json *.csv]: ")
        terminal.say("Start (now, all) [now]: ", "all")
        terminal.say("Folder there: ", "in/{date}")
        shown = terminal.say("Save it (save, cancel, again) [save]: ", "again")
        assert 'path = "in/{date}"' in shown
        for question in ("Name [library]: ", "Description [for the library]: ", "Endpoint [shop3]: "):
            terminal.say(question)
        for question in ("Catalogue [journals]: ", "Its folder [journals]: ", "Metadata", "Start", "Folder there"):
            terminal.say(question)
        terminal.say("Save it")
        terminal.until("does not exist; make it")
        assert child.wait(_LIMIT_S) == 0
    assert made(books, "library") == {
        "description": "for the library",
        "endpoint": "shop3",
        "catalogue": "journals",
        "start": "all",
        "place": {"path": "in/{date}"},
        "catalogues": {"journals": {"path": "journals", "metadata": ["*.xml", "*.json", "*.csv"]}},
    }


def test_an_answer_is_corrected_without_losing_the_others(books: Site) -> None:
    with on_terminal("channel", "new") as (terminal, child):
        terminal.say("Name: ", "library")
        terminal.say("Description: ")
        terminal.say("Endpoint: ", "shop3")
        terminal.say("Catalogue [titles]: ", "titels")
        assert "titels is a new catalogue" in terminal.say("Its folder: ", "<")
        terminal.say("Catalogue [titels]: ", "<")
        terminal.say("Endpoint [shop3]: ", "shop2")
        terminal.say("Catalogue [titels]: ", "journals")
        terminal.say("Its folder: ", "journals")
        terminal.say("Metadata", "[9")
        terminal.say("Start")
        terminal.say("Folder there: ", "in/{day}")
        assert "holds {day}, which has no meaning here" in terminal.say("Folder there: ", "in/{date}")
        terminal.say("Save it")
        assert "opens a [regex] that does not end" in terminal.say("Name [library]: ")
        for question in ("Description", "Endpoint [shop2]", "Catalogue [journals]", "Its folder [journals]"):
            terminal.say(question)
        terminal.say("Metadata [[9]: ", "*.json")
        terminal.say("Start")
        terminal.say("Folder there [in/{date}]: ")
        terminal.say("Save it")
        assert child.wait(_LIMIT_S) == 0
    assert made(books, "library")["catalogues"] == {"journals": {"path": "journals", "metadata": ["*.json"]}}


def test_cancelled_questions_leave_no_trace(books: Site) -> None:
    with on_terminal("channel", "new", "library", "--endpoint", "shop2", "--catalogue", "titles") as (terminal, child):
        for question in ("Name", "Description", "Endpoint", "Catalogue", "Start", "Folder there"):
            terminal.say(question)
        terminal.say("Save it", "cancel")
        terminal.until("cancelled; nothing was written")
        assert child.wait(_LIMIT_S) == 130
    assert not file_of(books, "library").exists()
