"""Schedules saved into their files: comments and all else kept, whole or not at all, two at once one by one."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.read import read_channels
from gateway.channels.schedule_file import Change, current, save
from gateway.channels.schedule_text import parse_cron, parse_rhythm, short_text
from gateway.channels.schedule_values import toml_of, values_of
from gateway.config.channels import RhythmSettings
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused
from tests.channels.test_read import BOOKSHOP, MAIN, SCHEDULERS, Site, site

__all__ = ["site"]

NOW = datetime(2026, 11, 22, 1, 10, 42, 5, tzinfo=ZoneInfo("Europe/Vienna"))
COMMENTED = """# The default schedule: ask Eva before you change it.
[default]
cron     = { every = 1, set_at = 2026-11-21T11:20:00+01:00 }   # hours 1-24
first    = { every = "day",  at = "22:00" }                    # one large delivery
# prices are urgent
metadata = { every = "hour", at = ":30" }
file     = { every = "week", day = "Su", at = "14:00" }

# the end
"""
DEFAULT = Path("conf/schedulers.toml")
CHANNEL = Path("conf/channels.d/bookshop.toml")


def again(loaded: Loaded) -> Loaded:
    return load(loaded.path, {})


def test_one_value_changes_and_every_other_byte_stays(site: Site) -> None:
    loaded = site(schedulers=COMMENTED)
    changes = save(loaded, None, {"first": parse_rhythm("weekly Mo 06:15")}, NOW)
    assert DEFAULT.read_text() == COMMENTED.replace(
        '{ every = "day",  at = "22:00" }', '{ every = "week", day = "Mo", at = "06:15" }'
    )
    assert changes == (
        Change("first", '{ every = "day", at = "22:00" }', '{ every = "week", day = "Mo", at = "06:15" }'),
    )


def test_set_at_is_written_when_every_is_set_and_only_then(site: Site) -> None:
    loaded = site(schedulers=COMMENTED)
    save(loaded, None, {"file": parse_rhythm("daily 23:00")}, NOW)
    assert "set_at = 2026-11-21T11:20:00+01:00" in DEFAULT.read_text()
    save(again(loaded), None, {"cron": parse_cron("2")}, NOW)
    assert "cron     = { every = 2, set_at = 2026-11-22T01:10:42+01:00 }   # hours 1-24" in DEFAULT.read_text()


def test_what_is_as_it_was_is_no_change_and_the_file_is_not_touched(site: Site) -> None:
    loaded = site(schedulers=COMMENTED)
    before = DEFAULT.stat()
    assert save(loaded, None, {"metadata": parse_rhythm("hourly :30")}, NOW) == ()
    assert (DEFAULT.stat().st_ino, DEFAULT.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_default_that_stands_in_no_file_yet_gets_one_with_the_rights_of_the_main_file(site: Site) -> None:
    loaded = site(schedulers=None)
    loaded.path.chmod(0o640)
    save(loaded, None, {"first": parse_rhythm("daily 21:00"), "cron": parse_cron("3")}, NOW)
    assert DEFAULT.stat().st_mode & 0o777 == 0o640
    times = read_channels(again(loaded)).channels["bookshop"].times
    assert (times.cron.value.every, times.first.origin) == (3, "conf/schedulers.toml:5")


def test_a_channel_gets_a_schedule_of_its_own_in_its_own_file(site: Site) -> None:
    loaded = site('endpoint = "bookshop" # Bob\'s\ncatalogue = "titles"\nstart = "now"\n[place]\npath = "/in"\n')
    save(loaded, "bookshop", {"metadata": parse_rhythm("daily 06:00")}, NOW)
    assert 'endpoint = "bookshop" # Bob\'s\n' in CHANNEL.read_text()
    times = read_channels(again(loaded)).channels["bookshop"].times
    assert times.metadata.origin.startswith("conf/channels.d/bookshop.toml:")
    assert times.first.origin.startswith("conf/schedulers.toml:")
    assert DEFAULT.read_text() == SCHEDULERS


def test_a_channels_value_taken_out_lets_the_default_hold_again(site: Site) -> None:
    loaded = site()
    (change,) = save(loaded, "bookshop", {"file": None}, NOW)
    assert (change.old, change.new) == ('{ every = "day", at = "23:00" }', None)
    times = read_channels(again(loaded)).channels["bookshop"].times
    assert times.file.origin == "conf/schedulers.toml:6"
    assert CHANNEL.read_text() == BOOKSHOP.replace('file = { every = "day", at = "23:00" }\n', "")


def test_a_value_under_a_header_of_its_own_is_changed_there(site: Site) -> None:
    loaded = site(schedulers='[default.file]  # weekly\nevery = "week"  # w\nday = "Su"\nat = "14:00"\n')
    save(loaded, None, {"file": parse_rhythm("daily 15:00")}, NOW)
    assert DEFAULT.read_text() == '[default.file]  # weekly\nevery = "day"  # w\nat = "15:00"\n'


def test_a_schedule_in_the_main_file_is_changed_there(site: Site) -> None:
    main = MAIN + '[schedulers.default]\nfirst = { every = "day", at = "20:00" } # eight\n'
    main += '[channels.other]\nendpoint = "bookshop"\ncatalogue = "titles"\nstart = "all"\n'
    loaded = site(main=main, schedulers=None)
    save(loaded, None, {"first": parse_rhythm("daily 21:00")}, NOW)
    save(again(loaded), "other", {"cron": parse_cron("4")}, NOW)
    text = loaded.path.read_text()
    assert '{ every = "day", at = "21:00" } # eight' in text
    assert "[channels.other.schedule]\ncron = { every = 4, set_at = 2026-11-22T01:10:42+01:00 }" in text
    assert not DEFAULT.exists()


def test_a_file_that_another_hand_changed_meanwhile_is_left_alone(site: Site) -> None:
    loaded = site()
    theirs = SCHEDULERS.replace("22:00", "21:30")
    DEFAULT.write_text(theirs)
    with pytest.raises(Refused, match="was changed meanwhile; nothing is saved"):
        save(loaded, None, {"file": parse_rhythm("daily 15:00")}, NOW)
    assert DEFAULT.read_text() == theirs


def test_where_the_configuration_could_not_be_with_it_nothing_is_saved(site: Site) -> None:
    loaded = site()
    CHANNEL.write_text(BOOKSHOP.replace('"bookshop"', '"nobody"'))  # another file, wrong by now
    with pytest.raises(Refused, match="there is no endpoint 'nobody'"):
        save(loaded, None, {"file": parse_rhythm("daily 15:00")}, NOW)
    assert DEFAULT.read_text() == SCHEDULERS


def test_line_ends_of_another_system_stay(site: Site) -> None:
    loaded = site()
    DEFAULT.write_bytes(SCHEDULERS.replace("\n", "\r\n").encode())
    save(again(loaded), None, {"first": parse_rhythm("daily 21:00")}, NOW)
    expected = SCHEDULERS.replace('{ every = "day",  at = "22:00" }', '{ every = "day", at = "21:00" }')
    assert DEFAULT.read_bytes() == expected.replace("\n", "\r\n").encode()


def test_values_say_all_that_the_files_say_as_they_would_be_written(site: Site) -> None:
    assert values_of(site()) == {
        ("", "cron"): "{ every = 1, set_at = 2026-11-21T11:20:00+01:00 }",
        ("", "first"): '{ every = "day", at = "22:00" }',
        ("", "metadata"): '{ every = "hour", at = ":30" }',
        ("", "file"): '{ every = "week", day = "Su", at = "14:00" }',
        ("bookshop", "file"): '{ every = "day", at = "23:00" }',
    }


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("hourly", '{ every = "hour" }'),
        ("hour :05", '{ every = "hour", at = ":05" }'),
        ("daily 22:00", '{ every = "day", at = "22:00" }'),
        ("Weekly Sunday 14:00", '{ every = "week", day = "Su", at = "14:00" }'),
        ("every week on Su at 14:00", '{ every = "week", day = "Su", at = "14:00" }'),
        ("week, su, 7:05", '{ every = "week", day = "Su", at = "07:05" }'),
    ],
)
def test_rhythms_are_read_as_people_say_them(text: str, written: str) -> None:
    assert toml_of(parse_rhythm(text)) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing is said; write"),
        ("monthly 14:00", "'monthly' is not known; write \"hourly\""),
        ("daily", 'needs its time; write at = "14:00"'),
        ("weekly 14:00", 'needs its day; write day = "Su"'),
        ("daily Su 14:00", 'day belongs to every = "week"'),
        ("daily 2:00 PM", 'write "14:00"'),
        ("daily 12:30am", 'write "00:30"'),
        ("daily 25:00", "is no time of day"),
        ("hourly 14:30", 'takes a minute, not 14:30; write at = ":30"'),
        ("weekly Su 14:00 15:00", "is not understood"),
    ],
)
def test_what_is_no_rhythm_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_rhythm(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["0", "25", "-1", "two", "", "1.5"])
def test_what_is_no_cron_frequency_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write hours from 1 to 24"):
        parse_cron(text)


@given(st.sampled_from(["hour", "day", "week"]), st.integers(0, 23), st.integers(0, 59), st.sampled_from(["Mo", "Su"]))
def test_every_rhythm_is_read_as_it_is_shown(every: str, hour: int, minute: int, day: str) -> None:
    at = f":{minute:02}" if every == "hour" else f"{hour:02}:{minute:02}"
    words = f"{every} {f'{day} ' if every == 'week' else ''}{at}"
    made = parse_rhythm(words)
    assert made == RhythmSettings.model_validate({"every": every, "at": at} | ({"day": day} if every == "week" else {}))


def test_current_is_what_is_said_there_and_nothing_else(site: Site) -> None:
    loaded = site()
    assert current(loaded, "bookshop").first is None
    assert current(loaded, "bookshop").file == parse_rhythm("daily 23:00")
    assert current(loaded, None).file == parse_rhythm("weekly Su 14:00")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('{ every = "week", day = "Su", at = "14:00" }', "weekly Su 14:00"),
        ('{ every = "hour", at = ":05" }', "hourly :05"),
        ('{ every = "hour" }', "hourly"),
        ("{ every = 1 }", "1 hour"),
        (
            '{ every = 5, set_at = 2026-11-21T01:10:00+01:00, anchor = "set_time" }',
            "5 hours, set 2026-11-21 01:10, counted from then",
        ),
    ],
)
def test_a_written_value_is_told_in_the_words_of_the_form(written: str, words: str) -> None:
    assert short_text(written) == words
