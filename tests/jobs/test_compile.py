"""A job as script text: what is printed reads back as the same nodes, and the checker accepts it."""

from pathlib import Path

import pytest

from gateway.core.model import Severity
from gateway.jobs.commands import BadCommand, command_line
from gateway.jobs.compiled import Part, Step, compiled, parsed, show_part
from gateway.jobs.model import Job
from gateway.jobs.read import folders_of
from gateway.language.check import check
from gateway.language.command_line import split_command_line
from gateway.language.nodes import Get, LocalCopy, Put, RemoteSystem, System
from gateway.language.parse import parse_action
from gateway.runner.world import world_of
from tests.jobs.setup import MAIN, PRICES, loaded, read

ALL = (
    PRICES
    + """
[triggers.before_indexing]
linux = ["/usr/bin/true", "--all", "a b"]
timeout = "90s"
[triggers.after_endpoint]
linux = "./install.sh | tee log"
at = "03:00"
ok_codes = "0-1"
again_codes = 75
[triggers.after_all]
linux = "/usr/bin/true"
[settings]
priority = 7
profile = "exact"
require = "50%"
[profiles.exact]
delete_absent = true
after_success = "archive"
ignore = ["*.tmp", "!keep.tmp"]
"""
)


def parts(folder: Path, prices: str = ALL, main: str = MAIN) -> dict[str, Part]:
    jobs = read(folder, main=main, prices=prices)
    job = jobs.sound().get("prices")
    assert job is not None, jobs.broken
    return {part.name: part for part in compiled(job, folders_of(folder / "var", "prices"))}


def test_a_job_is_one_action_that_prepares_one_a_destination_and_those_that_complete(tmp_path: Path) -> None:
    made = parts(tmp_path)
    assert [(name, part.order) for name, part in made.items()] == [
        ("prices.prepare", 1),
        ("prices@shop001", 2),
        ("prices@shop002", 2),
        ("prices.complete@shop001", 3),
        ("prices.complete@shop002", 3),
        ("prices.complete", 4),
    ]
    kinds = [[type(command) for command in part.action.commands] for part in made.values()]
    assert kinds == [
        [System],
        [Put, RemoteSystem],
        [Put, RemoteSystem],
        [RemoteSystem],
        [RemoteSystem],
        [System, LocalCopy],
    ]


@pytest.mark.parametrize("prices", [PRICES, ALL, ALL.replace("[source]", '[source]\nendpoint = "erp"')])
def test_what_is_printed_reads_back_as_the_same_nodes_and_is_accepted(tmp_path: Path, prices: str) -> None:
    config = loaded(tmp_path, prices=prices)
    for part in parts(tmp_path, prices).values():
        again = parse_action(show_part(part), f"{part.action.name}.act")
        assert again.action.commands == part.action.commands
        assert [(one.name, one.value) for one in again.action.headers] == [
            (one.name, one.value) for one in part.action.headers
        ]
        assert [one for one in check(again, world_of(config)) if one.severity is Severity.ERROR] == []
        assert parsed(part).settings == again.settings


def test_a_destinations_action_puts_what_differs_and_then_runs_its_command(tmp_path: Path) -> None:
    text = show_part(parts(tmp_path)["prices@shop002"])
    assert "@endpoint     shop002\n" in text
    assert "@priority     7\n" in text
    assert "PUT -REC -DIF -MIR /data/prices/ /pos/in/\n" in text
    assert (
        "RSYSTEM SuccessCodes=0-1 AgainCodes=75 Timeout=60M In=/pos/in Env.JOB_NAME=prices Env.JOB_PATH=/pos/in" in text
    )
    assert "Env.JOB_ROLE=RO" in text
    assert "Env.TAG_COUNTRY=pe" in text
    assert text.rstrip().endswith('"./install.sh | tee log"')
    assert "# after_endpoint runs at 03:00 (America/Lima)\n" in text
    assert "# left out: *.tmp !keep.tmp\n" in text


