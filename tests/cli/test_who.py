"""Who did it is the user that the process belongs to: a name in the environment is anybody's."""

import os
import pwd

import pytest

from tests.cli.beside import serving
from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import lay, local

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(autouse=True)
def _pretends(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    monkeypatch.delenv("SUDO_USER", raising=False)


def check_channel(site: Site, item: str) -> None:
    lay(site, item)
    site.run("channel", "detect")
    site.run("channel", "drop", "shop", item, "--reason", "no")
    (dropped,) = site.run("channel", "history", "--item", item, "--json").json
    assert dropped["by"] == ME


def test_of_channels(shops: Site) -> None:
    check_channel(local(shops), "978003")
    with serving(shops):
        check_channel(shops, "978004")


def test_of_job_runs(shops: Site) -> None:
    shops.job("prices", to=("shop1",))
    assert shops.run("job", "start", "prices").code == 0
    assert shops.run("job", "new", "often", "--source", "prices", "--to", "shop2", "--repeat", "hourly").code == 0
    assert [row["asked_by"] for row in shops.run("job", "runs", "--json").json] == [ME, ME]


def test_of_pauses(shops: Site) -> None:
    shops.run("pause", "all")
    assert f"by {ME};" in shops.run("status").out
