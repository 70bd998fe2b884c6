"""From configuration to jobs: members, tags in paths, profiles; what can't be is told with both places."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config.job_kinds import DeleteLimit
from gateway.jobs.check import Known
from gateway.jobs.frozen import freeze, thaw
from gateway.jobs.model import Destination
from gateway.jobs.read import Jobs, read_jobs
from tests.jobs.setup import MAIN, PRICES, loaded, read, said


def at(jobs: Jobs, endpoint: str, job: str = "prices") -> Destination:
    found = jobs.jobs[job].destination(endpoint)
    assert found is not None
    return found


def with_more(text: str, *, path: str = "/pos/in") -> str:
    return PRICES.replace("/pos/in", path) + text


def test_a_group_means_its_members_by_name_and_by_tag(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES, austria=PRICES.replace('"shops"', '"austria"'))
    assert [one.endpoint for one in jobs.jobs["prices"].destinations] == ["shop001", "shop002"]
    assert [one.endpoint for one in jobs.jobs["austria"].destinations] == ["shop001"]


def test_tags_are_put_into_paths_for_each_endpoint(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=with_more("", path="in/{country}/%date%"))
    assert (at(jobs, "shop001").folder, at(jobs, "shop001").place) == ("in/at/%date%", "/pos/in/at/%date%")
    assert at(jobs, "shop002").place == "/pos/in/pe/%date%"


def test_a_tag_that_an_endpoint_lacks_is_an_error_that_names_it(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=with_more("", path="/in/{size}"))
    assert "asks for the tag 'size', which shop002 lacks (it has country); write tags" in said(jobs)
    assert "prices" in jobs.broken
    assert "prices" not in jobs.sound()


def test_without_a_path_files_go_to_the_folder_of_the_url(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES.replace('path = "/pos/in"\n', ""))
    assert (at(jobs, "shop001").folder, at(jobs, "shop001").place) == ("", "/pos")


@pytest.mark.parametrize(
    ("path", "words"),
    [("/in/*.csv", "holds the pattern '*.csv'"), ("/in/%sourcefile%", "names one file"), ("/in/[a", "does not end")],
)
def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, path: str, words: str) -> None:
    jobs = read(tmp_path, prices=with_more("", path=path))
    assert words in said(jobs)
    assert "prices" in jobs.broken


def test_the_destinations_profile_wins_the_jobs_fills_in_and_default_comes_last(tmp_path: Path) -> None:
    main = MAIN.replace('country = "pe" }', 'country = "pe" }\nprofile = "own"').replace(
        "[groups.shops]", '[groups.shops]\nprofile = "group"'
    )
    profiles = """
