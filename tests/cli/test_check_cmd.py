"""`gateway check`: places, summary, exit codes, scripts anywhere."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.main import main

CONF = '[gateway]\nroot = ".."\n[endpoints.acme]\nurl = "sftp://orders@sftp.example/in"\n'
GOOD = "@endpoint  acme\n@schedule  on file polling continuously\n\nPUT -DEL *.csv /in/\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in a folder with a configuration and one good script; exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    Path("conf").mkdir()
    Path("conf/gateway.toml").write_text(CONF)
    Path("actions").mkdir()
    Path("actions/orders.act").write_text(GOOD)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run


def test_a_good_configuration_with_good_scripts_ends_with_0_and_a_summary(gateway: Run) -> None:
    code, output, _ = gateway("check")
    assert code == 0
    assert output.splitlines()[-1] == "1 script, no errors, no warnings"


def test_an_error_of_a_script_has_its_place_from_here_and_ends_with_2(gateway: Run) -> None:
    Path("actions/broken.act").write_text("@endpoint acme\n\nPTU *.csv\n")
    code, output, _ = gateway("check")
    assert code == 2
    assert output.startswith("actions/broken.act:3:1: error E")
    assert "PTU" in output
    assert output.splitlines()[-1] == "2 scripts, 1 error, no warnings"


def test_scripts_outside_of_the_action_folders_are_checked_against_the_configuration(gateway: Run) -> None:
    Path("draft.act").write_text(GOOD.replace("acme", "acne"))
    code, output, _ = gateway("check", "draft.act")
    assert code == 2
    assert output.startswith("draft.act:1:12: error ")
    assert "acme" in output
    assert "1 script, " in output


def test_a_folder_means_its_scripts(gateway: Run) -> None:
    code, output, _ = gateway("check", "actions")
    assert (code, output.splitlines()[-1]) == (0, "1 script, no errors, no warnings")


def test_a_draft_that_clashes_with_a_script_in_force_is_told_so(gateway: Run) -> None:
    Path("draft.act").write_text(GOOD)
    code, output, _ = gateway("check", "draft.act")
    assert code == 2
    assert "draft.act:4:" in output
    assert "orders" in output


def test_a_new_version_of_a_script_in_force_stands_in_for_it(gateway: Run) -> None:
    Path("drafts").mkdir()
    Path("drafts/orders.act").write_text(GOOD)
    assert gateway("check", "drafts/orders.act")[0] == 0


def test_configuration_errors_are_findings_and_scripts_are_still_read(gateway: Run) -> None:
    Path("conf/gateway.toml").write_text(CONF + 'pasword = "x"\n')
    Path("draft.act").write_text("PTU x\n")
    code, output, _ = gateway("check", "draft.act")
    assert code == 2
    lines = output.splitlines()
    assert lines[0].startswith("conf/gateway.toml:5:1: error C010 [endpoints.acme] unknown key 'pasword'; did you mean")
    assert lines[1].startswith("draft.act:1:1: error E")


def test_a_macro_of_ours_can_not_be_redefined(gateway: Run) -> None:
    Path("conf/gateway.toml").write_text(CONF + '[macros]\ndate = "x"\n')
    code, output, _ = gateway("check")
    assert code == 2
    assert "conf/gateway.toml:6:1: error C012 [macros] %date% is built in" in output


def test_two_scripts_of_one_name_are_reported(gateway: Run) -> None:
    Path("conf/gateway.toml").write_text(CONF.replace('root = ".."', 'root = ".."\nactions = ["actions", "more"]'))
    Path("more").mkdir()
    Path("more/orders.act").write_text(GOOD)
    code, output, _ = gateway("check")
    assert code == 2
    assert "an action 'orders' stands already in" in output


def test_json_is_one_array_of_findings(gateway: Run) -> None:
    Path("draft.act").write_text("@endpoint acme\n\nPTU *.csv\n")
    code, output, _ = gateway("check", "--json", "draft.act")
    assert code == 2
    (finding,) = json.loads(output)
    assert (finding["file"], finding["line"], finding["column"], finding["severity"]) == ("draft.act", 3, 1, "error")
    assert set(finding) == {"file", "line", "column", "end_column", "severity", "code", "message"}


def test_a_binary_file_is_a_finding(gateway: Run) -> None:
    Path("draft.act").write_bytes(b"\x7fELF\x00\xff\xfe")
    code, output, _ = gateway("check", "draft.act")
    assert code == 2
    assert output.startswith("draft.act:1:")


def test_a_path_that_does_not_exist_ends_with_3(gateway: Run) -> None:
    code, _, errors = gateway("check", "none.act")
    assert code == 3
    assert "none.act does not exist; name a script, or a folder of scripts" in errors


def test_a_configuration_given_as_a_script_says_how_to_name_it(gateway: Run) -> None:
    code, _, errors = gateway("check", "conf/gateway.toml")
    assert code == 2
    assert "--config conf/gateway.toml" in errors


def test_without_any_configuration_the_places_looked_at_are_named(
    gateway: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.config.find.SYSTEM", Path("/nonexistent/gateway.toml"))
    Path("conf/gateway.toml").unlink()
    code, output, _ = gateway("check")
    assert code == 2
    assert "no configuration found: neither conf/gateway.toml here nor" in output
