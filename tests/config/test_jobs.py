"""Jobs and profiles in the configuration: files of their own, keys, references, every finding with its line."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from gateway.config.findings import ConfigError
from gateway.config.job_kinds import DeleteLimit, Require
from gateway.config.load import load
from tests.config.conftest import Write

MAIN = """
[gateway]
root = ".."
[endpoints.shop001]
url = "sftp://gw@shop001.example/pos"
[endpoints.shop002]
url = "sftp://gw@shop002.example/pos"
[groups.shops]
endpoints = ["shop001", "shop002"]
"""
PRICES = """description = "price lists"
[source]
path = "/data/prices"
[[destinations]]
group = "shops"
path = "/pos/in"
"""


def refusals(write: Write, prices: str, main: str = MAIN) -> str:
    with pytest.raises(ConfigError) as refused:
        load(write(main, **{"jobs.d/prices.toml": prices}), {})
    return str(refused.value)


def test_a_file_of_jobs_d_is_a_job_named_by_its_stem(write: Write) -> None:
    loaded = load(write(MAIN, **{"jobs.d/prices.toml": PRICES}), {})
    job = loaded.config.jobs["prices"]
    assert (job.description, job.source.path, job.destinations[0].group) == ("price lists", "/data/prices", "shops")
    assert str(loaded.span("jobs", "prices", "source", "path")) == "conf/jobs.d/prices.toml:3:1"


def test_a_file_of_jobs_d_may_hold_profiles_and_groups_for_all(write: Write) -> None:
    more = (
        PRICES
        + '[settings]\nprofile = "shops"\n[profiles.shops]\ndelete_absent = true\n[groups.one]\nendpoints = "shop001"\n'
    )
    config = load(write(MAIN, **{"jobs.d/prices.toml": more}), {}).config
    assert config.profiles["shops"].delete_absent
    assert config.groups["one"].endpoints == ("shop001",)
    assert config.jobs["prices"].settings.profile == "shops"


def test_a_file_of_jobs_d_with_profiles_alone_is_no_job(write: Write) -> None:
    others = {"jobs.d/prices.toml": PRICES, "jobs.d/profiles.toml": "[profiles.shops]\ndelete_absent = true\n"}
    config = load(write(MAIN, **others), {}).config
    assert (set(config.jobs), set(config.profiles)) == ({"prices"}, {"shops"})


def test_a_job_may_stand_in_any_file_under_its_name(write: Write) -> None:
    main = MAIN + '[jobs.other.source]\npath = "/x"\n[[jobs.other.destinations]]\nendpoint = "shop001"\n'
    assert set(load(write(main, **{"jobs.d/prices.toml": PRICES}), {}).config.jobs) == {"other", "prices"}


def test_two_jobs_of_one_name_are_refused_naming_both(write: Write) -> None:
    main = MAIN + '[jobs.prices.source]\npath = "/x"\n'
    said = refusals(write, PRICES, main)
    assert "[jobs.prices] stands already in conf/gateway.toml:10" in said


TWO = 'endpoint = "shop001"\ngroup = "shops"'
EMPTY = '[triggers.after_all]\nlinux = ""\n[[destinations]]'
WEEKLY = '[schedule]\nrepeat = "weekly"\n[[destinations]]'
IN = "[jobs.prices.destinations.0]"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "description",
            "descripton",
            "1:1: error C010 [jobs.prices] unknown key 'descripton'; did you mean 'description'",
        ),
        ('path = "/pos', 'folder = "/pos', f"6:1: error C010 {IN} unknown key 'folder'"),
        (
            'group = "shops"',
            'group = "shosp"',
            f"5:1: error C020 {IN} there is no group 'shosp'; did you mean 'shops'?",
        ),
        ('group = "shops"', 'endpoint = "shop01"', f"5:1: error C020 {IN} there is no endpoint 'shop01'; did you mean"),
        ('group = "shops"', TWO, f"4:3: error C012 {IN} names no one place"),
        ("[[destinations]]", EMPTY, "5:1: error C012 [jobs.prices.triggers.after_all] linux: names no program"),
        ("[[destinations]]", "[triggers.after_endpoint]\n[[destinations]]", "has no command; write linux ="),
        ("[[destinations]]", WEEKLY, 'error C012 [jobs.prices.schedule] repeat = "weekly" needs its days'),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_to_write(write: Write, old: str, new: str, said: str) -> None:
    assert old in PRICES
    refused = refusals(write, PRICES.replace(old, new, 1))
    assert said in refused
    assert refused.count("error") == 1


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ('repeat = "minutes"\nevery = 4', "4 minutes are too few; write every = 5 or more"),
        ('repeat = "daily"\ndays = ["Mo"]', 'days belong to repeat = "weekly", not to "daily"'),
        ('repeat = "weekly"\ndays = ["Mx"]', "'Mx' is no day of the week"),
        ('repeat = "once"', 'repeat = "once" needs its day'),
        ('repeat = "once"\nstart = 2026-12-01T10:00:00\nat = "22:00"', "start names a time, and so does at"),
        ('repeat = "daily"\nstart = 2026-12-02\nfinish = 2026-12-01', "finish (2026-12-01) lies before start"),
        ('repeat = "daily"\nstart = 2026-12-02T10:00:00+01:00', "names an offset; leave it out"),
        ('repeat = "hourly"\nzone = "each"', 'zone = "each" has no meaning with repeat = "hourly"'),
        ('repeat = "hourly"\nat = ["00:10", "00:40"]', "counts from one time of the day"),
        ('repeat = "manual"\nat = "10:00"', 'at has no meaning with repeat = "manual"'),
        ('repeat = "daily"\nat = "25:00"', "'25:00' is no time of day"),
        ('repeat = "dayly"', "did you mean 'daily'?"),
        ('misfire = "later"', "'later' is not understood"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(write: Write, schedule: str, said: str) -> None:
    assert said in refusals(write, PRICES + f"[schedule]\n{schedule}\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('deadline = "soon"', "'soon' is no deadline"),
        ('require = "most"', "'most' is not understood"),
        ('require = "0%"', "'0%' is not understood"),
        ('offline = "ignore"', "'ignore' is not understood"),
        ("priority = 10", "10 can't be used; it should be less than or equal to 9"),
        ('profile = "shopps"', "there is no profile 'shopps'"),
    ],
)
def test_settings_that_cannot_be_are_refused(write: Write, line: str, said: str) -> None:
    assert said in refusals(write, PRICES + f"[settings]\n{line}\n")


def test_profiles_are_checked_where_they_stand(write: Write) -> None:
    said = refusals(write, PRICES + '[profiles.shops]\nabort_on = ["NoSpce"]\ndelete_limt = 3\n')
    assert (
        "prices.toml:9:1: error C010 [profiles.shops] unknown key 'delete_limt'; did you mean 'delete_limit'?" in said
    )
    said = refusals(write, PRICES + '[profiles.shops]\nabort_on = ["NoSpce"]\n')
    assert "[profiles.shops] abort_on: 'NoSpce' is no class of errors; did you mean 'NoSpace'?" in said


def test_a_job_without_destinations_is_refused(write: Write) -> None:
    assert "[jobs.prices] has no destinations" in refusals(write, '[source]\npath = "/data"\n')


def test_every_kind_of_value_is_read(write: Write) -> None:
    text = PRICES + """
