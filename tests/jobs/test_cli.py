"""`gateway job list`, `check`, `show` and `compile`, and what `gateway check` says of jobs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from gateway.core.clock import SystemClock
from gateway.ledger import endpoints, open_ledger
from tests.jobs.setup import PRICES, loaded

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path / "conf" / "gateway.toml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "actions").mkdir()

    def made(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return made


def rows(printed: str) -> Any:
    return json.loads(printed)


def test_list_tells_ready_broken_and_disabled_jobs(tmp_path: Path, run: Run) -> None:
    broken = PRICES.replace('group = "shops"', 'endpoint = "tills"') + '[triggers.after_all]\nlinux = "x"\n'
    daily = PRICES + '[schedule]\nrepeat = "daily"\nat = "22:00"\n'
    loaded(tmp_path, daily=daily, off="enabled = false\n" + daily.replace("/pos", "/off"), broken=broken)
    code, out, _ = run("job", "list", "--json")
    assert code == 0
    told = {row["job"]: row for row in rows(out)}
    assert {name: row["state"] for name, row in told.items()} == {
        "daily": "ready",
        "off": "disabled",
        "broken": "broken",
    }
    assert told["daily"]["next_at"].endswith(("T22:00:00+01:00", "T22:00:00+02:00"))
    assert (told["off"]["next_at"], told["broken"]["next_at"]) == (None, None)
    assert "J201" in told["broken"]["why"]
    assert told["daily"]["schedule"] == "every day, at 22:00"
    assert told["daily"]["destinations"] == 2


def test_check_prints_findings_and_ends_with_2_on_an_error(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES)
    code, out, _ = run("job", "check")
    assert (code, out.splitlines()[-1]) == (0, "1 job, no errors, 1 warning")
    loaded(tmp_path, prices=PRICES + '[[destinations]]\nendpoint = "shop001"\n')
    code, out, _ = run("job", "check", "prices", "--json")
    assert code == 2
    assert [row["code"] for row in rows(out)] == ["J401", "J101"]
    assert run("job", "check", "pries")[0] == 3


def test_check_tells_of_a_configuration_that_cannot_be_read(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES)
    (tmp_path / "conf/jobs.d/prices.toml").write_text(PRICES + "pth = 1\n", encoding="utf-8")
    code, out, _ = run("job", "check")
    assert code == 2
    assert "prices.toml:7:1: error C010 [jobs.prices.destinations.0] unknown key 'pth'" in out


async def _probed(folder: Path) -> None:
    async with open_ledger(folder / "var", SystemClock(), reserve_bytes=0) as ledger:
        trial = {"name": "hash md5", "answer": "yes", "detail": ""}
        await ledger.write(lambda c: endpoints.keep_profile(c, "shop002", {"trials": [trial]}))


def test_check_names_a_destination_that_a_probe_found_unable_to_compute_the_hash(tmp_path: Path, run: Run) -> None:
    import asyncio

    loaded(tmp_path, prices=PRICES)
    asyncio.run(_probed(tmp_path))
    assert "shop002 can't compute sha256 (it computes md5)" in run("job", "check")[1]


def test_gateway_check_tells_of_jobs_too(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES + '[[destinations]]\nendpoint = "shop001"\n')
    code, out, _ = run("check")
    assert code == 2
    assert "error J101 [jobs.prices] shop001 is reached by endpoint shop001 and by group shops" in out


def test_show_gives_everything_resolved(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES.replace("/pos/in", "/in/{country}") + '[settings]\nrequire = "any"\n')
    code, out, _ = run("job", "show", "prices", "--json")
    assert code == 0
    told = rows(out)
    assert [one["place"] for one in told["destinations"]] == ["/in/at", "/in/pe"]
    assert (told["required"], told["schedule"], told["next"]) == (1, "manual", [])
    code, out, _ = run("job", "show", "prices")
    assert "price lists to all shops" in out
    assert "1 of 2 destinations" in out
    assert run("job", "show", "pices")[0] == 3


def test_what_compile_prints_is_accepted_by_check(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES + '[triggers.after_all]\nlinux = "/usr/bin/true"\n')
    code, _, err = run("job", "compile", "prices", "--out", "made")
    assert code == 0
    names = ["prices.prepare", "prices.shop001", "prices.shop002", "prices.complete.shop001", "prices.complete.shop002"]
    assert [Path(line).stem for line in err.splitlines()] == [*names, "prices.complete"]
    code, out, _ = run("check", "made")
    assert (code, out.splitlines()[-1]) == (0, "6 scripts, no errors, no warnings")
    assert run("job", "compile", "prices", "--out", "made")[0] == 2
    code, out, _ = run("job", "compile", "prices", "--part", "prices@shop002")
    assert out == (tmp_path / "made" / "prices.shop002.act").read_text(encoding="utf-8")
    code, out, _ = run("job", "compile", "prices", "--json")
    assert [row["order"] for row in rows(out)] == [1, 2, 2, 3, 3, 4]


def test_a_broken_job_is_not_compiled(tmp_path: Path, run: Run) -> None:
    loaded(tmp_path, prices=PRICES + '[[destinations]]\nendpoint = "shop001"\n')
    code, _, err = run("job", "compile", "prices")
    assert code == 2
    assert "J101" in err
