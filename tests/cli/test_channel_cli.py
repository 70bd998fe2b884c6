"""`gateway channel list`, `show` and `check`: what holds, where it is said, and what is wrong with it."""

import re

import pytest

from tests.cli.conftest import Site

CHANNEL = """endpoint = "shop1"
catalogue = "titles"
start = "now"
[schedule]
file = { every = "day", at = "23:00" }
"""
CATALOGUE = '[catalogues.titles]\npath = "titles"\nmetadata = "*.onix.xml"\n'
SCHEDULERS = """[default]
cron = { every = 2, set_at = 2026-11-21T01:10:00+01:00 }
first = { every = "week", day = "Su", at = "14:00" }
"""


@pytest.fixture
def books(shops: Site) -> Site:
    """A gateway with the channel `bookshop`."""
    (shops.root / "titles").mkdir()
    (shops.root / "conf" / "channels.d").mkdir()
    (shops.root / "conf" / "channels.d" / "bookshop.toml").write_text(CHANNEL)
    (shops.root / "conf" / "schedulers.toml").write_text(SCHEDULERS)
    with shops.config.open("a") as file:
        file.write(CATALOGUE)
    return shops


def _blocks(out: str) -> list[list[str]]:
    """Each field with the lines below it."""
    lines = out.partition("\n\n")[2].splitlines()
    return [lines[at : at + 3] for at in range(0, len(lines), 3)]


def test_show_says_of_each_time_what_it_is_where_it_is_said_and_the_next_five(books: Site) -> None:
    out = books.run("channel", "show", "bookshop").out
    fields = {lines[0][:26].strip(): [line[26:] for line in lines] for lines in _blocks(out)}
    assert fields["Cron Frequency"][::2] == ["every 2 hours at :10 from midnight", "said in conf/schedulers.toml:2"]
    assert fields["First Delivery"][0] == "every week on Su at 14:00"
    assert re.fullmatch(r"14:00 on Sun \d+ ...(, Sun \d+( ...)?){4}", fields["First Delivery"][1])
    assert fields["Metadata Change Delivery"][::2] == ["every hour at :10", "built in"]
    assert fields["File Change Delivery"][::2] == ["every day at 23:00", "said in conf/channels.d/bookshop.toml:5"]
    assert "file waits for a person" in out


def test_show_as_json_holds_the_same(books: Site) -> None:
    shown = books.run("channel", "show", "bookshop", "--json").json
    assert shown["schedule"]["file"] == {"when": "every day at 23:00", "origin": "conf/channels.d/bookshop.toml:5"}
    assert {name: len(times) for name, times in shown["next"].items()} == dict.fromkeys(
        ("cron", "first", "metadata", "file"), 5
    )
    assert shown["approval"] == {"first": "auto", "metadata": "auto", "file": "manual"}


def test_list_names_each_channel_with_its_next_times(books: Site) -> None:
    (row,) = books.run("channel", "list", "--json").json
    assert (row["channel"], row["state"], row["endpoint"], row["catalogue"]) == ("bookshop", "ready", "shop1", "titles")
    assert row["next_file"][11:19] == "23:00:00"
    assert "bookshop" in books.run("channel", "list").out


def test_list_says_first_what_a_person_has_to_look_at(books: Site) -> None:
    channel = books.root / "conf" / "channels.d" / "bookshop.toml"
    channel.write_text(CHANNEL.replace('"now"', '"all"'))
    text = books.config.read_text().replace("[gateway]", '[gateway]\nstable_for = "100ms"')
    books.config.write_text(text)
    (books.root / "titles" / "978").mkdir()
    (books.root / "titles" / "978" / "978.onix.xml").write_text("<a/>")
    books.run("channel", "detect")
    (row,) = books.run("channel", "list", "--json").json
    assert (row["waiting"], row["review"], row["held"]) == (1, 0, 0)
    assert "1 waiting" in books.run("channel", "list").out


def test_without_channels_list_says_how_one_is_made(shops: Site) -> None:
    assert "`gateway channel new` makes one" in shops.run("channel", "list").out


def test_check_says_how_many_there_are_and_what_is_wrong_with_them(books: Site) -> None:
    assert books.run("channel", "check").out == "1 channel, no errors, no warnings\n"
    path = books.root / "conf" / "channels.d" / "bookshop.toml"
    path.write_text(CHANNEL + '[place]\nfiles = "all.bin"\n')
    ran = books.run("channel", "check", "bookshop")
    assert ran.code == 2
    assert f"{path}:7:1: error C103" in ran.out
    assert ran.out.endswith("1 channel, 1 error, no warnings\n")
    assert books.run("channel", "list", "--json").json[0]["state"] == "broken"


def test_check_of_a_configuration_that_can_not_be_read_says_why(books: Site) -> None:
    (books.root / "conf" / "schedulers.toml").write_text("[default]\nfirst = { every = 'week', at = '14:00' }\n")
    ran = books.run("channel", "check")
    assert ran.code == 2
    assert 'schedulers.toml:2:1: error C012 [schedulers.default.first] every = "week" needs its day' in ran.out


def test_gateway_check_looks_at_channels_too(books: Site) -> None:
    (books.root / "titles").rmdir()
    assert "C104" in books.run("check").out


@pytest.mark.parametrize("verb", ["show", "check"])
def test_a_channel_that_there_is_not_is_3_and_says_which_there_are(books: Site, verb: str) -> None:
    ran = books.run("channel", verb, "bokshop")
    assert ran.code == 3
    assert "there is no channel 'bokshop'; did you mean 'bookshop'?" in ran.err
