"""`gateway schedulers`: the form on a terminal, options without questions, who may, and what is recorded of it."""

import getpass
import os
import signal
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Site
from tests.cli.test_channel_cli import CHANNEL, SCHEDULERS, books
from tests.cli.test_job_new import _LIMIT_S, on_terminal

__all__ = ["books"]

NAMES = ("cron", "first", "metadata", "file")


def default_file(site: Site) -> Path:
    return site.root / "conf" / "schedulers.toml"


def channel_file(site: Site) -> Path:
    return site.root / "conf" / "channels.d" / "bookshop.toml"


def default_of(site: Site) -> dict[str, Any]:
    return dict(tomllib.loads(default_file(site).read_text())["default"])


def wall(text: str) -> str:
    return text[11:16]


def test_show_as_json_is_the_next_five_times_of_each_after_a_time(books: Site) -> None:
    shown = books.run("schedulers", "show", "--at", "2026-11-21T01:10", "--json").json
    assert tuple(shown) == NAMES
    assert {len(times) for times in shown.values()} == {5}
    assert shown["cron"][:3] == [f"2026-11-21T{hour}:10:00+01:00" for hour in ("02", "04", "06")]
    assert shown["first"][0] == "2026-11-22T14:00:00+01:00"
    assert shown["metadata"][0] == "2026-11-21T02:10:00+01:00"


def test_show_of_a_channel_goes_by_its_own_times_where_it_has_some(books: Site) -> None:
    at = ("--at", "2026-11-21T01:10:00+01:00", "--json")
    own = books.run("schedulers", "show", "--channel", "bookshop", *at).json
    default = books.run("schedulers", "show", *at).json
    assert [name for name in NAMES if own[name] != default[name]] == []  # 23:00 is built in, too
    channel_file(books).write_text(CHANNEL.replace("23:00", "06:30"))
    own = books.run("schedulers", "show", "--channel", "bookshop", *at).json
    assert wall(own["file"][0]) == "06:30"


def test_show_over_the_night_of_a_change_names_both_passes(books: Site) -> None:
    default_file(books).write_text("[default]\ncron = { every = 1, set_at = 2026-01-01T11:20:00+01:00 }\n")
    shown = books.run("schedulers", "show", "--at", "2026-10-25T01:00", "--json").json
    assert shown["cron"][1:3] == ["2026-10-25T02:20:00+02:00", "2026-10-25T02:20:00+01:00"]
    assert "02:20 again" in books.run("schedulers", "show", "--at", "2026-10-25T01:00").out


def test_options_set_what_they_say_and_ask_nothing(books: Site) -> None:
    before = datetime.now().astimezone()
    ran = books.run("schedulers", "set", "--cron", "3", "--metadata", "hourly :30", "--file", "weekly Mo 06:15")
    assert ran.code == 0, ran
    said = default_of(books)
    assert said["first"] == {"every": "week", "day": "Su", "at": "14:00"}
    assert said["metadata"] == {"every": "hour", "at": ":30"}
    assert said["file"] == {"every": "week", "day": "Mo", "at": "06:15"}
    assert said["cron"]["every"] == 3
    assert abs(said["cron"]["set_at"] - before) < timedelta(minutes=1)
    assert "saved: Cron Frequency, Metadata Change Delivery, File Change Delivery\n`gateway serve` will go" in ran.out
    more = ("--first", "daily 1:00", "--metadata", "hourly", "--file", "daily 2:00")
    ran = books.run("schedulers", "set", "--cron", "2", *more)
    assert (ran.code, "First" in ran.out) == (0, True)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_cron_can_be_set_as_of_another_time_and_counted_from_it(books: Site) -> None:
    books.run("schedulers", "set", "--cron", "5", "--cron-at", "2026-11-21T01:10", "--anchor", "set_time")
    shown = books.run("schedulers", "show", "--at", "2026-11-21T01:10", "--json").json
    assert [wall(one) for one in shown["cron"]] == ["06:10", "11:10", "16:10", "21:10", "02:10"]
    set_at = default_of(books)["cron"]["set_at"]
    books.run("schedulers", "set", "--anchor", "midnight")
    assert default_of(books)["cron"] == {"every": 5, "set_at": set_at}
    books.run("schedulers", "set", "--cron", "5", "--cron-at", "01:25")
    assert f"{default_of(books)['cron']['set_at']:%H:%M}" == "01:25"


def test_a_minute_of_every_hour_may_be_said_without_its_colon(books: Site) -> None:
    assert books.run("schedulers", "set", "--metadata", "hourly 5").code == 0
    assert default_of(books)["metadata"] == {"every": "hour", "at": ":05"}


def test_history_of_a_channel_that_there_is_not_is_3(books: Site) -> None:
    ran = books.run("schedulers", "history", "--channel", "bokshop")
    assert (ran.code, "did you mean 'bookshop'?" in ran.err) == (3, True)


