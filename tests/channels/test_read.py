"""Channels in the configuration: files of their own, the default's times under their own, findings with their lines."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from gateway.channels.model import BUILT_IN, Anchor, Channel, Kind, Rhythm
from gateway.channels.read import read_channels
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.config.loaded import Loaded

Site = Callable[..., Loaded]

MAIN = """
[gateway]
root = ".."
timezone = "Europe/Vienna"
[endpoints.bookshop]
url = "sftp://gw@bookshop.example/in"
[endpoints.here]
url = "file:///srv/here"
[groups.shops]
endpoints = ["bookshop"]
[catalogues.titles]
path = "titles"
metadata = ["*.onix.xml"]
metadata_ignore = ["//Header"]
"""
BOOKSHOP = """endpoint = "bookshop"
catalogue = "titles"
start = "now"
items = { include = ["97*"], exclude = ["_drafts/*"] }
[schedule]
file = { every = "day", at = "23:00" }
[approval]
file = "manual"
[place]
path = "/in/{date}/"
files = "{item}{ext}"
done = "batch_{date}_{index}.done"
"""
SCHEDULERS = """# The default schedule of all channels
[default]
cron     = { every = 1, set_at = 2026-11-21T11:20:00+01:00 }
first    = { every = "day",  at = "22:00" }
metadata = { every = "hour", at = ":30" }
file     = { every = "week", day = "Su", at = "14:00" }
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "titles").mkdir()

    def make(bookshop: str = BOOKSHOP, schedulers: str | None = SCHEDULERS, main: str = MAIN, **more: str) -> Loaded:
        texts = {"gateway.toml": main, "channels.d/bookshop.toml": bookshop, "schedulers.toml": schedulers, **more}
        for name, text in texts.items():
            if text is not None:
                path = Path("conf") / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return load(Path("conf/gateway.toml"), {})

    return make


def bookshop(loaded: Loaded) -> Channel:
    return read_channels(loaded).channels["bookshop"]


def test_a_file_of_channels_d_is_a_channel_with_everything_resolved(site: Site, tmp_path: Path) -> None:
    channel = bookshop(site())
    assert (channel.endpoint, channel.catalogue.name, channel.catalogue.path) == (
        "bookshop",
        "titles",
        tmp_path / "titles",
    )
    assert channel.catalogue.is_metadata("978.onix.xml")
    assert not channel.catalogue.is_metadata("978.epub")
    assert channel.catalogue.metadata_ignore == ("//Header",)
    assert (channel.start, channel.zone.key) == ("now", "Europe/Vienna")
    assert channel.manual == {Kind.FILE}
    assert (channel.place.files, channel.place.done) == ("{item}{ext}", "batch_{date}_{index}.done")


def test_items_are_chosen_by_the_names_of_their_folders(site: Site) -> None:
    channel = bookshop(site(BOOKSHOP.replace('"97*"', '"97*", "_*"')))
    assert [item for item in ("978", "_drafts", "_new", "12") if channel.selects(item)] == ["978", "_new"]


def test_without_patterns_every_item_is_chosen(site: Site) -> None:
    channel = bookshop(site('endpoint = "bookshop"\ncatalogue = "titles"\nstart = "all"\n'))
    assert channel.selects("978")


def test_a_channels_own_times_come_before_the_default_and_each_says_where_it_stands(site: Site) -> None:
    times = bookshop(site()).times
    assert times.file.value == Rhythm("day", at=time(23, 0))
    assert times.file.origin == "conf/channels.d/bookshop.toml:6"
    assert times.metadata.value == Rhythm("hour", minute=30)
    assert times.metadata.origin == "conf/schedulers.toml:5"
    assert times.cron.value.set_at == datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
    assert (times.cron.value.every, times.cron.value.anchor) == (1, Anchor.MIDNIGHT)
    assert times.cron.origin == "conf/schedulers.toml:3"