place_at = "06:00"
[triggers.after_all]
linux = ["/bin/done", "--all"]
ok_codes = "0-1,5"
again_codes = 75
timeout = "90m"
[schedule]
repeat = "weekly"
days = ["mo", "Thursday"]
at = ["22:00", "23:30"]
start = 2026-12-01
finish = 2027-01-31T12:00:00
misfire = "skip"
[settings]
deadline = "06:00"
require = "80%"
offline = "exclude after 2h"
[profiles.default]
delete_limit = "5% or 20"
archive = "7d"
"""  # fmt: skip
    config = load(write(MAIN, **{"jobs.d/prices.toml": text}), {}).config
    job = config.jobs["prices"]
    trigger = job.triggers.after_all
    assert trigger is not None
    assert (trigger.linux, trigger.ok_codes, trigger.again_codes) == (
        ("/bin/done", "--all"),
        ((0, 1), (5, 5)),
        ((75, 75),),
    )
    schedule = job.schedule
    assert (schedule.days, schedule.at) == (("Mo", "Th"), (time(22), time(23, 30)))
    assert (schedule.start, schedule.finish) == (date(2026, 12, 1), datetime.fromisoformat("2027-01-31T12:00:00"))
    assert schedule.misfire.within is None
    assert job.settings.deadline is not None
    assert (job.settings.deadline.until, job.settings.require) == (time(6), Require(percent=80))
    assert job.settings.offline.exclude_after == timedelta(hours=2)
    assert config.profiles["default"].delete_limit == DeleteLimit(5, 20)
    assert job.destinations[0].place_at == time(6)


def test_a_setting_of_a_job_can_come_from_the_environment(write: Write) -> None:
    main = write(MAIN, **{"jobs.d/prices.toml": PRICES + "[settings]\npriority = 3\n"})
    loaded = load(main, {"GATEWAY__JOBS__PRICES__SETTINGS__PRIORITY": "9"})
    assert loaded.config.jobs["prices"].settings.priority == 9


def test_a_file_of_another_folder_is_no_job(write: Write) -> None:
    main = MAIN.replace('root = ".."', 'root = ".."\ninclude = "more/*.toml"')
    with pytest.raises(ConfigError, match="unknown section 'source'"):
        load(write(main, **{"more/prices.toml": PRICES}), {})
    assert not Path("conf/jobs.d").exists()