def test_a_channel_takes_times_of_its_own_and_gives_them_back(books: Site) -> None:
    ran = books.run("schedulers", "set", "--channel", "bookshop", "--first", "daily 05:00", "--file", "default")
    assert ran.code == 0, ran
    assert tomllib.loads(channel_file(books).read_text())["schedule"] == {"first": {"every": "day", "at": "05:00"}}
    assert default_file(books).read_text() == SCHEDULERS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cron", "25"], "--cron: '25' is no cron frequency; write hours from 1 to 24"),
        (["--first", "daily 2:00 PM"], "--first: '2:00 PM' is no time by the 24-hour clock; write \"14:00\""),
        (["--file", "weekly 14:00"], '--file: every = "week" needs its day; write day = "Su"'),
        (["--metadata", "hourly :75"], '--metadata: \':75\' is no minute; write one from ":00" to ":59"'),
        (["--metadata", "hourly 75"], "--metadata: ':75' is no minute"),
        (["--first", "default"], "--first: 'default' is not known"),
        (["--cron-at", "01:10"], "--cron-at belongs to --cron"),
        (["--anchor", "noon"], "--anchor: 'noon' is not known; write midnight or set_time"),
        (["--first", "daily 20:00", "--file", "monthly"], "--file: 'monthly' is not known"),
        (["--channel", "bokshop", "--cron", "1"], "there is no channel 'bokshop'; did you mean 'bookshop'?"),
        ([], "nobody can be asked here; say what is to change"),
    ],
)
def test_what_cannot_be_changes_nothing_at_all(books: Site, words: list[str], said: str) -> None:
    ran = books.run("schedulers", "set", *words)
    assert ran.code in (2, 3)
    assert said in ran.err
    assert default_file(books).read_text() == SCHEDULERS
    assert channel_file(books).read_text() == CHANNEL
    assert not (books.root / "var").exists()


def test_set_to_what_it_was_is_no_change_and_is_not_recorded(books: Site) -> None:
    ran = books.run("schedulers", "set", "--first", "weekly Su 14:00")
    assert (ran.code, ran.out) == (0, "nothing is changed: it was so before\n")
    assert books.run("schedulers", "history").out == "Nothing was changed yet.\n"


def test_who_changed_what_and_when_is_recorded(books: Site) -> None:
    books.run("schedulers", "set", "--first", "daily 21:00")
    books.run("schedulers", "set", "--channel", "bookshop", "--file", "default")
    later, earlier = books.run("schedulers", "history", "--json").json
    me = getpass.getuser()
    assert (earlier["who"], earlier["channel"], earlier["what"]) == (me, None, "first")
    assert (earlier["old"], earlier["new"]) == (
        '{ every = "week", day = "Su", at = "14:00" }',
        '{ every = "day", at = "21:00" }',
    )
    assert (later["channel"], later["old"], later["new"]) == ("bookshop", '{ every = "day", at = "23:00" }', None)
    out = books.run("schedulers", "history").out
    assert "(default)  first: weekly Su 14:00 -> daily 21:00" in out
    assert "bookshop   file: daily 23:00 -> default" in out
    assert "(default)" not in books.run("schedulers", "history", "--channel", "bookshop").out


@pytest.mark.skipif(os.geteuid() != 0, reason="counts on being root")
@pytest.mark.parametrize(("maintainers", "may"), [('["root"]', True), ('["@root"]', True), ('["nobody"]', False)])
def test_only_maintainers_may_set_the_default(
    books: Site, maintainers: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "nobody")  # what the environment says is no proof
    monkeypatch.setenv("LOGNAME", "nobody")
    text = books.config.read_text().replace("[gateway]", f"[gateway]\nmaintainers = {maintainers}")
    books.config.write_text(text)
    ran = books.run("schedulers", "set", "--first", "daily 21:00")
    assert ran.code == (0 if may else 7)
    assert (default_file(books).read_text() != SCHEDULERS) == may
    if not may:
        assert "the user root may not change the default schedule" in ran.err
        assert "it is kept by nobody" in ran.err
    assert books.run("schedulers", "set", "--channel", "bookshop", "--cron", "2").code == 0


