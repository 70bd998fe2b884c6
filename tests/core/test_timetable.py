"""Limits by the clock: how they are written, and which one holds when."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.timetable import Change, Timetable, limit_at, parse_timetable

VIENNA, LIMA, UTC_ZONE = ZoneInfo("Europe/Vienna"), ZoneInfo("America/Lima"), ZoneInfo("UTC")
K, M = 1024, 1024 * 1024
WEEK = "Mo-Fr 08:00,512k Sa 00:00,1M 18:00,off"


def at(text: str, zone: ZoneInfo = VIENNA, fold: int = 0) -> datetime:
    """A wall time of `zone`, handed over as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "moment", "limit"),
    [
        ("2M", "2026-11-04 03:00", 2 * M),
        ("off", "2026-11-04 03:00", None),
        ("1500", "2026-11-04 03:00", 1500),
        ("08:00,512k 18:00,off", "2026-11-04 07:59:59", None),
        ("08:00,512k 18:00,off", "2026-11-04 08:00", 512 * K),
        ("08:00,512k 18:00,off", "2026-11-04 17:59:59", 512 * K),
        ("08:00,512k 18:00,off", "2026-11-04 18:00", None),
        ("18:00,off 8:00,512k", "2026-11-08 09:00", 512 * K),
        (WEEK, "2026-11-02 07:59", None),  # Monday: what Saturday ended with
        (WEEK, "2026-11-02 08:00", 512 * K),
        (WEEK, "2026-11-03 02:00", 512 * K),  # over midnight
        (WEEK, "2026-11-07 00:00", 1 * M),
        (WEEK, "2026-11-07 18:00", None),
        (WEEK, "2026-11-08 12:00", None),  # Sunday is not named: Saturday's last holds on
        ("Mo-Fr 512k Sa,Su off", "2026-11-06 23:59:59", 512 * K),
        ("Mo-Fr 512k Sa,Su off", "2026-11-08 23:59:59", None),
        ("Mo We Fr 10:00,1M 11:00,2M Tu,Th 10:00,off", "2026-11-06 10:30", 1 * M),
        ("Mo We Fr 10:00,1M 11:00,2M Tu,Th 10:00,off", "2026-11-05 10:30", None),
        ("Sa-Mo 1M tuesday-Fri 2M", "2026-11-02 12:00", 1 * M),
        ("Sa-Mo 1M tuesday-Fri 2M", "2026-11-05 12:00", 2 * M),
    ],
)
def test_the_latest_entry_holds(text: str, moment: str, limit: int | None) -> None:
    assert limit_at(parse_timetable(text), at(moment), VIENNA) == limit


def test_the_zone_of_the_endpoint_decides() -> None:
    timetable = parse_timetable("08:00,512k 18:00,off")
    noon = datetime(2026, 11, 4, 12, tzinfo=UTC)
    assert limit_at(timetable, noon, VIENNA) == 512 * K
    assert limit_at(timetable, noon, LIMA) is None
    assert limit_at(timetable, noon + timedelta(hours=1), LIMA) == 512 * K


@pytest.mark.parametrize(
    ("moment", "fold", "limit"),
    [
        ("2026-10-25 01:59:59", 0, None),
        ("2026-10-25 02:00", 0, 1 * M),
        ("2026-10-25 02:30", 0, 2 * M),
        ("2026-10-25 02:00", 1, 1 * M),  # the hour comes again, and so do its limits
        ("2026-10-25 02:30", 1, 2 * M),
        ("2026-10-25 03:00", 0, None),
        ("2026-03-29 01:59:59", 0, None),
        ("2026-03-29 03:00", 0, 4 * M),  # 02:30 never comes: the latest that has passed holds
    ],
)
def test_when_the_clocks_change_the_wall_clock_decides(moment: str, fold: int, limit: int | None) -> None:
    text = "02:00,1M 02:30,2M 03:00,off" if moment.startswith("2026-10") else "00:00,off 02:30,4M"
    assert limit_at(parse_timetable(text), at(moment, fold=fold), VIENNA) == limit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no limit; write bytes a second such as"),
        ("fast", "'fast' is neither a rate nor weekdays; write bytes a second such as \"2M\", or by the clock such as"),
        ("fast 1M", "'fast' is no weekday; write Mo, Tu"),
        ("Mo-Xx", "'Mo-Xx' is neither a rate nor weekdays; write"),
        ("20MiB/s", "'20MiB/s' is no rate; write bytes a second such as \"2M\", or"),
        ("Mo", "ends with weekdays that have no limit"),
        ("08:00", "'08:00' is no rate"),
        ("08:00,", "'' is no rate"),
        ("24:00,1M", "'24:00' is no time of day; write one from 00:00 to 23:59"),
        ("08:60,1M", "'08:60' is no time of day"),
        ("08:00,1M 8:00,2M", "'8:00,2M': its day and time have an entry already"),
        ("Mo 1M Mo-Fr 2M", "'2M': its day and time have an entry already"),
        ("Mo-Xx 1M", "'Xx' is no weekday"),
        ("M 1M", "'M' is no weekday"),
        ("08:00,1M Sa", "ends with weekdays that have no limit"),
        ("0", "write at least 1k, off for no limit, or stop the endpoint with `gateway pause`"),
        ("08:00,100", "'08:00,100': less than 1k a second"),
        ("-5M", "'-5M' is no rate"),
        ("512k:1M", "'512k:1M' is no rate"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_timetable(text)


@pytest.mark.parametrize("text", ["fast", "20MiB/s", "Xx 1M"])
def test_what_is_wrong_is_said_once(text: str) -> None:
    with pytest.raises(ValueError, match="; write ") as caught:
        parse_timetable(text)
    assert str(caught.value).count(text.split()[0]) == 1


@pytest.mark.parametrize(("text", "limits"), [("off", False), ("Mo off Tu off", False), ("2M", True), (WEEK, True)])
def test_a_timetable_knows_whether_it_limits_anything(text: str, limits: bool) -> None:
    assert parse_timetable(text).limits is limits
    assert not Timetable().limits


@given(
    st.dictionaries(st.integers(0, 7 * 1440 - 1), st.none() | st.integers(1024, 10**9), min_size=1, max_size=6),
    st.integers(0, 7 * 86_400 - 1),
)
def test_walking_back_through_the_week_finds_the_same_limit(minutes: dict[int, int | None], second: int) -> None:
    table = Timetable(tuple(Change(minute * 60, minutes[minute]) for minute in sorted(minutes)))
    minute = second // 60
    while minute % (7 * 1440) not in minutes:
        minute -= 1
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    assert limit_at(table, monday + timedelta(seconds=second), UTC_ZONE) == minutes[minute % (7 * 1440)]