def test_the_sources_command_runs_here_in_the_sources_folder(tmp_path: Path) -> None:
    (command,) = parts(tmp_path)["prices.prepare"].action.commands
    assert isinstance(command, System)
    assert split_command_line(command.line.value) == ("/usr/bin/true", "--all", "a b")
    assert command.folder is not None
    assert command.folder.value == "/data/prices"
    assert dict(command.environment)["JOB_ROLE"].value == "RW"


def test_a_remote_source_is_collected_first_and_sent_from_here(tmp_path: Path) -> None:
    made = parts(tmp_path, PRICES.replace("[source]", '[source]\nendpoint = "erp"').replace("/data/prices", "prices"))
    (get,) = made["prices.prepare"].action.commands
    assert isinstance(get, Get)
    assert (get.source.value, get.recurse) == ("prices/", True)
    (put,) = made["prices@shop001"].action.commands
    assert isinstance(put, Put)
    assert get.target is not None
    assert put.source.value == get.target.value == f"{tmp_path}/var/jobs/prices/source/"


def test_a_command_at_a_login_folder_starts_there(tmp_path: Path) -> None:
    text = PRICES.replace('group = "shops"', 'endpoint = "erp"').replace("/pos/in", "new")
    made = parts(tmp_path, text + '[triggers.after_endpoint]\nlinux = "./x"\n')
    command = made["prices@erp"].action.commands[1]
    assert isinstance(command, RemoteSystem)
    assert command.folder is not None
    assert command.folder.value == "out/new"


def test_a_destination_of_this_machine_runs_its_commands_here(tmp_path: Path) -> None:
    text = PRICES.replace('group = "shops"', 'endpoint = "here"').replace("/pos/in", "shop")
    made = parts(tmp_path, text + '[triggers.after_endpoint]\nlinux = "/usr/bin/true"\n')
    command = made["prices@here"].action.commands[1]
    assert isinstance(command, System)
    assert command.folder is not None
    assert command.folder.value == f"{tmp_path}/here/shop"


def test_nothing_is_run_after_all_where_no_command_is_for(tmp_path: Path) -> None:
    assert list(parts(tmp_path, PRICES)) == ["prices.prepare", "prices@shop001", "prices@shop002", "prices.complete"]
    assert parts(tmp_path, PRICES)["prices.complete"].step is Step.COMPLETE_SOURCE


@pytest.mark.parametrize("words", [("a", "b c"), ("a", "it's"), ("a", '"q"'), ("a", ""), ("ü",), ("$x", "`y`", "a\\b")])
def test_words_of_a_command_stay_words(words: tuple[str, ...]) -> None:
    import shlex

    line = command_line(words, "linux")
    assert split_command_line(line) == words
    assert tuple(shlex.split(line)) == words


def test_a_word_that_no_line_can_say_is_refused() -> None:
    with pytest.raises(BadCommand, match="script of its own"):
        command_line(("a", 'it\'s "so"'), "linux")
    with pytest.raises(BadCommand, match="line end"):
        command_line("a\nb", "linux")


def test_the_frozen_job_compiles_to_the_same_actions(tmp_path: Path) -> None:
    from gateway.jobs.frozen import freeze, thaw

    job: Job = read(tmp_path, prices=ALL).jobs["prices"]
    folders = folders_of(tmp_path, "prices")
    assert compiled(thaw(freeze(job)), folders) == compiled(job, folders)


@pytest.mark.parametrize(
    ("limit", "shown"), [("0", "0"), ('"10% or 100"', "10% or 100"), ('"0%"', "0%"), ('"5%"', "5%"), ("7", "7")]
)
def test_what_may_be_deleted_without_approval_is_said_as_it_is_written(tmp_path: Path, limit: str, shown: str) -> None:
    made = parts(tmp_path, ALL.replace("delete_absent = true", f"delete_absent = true\ndelete_limit = {limit}"))
    notes = made["prices@shop001"].notes
    assert f"no more than {shown} of its files are deleted without approval" in notes
