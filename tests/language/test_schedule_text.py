"""Every form of a schedule, and every way to get one wrong (SPEC §6)."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gateway.language.grammar import grammar_text
from gateway.language.schedule import Schedule, ScheduleError, parse_schedule, show_schedule
from gateway.language.schedule_nodes import (
    CONTINUOUSLY,
    DAY_S,
    EVERY_DAY,
    DayNumbers,
    LastDay,
    Monthly,
    NthWeekday,
    OneTime,
    Position,
    Times,
    Weekly,
)

HOUR = 3600
SIX = (Times(6 * HOUR),)


def weekly(days: tuple[int, ...], *times: Times) -> Weekly:
    return Weekly(days, times or SIX)


def monthly(days: DayNumbers | LastDay | NthWeekday, *months: int) -> Monthly:
    return Monthly(months or tuple(range(1, 13)), days, SIX)


FORMS: list[tuple[str, Schedule, str]] = [
    ("manually", Schedule(), "manually"),
    ("MANUALLY", Schedule(), "manually"),
    ("continuously", Schedule(CONTINUOUSLY), "continuously"),
    ("on Su-Sa @00:00-24:00", Schedule(CONTINUOUSLY), "continuously"),
    ("on file polling continuously", Schedule(CONTINUOUSLY, polling=True), "on file polling continuously"),
    ("on file continuously", Schedule(CONTINUOUSLY, polling=True), "on file polling continuously"),
    ("  On  File  POLLING   Continuously ", Schedule(CONTINUOUSLY, polling=True), "on file polling continuously"),
    (
        "on file polling for America/Lima continuously",
        Schedule(CONTINUOUSLY, polling=True, zone="America/Lima"),
        "on file polling for America/Lima continuously",
    ),
    ("every 10m", Schedule((weekly(EVERY_DAY, Times(0, DAY_S, 600)),)), "every 10m"),
    ("on Su-Sa @00:00/00:10-24:00", Schedule((weekly(EVERY_DAY, Times(0, DAY_S, 600)),)), "every 10m"),
    ("every 1d", Schedule((weekly(EVERY_DAY, Times(0, DAY_S, DAY_S)),)), "every 1d"),
    ("on Mo @06:00", Schedule((weekly((1,)),)), "on Mo @06:00"),
    ("on Mo @6:00:00", Schedule((weekly((1,)),)), "on Mo @06:00"),
    ("on mo we-fr @06:00", Schedule((weekly((1, 3, 4, 5)),)), "on MoWe-Fr @06:00"),
    ("on MoWe-Fr @ 06:00", Schedule((weekly((1, 3, 4, 5)),)), "on MoWe-Fr @06:00"),
    ("on Mo\u2013Fr @06:00", Schedule((weekly((1, 2, 3, 4, 5)),)), "on Mo-Fr @06:00"),
    ("on Fr-Mo @06:00", Schedule((weekly((0, 1, 5, 6)),)), "on SuMoFrSa @06:00"),
    ("on Mo-Su @06:00", Schedule((weekly(EVERY_DAY),)), "on Su-Sa @06:00"),
    (
        "on Mo @09:00/01:00-17:00",
        Schedule((weekly((1,), Times(9 * HOUR, 17 * HOUR, HOUR)),)),
        "on Mo @09:00/01:00-17:00",
    ),
    ("on Mo @09:00-17:00", Schedule((weekly((1,), Times(9 * HOUR, 17 * HOUR)),)), "on Mo @09:00-17:00"),
    (
        "on Mo @18:00-24:00, 06:15:30 ,09:00/00:30-12:00",
        Schedule((weekly((1,), Times(22530), Times(9 * HOUR, 12 * HOUR, 1800), Times(18 * HOUR, DAY_S)),)),
        "on Mo @06:15:30,09:00/00:30-12:00,18:00-24:00",
    ),
    (
        "on Mo @09:00-12:00,12:00",
        Schedule((weekly((1,), Times(9 * HOUR, 12 * HOUR), Times(12 * HOUR)),)),
        "on Mo @09:00-12:00,12:00",
    ),
    (
        "on Mo-Fr @06:00+on Sa @06:00",
        Schedule((weekly((1, 2, 3, 4, 5)), weekly((6,)))),
        "on Mo-Fr @06:00 + on Sa @06:00",
    ),
    (
        "in JanFebJul-Sep on day 1,8-15 @06:00",
        Schedule((monthly(DayNumbers((1, 8, 9, 10, 11, 12, 13, 14, 15)), 1, 2, 7, 8, 9),)),
        "in JanFebJul-Sep on day 1,8-15 @06:00",
    ),
    (
        "in Nov-Feb on day 31 @06:00",
        Schedule((monthly(DayNumbers((31,)), 1, 2, 11, 12),)),
        "in JanFebNovDec on day 31 @06:00",
    ),
    ("in Feb on day 29 @06:00", Schedule((monthly(DayNumbers((29,)), 2),)), "in Feb on day 29 @06:00"),
    ("in Jan-Dec on last day @06:00", Schedule((monthly(LastDay()),)), "in Jan-Dec on last day @06:00"),
    (
        "in jan mar on first monday @06:00",
        Schedule((monthly(NthWeekday(Position.FIRST, 1), 1, 3),)),
        "in JanMar on first Monday @06:00",
    ),
    (
        "in Jan on second Tuesday @06:00",
        Schedule((monthly(NthWeekday(Position.SECOND, 2), 1),)),
        "in Jan on second Tuesday @06:00",
    ),
    (
        "in Jan on third Sunday @06:00",
        Schedule((monthly(NthWeekday(Position.THIRD, 0), 1),)),
        "in Jan on third Sunday @06:00",
    ),
    (
        "in Jan on fourth Saturday @06:00",
        Schedule((monthly(NthWeekday(Position.FOURTH, 6), 1),)),
        "in Jan on fourth Saturday @06:00",
    ),
    (
        "in Jan on last Friday @06:00",
        Schedule((monthly(NthWeekday(Position.LAST, 5), 1),)),
        "in Jan on last Friday @06:00",
    ),
    (
        "in Jan on every Thursday @06:00",
        Schedule((monthly(NthWeekday(Position.EVERY, 4), 1),)),
        "in Jan on every Thursday @06:00",
    ),
    (
        "on file polling in Jan on day 1 @06:00+in Jan on first Monday @06:00",
        Schedule((monthly(DayNumbers((1,)), 1), monthly(NthWeekday(Position.FIRST, 1), 1)), polling=True),
        "on file polling in Jan on day 1 @06:00 + in Jan on first Monday @06:00",
    ),
    ("on 2027/01/31 @06:00", Schedule((OneTime(date(2027, 1, 31), SIX),)), "on 2027/01/31 @06:00"),
    (
        "on file polling on 2027/1/5 @06:00",
        Schedule((OneTime(date(2027, 1, 5), SIX),), polling=True),
        "on file polling on 2027/01/05 @06:00",
    ),
    (
        "for Europe/Vienna on Mo @06:00",
        Schedule((weekly((1,)),), zone="Europe/Vienna"),
        "for Europe/Vienna on Mo @06:00",
    ),
]


@pytest.mark.parametrize(("text", "schedule", "shown"), FORMS, ids=[form[0] for form in FORMS])
def test_each_form_is_read_and_printed(text: str, schedule: Schedule, shown: str) -> None:
    assert parse_schedule(text) == schedule
    assert show_schedule(schedule) == shown
    assert parse_schedule(shown) == schedule


def test_manual_polling_and_zone_are_said() -> None:
    assert parse_schedule("manually").manual
    assert not parse_schedule("every 10m").manual
    assert not parse_schedule("continuously").polling
    polled = parse_schedule("on file polling for America/Lima on Mo @06:00")
    assert (polled.polling, polled.zone) == (True, "America/Lima")


WRONG: list[tuple[str, int, str]] = [
    (
        "",
        1,
        "the schedule is empty; write `on file polling continuously`, `on Mo-Fr @06:15`, `every 10m` or `manually`",
    ),
    (
        "daily",
        1,
        "found 'daily'; a schedule reads `on file polling continuously`, `on Mo-Fr @06:15`, `every 10m` or `manually`",
    ),
    ("*/5 * * * *", 1, "found '*/5'; a schedule reads"),
    ("contiuously", 1, "found 'contiuously'; write `continuously`"),
    ("on file poling continuously", 9, "found 'poling'; write `polling`"),
    ("manually on Mo @06:00", 10, "found 'on'; expected the end"),
    ("every", 6, "found the end of the text; expected a length such as 10m"),
    ("every ten", 7, "'ten' is not a duration"),
    ("every 2d", 7, "`every 2d`: write whole seconds, from 1s to 1d; less often needs days: on MoTh @06:00"),
    ("every 500ms", 7, "`every 500ms`: write whole seconds"),
    ("every 0s", 7, "write whole seconds, from 1s"),
    ("on file polling every 10m", 17, "found 'every'; `every` stands alone; here write on Su-Sa @00:00/00:10-24:00"),
    ("on Monday @06:00", 4, "found 'Monday'; write Mo"),
    ("on Mon-Fri @06:00", 4, "found 'Mon'; write Mo"),
    ("on Mo,Tu @06:00", 6, "found ',Tu'; write days without it, such as MoWe-Fr"),
    ("on Mo-Wx @06:00", 7, "found 'Wx'; expected days such as Mo or MoWe-Fr"),
    ("on Mo Mo @06:00", 7, "Mo comes twice; name each day or month once"),
    ("on Mo-We Tu @06:00", 10, "Tu comes twice"),
    ("on Mo-Fr", 9, "found the end of the text; expected days such as Mo or MoWe-Fr or `@` and times such as @06:15"),
    ("on Mo-Fr @", 11, "found the end of the text; expected a time such as 06:15"),
    ("on Mo 06:00", 7, "found '06:00'; write @06:00 for a time"),
    ("on Mo @6", 8, "found '6'; expected a time such as 06:15"),
    ("on Mo @25:00", 8, "there is no time 25:00; write 00:00 to 24:00"),
    ("on Mo @06:60", 8, "there is no time 06:60"),
    ("on Mo @06:00-24:01", 14, "there is no time 24:01"),
    ("on Mo @24:00", 8, "24:00 only ends a range; the day starts at 00:00"),
    (
        "on Mo @22:00/00:30-02:00",
        20,
        "the range ends at 02:00, not after its start 22:00; over midnight write two parts: "
        "on Mo-Fr @22:00/00:30-24:00 + on Tu-Sa @00:00/00:30-02:00",
    ),
    ("on Mo @06:00-06:00", 14, "the range ends at 06:00, not after its start 06:00"),
    ("on Mo @06:00/00:00-07:00", 14, "the interval is 00:00"),
    ("on Mo @06:00/02:00-07:00", 14, "longer than its range of 01:00; write one of at most that, or leave it out"),
    ("on Mo @06:00/00:10", 19, "found the end of the text; expected `-` and the end of a range"),
    ("on We @00:00-01:00,00:30", 20, "00:30 overlaps 00:00-01:00; name each time once"),
    ("on We @06:00,06:00", 14, "06:00 overlaps 06:00"),
    ("on We @06:00/01:00-12:00,12:00-13:00", 26, "12:00-13:00 overlaps 06:00/01:00-12:00"),
    ("on Mo-Fr @06:00 + on Mo @07:00", 19, "Mo comes in two parts; write all its times in one"),
    ("on Mo @06:00 + in Jan on day 1 @06:00", 16, "weekly parts go with weekly ones, monthly with monthly"),
    ("on 2027/01/01 @06:00 + on 2027/01/02 @06:00", 24, "weekly parts go with weekly ones"),
    ("in January on day 1 @06:00", 4, "found 'January'; write Jan"),
    ("in Jan Jan-Mar on day 1 @06:00", 8, "Jan comes twice"),
    ("in Feb on day 30 @06:00", 15, "there is no day 30 in Feb; write 1 to 29, or `last day`"),
    ("in Jan on day 32 @06:00", 15, "there is no day 32 in a month; write 1 to 31"),
    ("in Jan on day 0 @06:00", 15, "there is no day 0"),
    ("in Jan on day 15-8 @06:00", 15, "the range 15-8 runs backwards; write 8-15"),
    ("in Jan on day 1,1-3 @06:00", 17, "1 comes twice"),
    ("in Jan on day 1,last day @06:00", 17, "found 'last'; expected a day of the month such as 15"),
    ("in Jan on first Mo @06:00", 17, "found 'Mo'; write Monday"),
    ("in Jan on fifth Monday @06:00", 11, "found 'fifth'; expected `every`, `day`, `first Monday` or `last day`"),
    ("on first Monday @06:00", 4, "found 'first'; days of a month follow months: in Jan-Dec on first Monday @06:15"),
    ("in JanFeb on day 1-3 @06:00+in Feb on day 3 @06:00", 29, "day 3 of Feb comes in two parts"),
    ("in Jan on last day @06:00+in Jan on last day @07:00", 27, "last day of Jan comes in two parts"),
    ("in Jan on every Monday @06:00+in Jan on last Monday @07:00", 31, "last Monday of Jan comes in two parts"),
    ("on 2027/02/30 @06:00", 4, "there is no day 2027/02/30; write year/month/day, such as 2027/01/31"),
    ("on 0027/02/03 @06:00", 4, "the year 27 is out of reach; write 1970 to 9000"),
    ("for Europe/Wien continuously", 5, "unknown time zone 'Europe/Wien'; did you mean Europe/Vienna?"),
    ("for ../../etc/passwd continuously", 5, "found '../../etc/passwd'; expected a time zone such as America/Lima"),
    ("for Europe continuously", 5, "unknown time zone 'Europe'"),
]


@pytest.mark.parametrize(("text", "column", "message"), WRONG, ids=[repr(wrong[0]) for wrong in WRONG])
def test_an_error_names_the_column_what_was_found_and_what_to_write(text: str, column: int, message: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert caught.value.message.startswith(message) or message in caught.value.message
    assert caught.value.column == column


def test_days_that_only_sometimes_fall_together_may_stand_in_two_parts() -> None:
    parse_schedule("in Jan-Dec on day 31 @06:00 + in Jan-Dec on last day @06:00")
    parse_schedule("in Jan on day 1-3 @06:00 + in Feb on day 1-3 @06:00")


def test_no_parser_is_loaded_before_the_first_schedule_is_read() -> None:
    code = "import sys, gateway.language.schedule, gateway.language.calendar; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_grammar_is_found_beside_the_package_or_in_the_checkout(tmp_path: Path) -> None:
    installed, checkout = tmp_path / "installed", tmp_path / "checkout"
    for place in (installed, checkout):
        place.mkdir()
        with pytest.raises(FileNotFoundError, match=r"schedule\.lark"):
            grammar_text("schedule.lark", (installed, checkout))
    (checkout / "schedule.lark").write_text("checkout")
    assert grammar_text("schedule.lark", (installed, checkout)) == "checkout"
    (installed / "schedule.lark").write_text("installed")
    assert grammar_text("schedule.lark", (installed, checkout)) == "installed"