def test_without_any_schedule_the_built_in_one_holds_and_says_so(site: Site) -> None:
    times = bookshop(site(BOOKSHOP.partition("[schedule]")[0], None)).times
    assert {times.cron.origin, *(times.valued(kind).origin for kind in Kind)} == {BUILT_IN}
    assert times.rhythm(Kind.FIRST) == Rhythm("day", at=time(22, 0))
    assert times.rhythm(Kind.METADATA) == Rhythm("hour")
    assert times.rhythm(Kind.FILE) == Rhythm("day", at=time(23, 0))
    assert times.cron.value.set_at.minute == 0


def test_what_a_channel_leaves_open_has_its_defaults(site: Site) -> None:
    channel = bookshop(site('endpoint = "bookshop"\ncatalogue = "titles"\nstart = "all"\n'))
    assert channel.manual == {Kind.FILE}
    assert (channel.payload_file, channel.wellformed, channel.place.files) == ("all", False, "{name}")


def test_a_setting_time_without_an_offset_is_of_the_zone_of_its_file(site: Site) -> None:
    naive = SCHEDULERS.replace("11:20:00+01:00", "11:20:00")
    channel = bookshop(site('timezone = "Asia/Kolkata"\n' + BOOKSHOP, naive))
    assert channel.times.cron.value.set_at == datetime(2026, 11, 21, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ('every = "week", day = "Su"', 'every = "week"', "6:", 'every = "week" needs its day; write day = "Su"'),
        (
            'every = "week", day = "Su"',
            'every = "day", day = "Su"',
            "6:",
            'day belongs to every = "week", not to "day"',
        ),
        ("14:00", "2:00 PM", "6:", 'is no time by the 24-hour clock; write "14:00"'),
        ("14:00", "24:00", "6:", "'24:00' is no time of day"),
        ('":30"', '"12:30"', "5:", 'every = "hour" takes a minute, not 12:30; write at = ":30"'),
        ('"22:00"', '":30"', "4:", "needs a whole time, not the minute :30"),
        ('every = "day",  at = "22:00"', 'every = "day"', "4:", 'every = "day" needs its time; write at = "14:00"'),
        ("every = 1", "every = 25", "3:", "should be less than or equal to 24"),
        ("every = 1", "every = 0", "3:", "should be greater than or equal to 1"),
        ("2026-11-21T11:20:00+01:00", '"noon"', "3:", "'noon' is no moment; write 2026-11-21T11:20:00+01:00"),
        ("2026-11-21T11:20:00+01:00", "11:20:00", "3:", "is no moment; write one with its day"),
        ("2026-11-21", "0001-01-01", "3:", "is out of the years 1970 to 9998; write when it was set: 2026-11-21T"),
        ("2026-11-21", "9999-12-31", "3:", "is out of the years 1970 to 9998"),
        ("every = 1", 'anchor = "noon"', "3:", "'noon' is not known; known here: midnight, set_time"),
        ("first ", "frist ", "4:", "unknown key 'frist'; did you mean 'first'?"),
        ('"Su"', '"Xy"', "6:", "'Xy' is no day of the week; write Mo, Tu"),
        ("[default]", "[defualt]", "2:", "unknown key 'defualt'; did you mean 'default'?"),
    ],
)
def test_a_wrong_schedule_is_refused_with_line_and_remedy(
    site: Site, old: str, new: str, place: str, said: str
) -> None:
    assert old in SCHEDULERS
    with pytest.raises(ConfigError) as refused:
        site(schedulers=SCHEDULERS.replace(old, new))
    line = next(line for line in str(refused.value).splitlines() if said in line)
    assert line.startswith(f"conf/schedulers.toml:{place}")


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        (
            'endpoint = "bookshop"',
            'endpoint = "bokshop"',
            "1:",
            "there is no endpoint 'bokshop'; did you mean 'bookshop'?",
        ),
        ('endpoint = "bookshop"', 'endpoint = "shops"', "1:", "that is a group; write one channel for each"),
        ('catalogue = "titles"', 'catalogue = "title"', "2:", "there is no catalogue 'title'; did you mean 'titles'?"),
        ('start = "now"', 'start = "later"', "3:", "'later' is not known; known here: all, now"),
        ('{date}/"', '{day}/"', "10:", "holds {day}, which has no meaning here; known here: {item}, {date}"),
        ("{item}{ext}", "{item}{ext", "11:", "has a brace without its other"),
        ("batch_{date}_{index}", "batch_{item}", "12:", "holds {item}, which has no meaning here"),
        ('file = "manual"', 'file = "ask"', "8:", "'ask' is not known; known here: auto, manual"),
    ],
)
def test_a_wrong_channel_is_refused_with_line_and_remedy(site: Site, old: str, new: str, place: str, said: str) -> None:
    assert old in BOOKSHOP
    with pytest.raises(ConfigError) as refused:
        site(BOOKSHOP.replace(old, new))
    line = next(line for line in str(refused.value).splitlines() if said in line)
    assert line.startswith(f"conf/channels.d/bookshop.toml:{place}")