[settings]
profile = "job"
[profiles.own]
archive = "1d"
[profiles.group]
archive = "2d"
bandwidth = "2M"
[profiles.job]
archive = "3d"
bandwidth = "3M"
delete_absent = true
[profiles.default]
archive = "4d"
delete_absent = false
delete_limit = 7
"""
    jobs = read(tmp_path, main=main, prices=PRICES + profiles)
    lima, vienna = at(jobs, "shop002").profile, at(jobs, "shop001").profile
    assert lima.names == ("own", "group", "job", "default")
    assert (lima.archive, lima.bandwidth, lima.delete_absent) == (timedelta(days=1), "2M", True)
    assert (vienna.archive, vienna.bandwidth) == (timedelta(days=2), "2M")
    assert lima.delete_limit == DeleteLimit(files=7)


def test_an_endpoint_reached_twice_with_another_path_is_a_conflict_naming_both_routes(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES + '[[destinations]]\nendpoint = "shop001"\npath = "/other"\n')
    told = said(jobs)
    assert "toml:8:1: error J101 [jobs.prices] shop001 is reached by endpoint shop001 and by group shops (" in told
    assert "prices.toml:5:1), to /other and to /pos/in; take one of the two out" in told


def test_an_endpoint_reached_twice_with_another_profile_is_a_conflict(tmp_path: Path) -> None:
    more = '[[destinations]]\nendpoint = "shop001"\npath = "/pos/in"\nprofile = "strict"\n'
    more += "[profiles.strict]\ndelete_absent = true\n"
    assert "with the profiles strict and none, which differ" in said(read(tmp_path, prices=PRICES + more))


def test_an_endpoint_reached_twice_in_the_same_way_is_one_destination(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES + '[[destinations]]\nendpoint = "shop001"\npath = "/pos/in"\n')
    assert [one.endpoint for one in jobs.jobs["prices"].destinations] == ["shop001", "shop002"]
    assert not jobs.broken


def test_a_source_that_is_its_own_destination_is_refused_naming_both(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES.replace("[source]", '[source]\nendpoint = "shop002"'))
    assert "J102" in said(jobs)
    assert "shop002 is the source (" in said(jobs)
    assert "by group shops, a destination" in said(jobs)


def test_a_destination_inside_the_source_is_refused(tmp_path: Path) -> None:
    text = PRICES.replace("/data/prices", str(tmp_path / "here")).replace('group = "shops"', 'endpoint = "here"')
    assert "J103" in said(read(tmp_path, prices=text.replace("/pos/in", "sub")))


def test_a_trigger_at_an_endpoint_that_runs_no_commands_is_refused(tmp_path: Path) -> None:
    text = PRICES.replace('group = "shops"', 'endpoint = "tills"') + '[triggers.after_endpoint]\nlinux = "./install"\n'
    told = said(read(tmp_path, prices=text))
    assert "prices.toml:5:1: error J201 [jobs.prices] after_endpoint (" in told
    assert "runs a command at tills, which can't run any" in told
    assert "E705" not in told


def test_a_platform_without_a_command_is_a_warning(tmp_path: Path) -> None:
    main = MAIN.replace('tags = { country = "pe" }', 'tags = { country = "pe" }\nplatform = "windows"')
    jobs = read(tmp_path, main=main, prices=PRICES + '[triggers.after_endpoint]\nlinux = "./install"\n')
    assert "warning J202 [jobs.prices] after_endpoint has no command for windows, which shop002 is" in said(jobs)
    assert not jobs.broken


def test_a_program_that_may_not_run_here_is_an_error_with_the_line_that_allows_it(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES + '[triggers.before_indexing]\nlinux = ["/usr/bin/make-prices"]\n')
    assert "E707 SYSTEM may not run /usr/bin/make-prices" in said(jobs)
    assert "prices" in jobs.broken


def test_a_source_that_is_missing_is_a_warning_since_it_may_still_be_made(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES)
    assert "prices.toml:3:1: warning J401 [jobs.prices] the source /data/prices does not exist" in said(jobs)
    assert not jobs.broken


def test_a_schedule_without_a_time_between_start_and_finish_is_an_error(tmp_path: Path) -> None:
    never = '[schedule]\nrepeat = "weekly"\ndays = ["Su"]\nstart = 2026-11-23\nfinish = 2026-11-28\n'
    assert "error J301" in said(read(tmp_path, prices=PRICES + never))
    assert "J301" not in said(read(tmp_path, prices=PRICES + never.replace("28", "29")))


def test_destinations_that_cannot_compute_the_hash_are_named_in_one_line(tmp_path: Path) -> None:
    config = loaded(tmp_path, prices=PRICES)
    told = said(read_jobs(config, Known.of(config, {"shop001": frozenset(), "shop002": frozenset()})))
    assert "shop001 and shop002 can't compute sha256 (they compute none); what they have is known" in told
    assert told.count("J402") == 1


def test_a_destination_that_cannot_compute_the_hash_is_named(tmp_path: Path) -> None:
    config = loaded(tmp_path, prices=PRICES)
    known = Known.of(config, {"shop001": frozenset({"md5"}), "shop002": frozenset({"sha256"})})
    told = said(read_jobs(config, known))
    assert "warning J402 [jobs.prices] shop001 can't compute sha256 (it computes md5)" in told
    assert "shop002" not in told


def test_two_jobs_that_write_one_place_are_told_and_refused_where_one_deletes(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES, images=PRICES)
    assert "warning J106" in said(jobs)
    assert not jobs.broken
    deleting = PRICES.replace("/pos/in", "/pos") + '[settings]\nprofile = "exact"\n'
    jobs = read(tmp_path, prices=PRICES, images=deleting + "[profiles.exact]\ndelete_absent = true\n")
    assert "error J106" in said(jobs)
    assert "with delete_absent each would delete what the other brings" in said(jobs)
    assert len(jobs.broken) == 1


def test_a_job_is_the_same_after_it_was_kept_as_text(tmp_path: Path) -> None:
    more = '[triggers.after_all]\nlinux = ["/usr/bin/true", "a b"]\n'
    more += '[schedule]\nrepeat = "weekly"\ndays = "Mo"\nat = "22:00"\n'
    job = read(tmp_path, prices=PRICES + more + '[settings]\nrequire = "50%"\ndeadline = "06:00"\n').jobs["prices"]
    assert thaw(freeze(job)) == job
    assert freeze(thaw(freeze(job))) == freeze(job)


def test_how_many_destinations_are_required(tmp_path: Path) -> None:
    for require, count in (("all", 2), ("any", 1), ("1", 1), ("9", 2), ("50%", 1), ("51%", 2)):
        jobs = read(tmp_path, prices=PRICES + f'[settings]\nrequire = "{require}"\n')
        assert jobs.jobs["prices"].required() == count
