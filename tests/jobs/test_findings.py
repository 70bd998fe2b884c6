"""What `job check` says of names that can't be kept back and of Windows commands; and that each number is explained."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.errors import NeedsOperator
from gateway.jobs import findings
from gateway.jobs.engine import JobEngine
from gateway.jobs.working import Working
from tests.jobs.engine_stage import job_stage
from tests.jobs.setup import MAIN, PRICES, read, said
from tests.runner.harness import Stage, tree

DOCS = Path(__file__).parents[2] / "docs"
INPLACE = MAIN.replace('tags = { country = "pe" }', 'tags = { country = "pe" }\ninplace = true')


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('place_at = "06:00"\n', 'place_at = "06:00"'),
        ('[settings]\nrelease = "together"\n', 'release = "together"'),
    ],
)
def test_names_can_not_be_kept_back_where_files_are_written_in_place(tmp_path: Path, more: str, why: str) -> None:
    jobs = read(tmp_path, main=INPLACE, prices=PRICES + more)
    assert (
        "prices.toml:5:1: error J108 [jobs.prices] shop002 has inplace = true: what is sent stands under its final "
        f"name from its first byte on, and {why} can't keep it back; take {why} or the endpoint out, or inplace "
        "where that server can rename"
    ) in said(jobs)
    assert "shop001" not in said(jobs)
    assert set(jobs.broken) == {"prices"}


def test_in_place_is_fine_where_each_file_takes_its_name_at_once(tmp_path: Path) -> None:
    jobs = read(tmp_path, main=INPLACE, prices=PRICES)
    assert not jobs.broken


async def test_an_endpoint_that_was_put_in_place_under_a_live_run_gets_nothing_before_its_time(tmp_path: Path) -> None:
    def real(made: Stage) -> Working:
        return Working(settle=made.engine.settling.look)

    def in_place(jobs: JobEngine) -> None:
        config = jobs.loaded.config
        shop = config.endpoints["shop1"].model_copy(update={"inplace": True})
        jobs.loaded = replace(
            jobs.loaded, config=config.model_copy(update={"endpoints": {**config.endpoints, "shop1": shop}})
        )

    more = '[jobs.prices.settings]\nrelease = "together"\n'
    async with job_stage(tmp_path, ["shop1"], more, real=real) as made:
        in_place(made.jobs)  # as after a reload that nobody has checked the job with
        run = await made.jobs.start("prices")
        await made.over(run)
        place = (await made.places(run))["shop1"]
        assert (place.state.value, place.error_class) == ("error", NeedsOperator.__name__)
        assert "shop1 has inplace = true" in (place.error or "")
        assert tree(tmp_path / "shop1") == {}


def test_a_command_for_windows_alone_says_of_each_linux_endpoint_that_nothing_runs_there(tmp_path: Path) -> None:
    jobs = read(tmp_path, prices=PRICES + '[triggers.after_endpoint]\nwindows = ["install.cmd"]\n')
    for shop in ("shop001", "shop002"):
        assert (
            f"prices.toml:7:11: warning J202 [jobs.prices] after_endpoint has no command for linux, which {shop} is: "
            "nothing runs there; write linux = […], or set platform at the endpoint"
        ) in said(jobs)
    assert not jobs.broken


def test_a_command_for_windows_is_refused_where_it_would_run(tmp_path: Path) -> None:
    main = MAIN.replace('tags = { country = "pe" }', 'tags = { country = "pe" }\nplatform = "windows"')
    text = PRICES + '[triggers.after_endpoint]\nlinux = "./install"\nwindows = ["install.cmd"]\n'
    jobs = read(tmp_path, main=main, prices=text)
    assert (
        "prices.toml:7:11: error J204 [jobs.prices] after_endpoint has a command for windows, which shop002 is, and "
        "commands at Windows endpoints can't be run yet; take windows = … out: the files come, and nothing runs there"
    ) in said(jobs)
    assert set(jobs.broken) == {"prices"}


def test_each_number_is_explained_and_no_other() -> None:
    known = {value for name, value in vars(findings).items() if name.isupper()}
    told = re.findall(r"^\| (J\d+) \|", (DOCS / "JOB_FINDINGS.md").read_text(encoding="utf-8"), re.M)
    assert sorted(told) == sorted(known)


def test_what_only_a_shell_understands_is_told_of_commands_of_this_machine(tmp_path: Path) -> None:
    there = "[triggers.after_endpoint]\nlinux = 'ls > list && sort list'\n"
    for line, sign in (("'/usr/bin/true > /x'", ">"), ("'/usr/bin/true; ls'", ";"), ("'/usr/bin/true $(date)'", "$(")):
        told = said(read(tmp_path, prices=f"{PRICES}{there}[triggers.before_indexing]\nlinux = {line}\n"))
        assert f"prices.toml:9:11: warning J205 [jobs.prices] no shell reads a command of this machine: {sign} " in told
        assert told.count("J205") == 1
    for line in ("'''/usr/bin/true \"a | b\" 'c;d'  %date%'''", "['/usr/bin/true', '|', 'a > b']"):
        assert "J205" not in said(read(tmp_path, prices=f"{PRICES}[triggers.before_indexing]\nlinux = {line}\n"))