@pytest.mark.parametrize("part", ["Header", "//", "//Header[1]", "/a//"])
def test_a_part_of_xml_that_can_not_be_is_refused(site: Site, part: str) -> None:
    with pytest.raises(ConfigError, match="names no part of an XML file"):
        site(main=MAIN.replace("//Header", part))


@pytest.mark.parametrize("part", ["//Header", "/ONIXMessage/Header", "//b:x/@id", "//@datestamp", "//Price/*", "/a/@*"])
def test_parts_of_xml_may_be_named_by_path_and_attribute(site: Site, part: str) -> None:
    assert bookshop(site(main=MAIN.replace("//Header", part))).catalogue.metadata_ignore == (part,)


@pytest.mark.parametrize(
    ("old", "new", "code", "place", "said"),
    [
        ('"97*"', '"97*/*.tmp"', "C102", "4:", "names files in an item, and items are chosen whole; write '97*'"),
        ('"97*"', '"[97"', "C101", "4:", "opens a [regex] that does not end"),
        ('"97*"', '"/data/97*"', "C101", "4:", "names no item"),
        ("{item}{ext}", "{date}.bin", "C103", "11:", "gives every file one name"),
        ('endpoint = "bookshop"', 'endpoint = "here"', None, "", ""),
    ],
)
def test_a_channel_that_can_not_be_is_broken_alone(
    site: Site, old: str, new: str, code: str | None, place: str, said: str
) -> None:
    read = read_channels(site(BOOKSHOP.replace(old, new), **{"channels.d/other.toml": BOOKSHOP.replace("/in/", "/o/")}))
    assert set(read.broken) == ({"bookshop"} if code else set())
    for finding in read.broken.values():
        assert finding.code == code
        assert str(finding).startswith(f"conf/channels.d/bookshop.toml:{place}")
        assert said in finding.message


def test_a_recipient_within_its_own_catalogue_is_refused(site: Site, tmp_path: Path) -> None:
    main = MAIN.replace("file:///srv/here", f"file://{tmp_path}")
    channel = BOOKSHOP.replace('endpoint = "bookshop"', 'endpoint = "here"').replace("/in/{date}/", "titles/{date}")
    read = read_channels(site(channel, main=main))
    assert read.broken["bookshop"].code == "C106"
    assert "lie in each other" in read.broken["bookshop"].message