def test_the_form_sets_what_is_answered_and_shows_the_next_times_at_once(books: Site) -> None:
    with on_terminal("schedulers", "set") as (terminal, child):
        terminal.say("Hours (1-24) [2]: ", "25")
        assert "write hours from 1 to 24" in terminal.say("Hours (1-24) [2]: ", "3")
        shown = terminal.say("Frequency (hourly, daily, weekly) [weekly]: ", "Weekly")
        assert "from midnight" in shown
        terminal.say("Day (Mo, Tu, We, Th, Fr, Sa, Su) [Su]: ", "Xyday")
        assert "write Mo, Tu" in terminal.say("Day (Mo, Tu, We, Th, Fr, Sa, Su) [Su]: ", "monday")
        terminal.say("24hr Time [14:00]: ", "2:00 PM")
        assert 'write "14:00"' in terminal.say("24hr Time [14:00]: ", "06:15")
        assert "every week on Mo at 06:15: 06:15 on Mon" in terminal.say("Frequency (hourly, daily, weekly) [hourly]: ")
        terminal.say("Minute (such as :30; cron: that of the cron frequency) [cron]: ", ":30")
        terminal.say("Frequency (hourly, daily, weekly) [daily]: ")
        terminal.say("24hr Time [23:00]: ")
        review = terminal.say("Save it (save, cancel, again) [save]: ")
        assert "every week on Mo at 06:15" in review
        terminal.until("saved: ")
        assert child.wait(_LIMIT_S) == 0
    said = default_of(books)
    assert said["cron"]["every"] == 3
    assert said["first"] == {"every": "week", "day": "Mo", "at": "06:15"}
    assert said["metadata"] == {"every": "hour", "at": ":30"}
    assert "file" not in said  # kept as it is built in
    assert len(books.run("schedulers", "history", "--json").json) == 3


def test_the_form_keeps_everything_where_enter_is_all_that_is_said(books: Site) -> None:
    with on_terminal("schedulers", "set") as (terminal, child):
        for question in ("Hours", "Frequency", "Day", "24hr Time", "Frequency", "Minute", "Frequency", "24hr Time"):
            terminal.say(f"{question} ")
        terminal.say("Save it")
        terminal.until("nothing is changed")
        assert child.wait(_LIMIT_S) == 0
    assert default_file(books).read_text() == SCHEDULERS


@pytest.mark.parametrize("how", ["cancel", "end of input", "Ctrl-C"])
def test_a_cancelled_form_changes_nothing(books: Site, how: str) -> None:
    with on_terminal("schedulers", "set") as (terminal, child):
        terminal.say("Hours ", "7")
        for question in ("Frequency", "Day", "24hr Time", "Frequency", "Minute", "Frequency", "24hr Time"):
            terminal.say(f"{question} ")
        terminal.until("Save it (save, cancel, again) [save]: ")
        if how == "Ctrl-C":  # readline misses one that comes just before it begins to wait
            while "cancelled" not in terminal.seen:
                child.send_signal(signal.SIGINT)
                any("cancelled" in terminal.look() for _ in range(20))
        else:
            os.write(terminal._file, b"cancel\n" if how == "cancel" else b"\x04")
        terminal.until("cancelled; nothing was written")
        assert child.wait(_LIMIT_S) == 130
    assert default_file(books).read_text() == SCHEDULERS
    assert books.run("schedulers", "history", "--json").json == []


def test_the_form_goes_back_and_of_a_channel_offers_the_default(books: Site) -> None:
    with on_terminal("schedulers", "set", "--channel", "bookshop") as (terminal, child):
        terminal.say("Hours (1-24, or default) [default]: ", "4")
        terminal.say("Frequency (hourly, daily, weekly, default) [default]: ", "<")
        terminal.say("Hours (1-24, or default) [4]: ", "default")
        terminal.say("Frequency (hourly, daily, weekly, default) [default]: ", "weekly")
        terminal.say("Day (Mo, Tu, We, Th, Fr, Sa, Su) [Su]: ", "<")
        terminal.say("Frequency (hourly, daily, weekly, default) [default]: ", "daily")
        terminal.say("24hr Time [14:00]: ", "05:00")
        terminal.say("Frequency (hourly, daily, weekly, default) [default]: ")
        terminal.say("Frequency (hourly, daily, weekly, default) [daily]: ", "default")
        terminal.say("Save it", "again")
        for question in ("Hours", "Frequency", "24hr Time", "Frequency", "Frequency"):
            terminal.say(f"{question} ")
        terminal.say("Save it")
        terminal.until("saved: ")
        assert child.wait(_LIMIT_S) == 0
    assert tomllib.loads(channel_file(books).read_text())["schedule"] == {"first": {"every": "day", "at": "05:00"}}


def test_what_changed_while_the_form_was_open_is_not_overwritten(books: Site) -> None:
    theirs = SCHEDULERS.replace("14:00", "15:00")
    with on_terminal("schedulers", "set") as (terminal, child):
        terminal.say("Hours ", "7")
        for question in ("Frequency", "Day", "24hr Time", "Frequency", "Minute", "Frequency", "24hr Time"):
            terminal.say(f"{question} ")
        terminal.until("Save it (save, cancel, again) [save]: ")
        default_file(books).write_text(theirs)
        os.write(terminal._file, b"\n")
        terminal.until("was changed meanwhile; nothing is saved")
        assert child.wait(_LIMIT_S) == 2
    assert default_file(books).read_text() == theirs