def test_a_catalogue_that_is_not_there_is_a_warning(site: Site, tmp_path: Path) -> None:
    loaded = site()
    assert read_channels(loaded).findings == ()
    (tmp_path / "titles").rmdir()
    (finding,) = read_channels(loaded).findings
    assert (finding.code, str(finding.severity)) == ("C104", "warning")
    assert str(finding).startswith("conf/gateway.toml:12:1")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("/in/{date}/", "../../elsewhere", "path"),
        ("{item}{ext}", "../{item}/{name}", "files"),
        ("batch_{date}_{index}.done", "in/../../{index}.done", "done"),
    ],
)
def test_a_place_that_leads_out_of_the_recipients_folder_is_refused(site: Site, old: str, new: str, key: str) -> None:
    broken = read_channels(site(BOOKSHOP.replace(old, new))).broken["bookshop"]
    assert broken.code == "C109"
    assert f"[place] {key}: {new!r}" in broken.message


@pytest.mark.parametrize(
    ("main", "text", "wrong"),
    [
        (MAIN, BOOKSHOP.replace('"97*"', '"97["'), "'97['"),
        (MAIN, BOOKSHOP.replace('"_drafts/*"', '"drafts[0-9/*"'), "'drafts[0-9'"),
        (MAIN.replace("*.onix.xml", "*.[xml"), BOOKSHOP, "'*.[xml'"),
    ],
)
def test_a_bracket_that_is_not_closed_is_no_pattern(site: Site, main: str, text: str, wrong: str) -> None:
    broken = read_channels(site(text, main=main)).broken["bookshop"]
    assert broken.code == "C101"
    assert f"{wrong} holds a [ that does not end" in broken.message


def test_brackets_in_the_name_of_an_item_mean_themselves(site: Site) -> None:
    channel = bookshop(site(BOOKSHOP.replace('"97*"', '"97* [new]"')))
    assert channel.selects("978 [new]")


def test_two_dots_in_a_name_lead_nowhere(site: Site) -> None:
    assert not read_channels(site(BOOKSHOP.replace("{item}{ext}", "{item}..{ext}"))).findings


def test_two_channels_that_write_the_same_names_are_told(site: Site) -> None:
    (finding,) = read_channels(site(**{"channels.d/other.toml": BOOKSHOP})).findings
    assert finding.code == "C105"
    assert "the channel bookshop (conf/channels.d/bookshop.toml:1:1) writes to /in/{date}/ of bookshop, too" in str(
        finding
    )


def test_who_leaves_the_beginning_open_is_told_what_holds(site: Site) -> None:
    read = read_channels(site(BOOKSHOP.replace('start = "now"\n', "")))
    assert (read.findings[0].code, read.channels["bookshop"].start) == ("C107", "now")


@pytest.mark.parametrize(
    ("path", "done", "said"),
    [
        ("/in/{date}/", "batch_{date}_{time}.done", "all deliveries of a time"),
        ("/in/", "{date}.done", "all deliveries of a day"),
        ("/in/{date}_{index}/{item}", "{date}.done", None),
        ("/in/", "complete", "all deliveries;"),
        ("/in/{index}", "complete", None),
    ],
)
def test_a_marker_that_another_delivery_of_its_moment_replaces_is_told(
    site: Site, path: str, done: str, said: str | None
) -> None:
    text = BOOKSHOP.replace("/in/{date}/", path).replace("batch_{date}_{index}.done", done)
    findings = read_channels(site(text)).findings
    assert [(one.code, one.span.line) for one in findings] == ([("C108", 12)] if said else [])
    assert all(said in one.message for one in findings if said)


def test_schedulers_toml_is_read_once_and_whatever_include_says(site: Site) -> None:
    main = MAIN.replace('root = ".."', 'root = ".."\ninclude = ["channels.d/*.toml", "*.toml"]')
    loaded = site(main=main)
    assert [path.name for path in loaded.files] == ["gateway.toml", "schedulers.toml", "bookshop.toml"]
    without = site(main=MAIN.replace('root = ".."', 'root = ".."\ninclude = ["channels.d/*.toml"]'))
    assert bookshop(without).times.file.origin == "conf/channels.d/bookshop.toml:6"
    assert bookshop(without).times.first.origin == "conf/schedulers.toml:4"
