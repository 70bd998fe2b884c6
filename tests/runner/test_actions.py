import asyncio
from pathlib import Path

from gateway.config.load import load
from gateway.endpoints.own_thread import OwnThread
from gateway.runner.actions import Actions, read_actions
from tests.peers.hung_mount import hung_mount

_POLLED = "@endpoint acme\n@schedule on file polling continuously\n"


def _read(folder: Path, **scripts: str) -> Actions:
    (folder / "actions").mkdir()
    for name, text in scripts.items():
        (folder / "actions" / f"{name}.act").write_text(text)
    (folder / "gateway.toml").write_text(
        f'[endpoints.acme]\nurl = "file://{folder}/peer"\n[endpoints.books]\nurl = "file://{folder}/books"\n'
        '[groups.all]\nendpoints = ["acme", "books"]\n'
    )
    return read_actions(load(folder / "gateway.toml"))


def test_a_broken_script_is_named_and_stops_nobody_it_would_have_clashed_with(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        good=_POLLED + "PUT -DEL *.csv\n",
        broken=_POLLED + "PUT -DEL *.csv\nFETCH *.xml\n",
    )
    assert set(found.instances) == {"good"}
    assert "FETCH" in found.broken["broken"].message


def test_of_two_sound_scripts_that_clash_one_runs(tmp_path: Path) -> None:
    found = _read(tmp_path, first=_POLLED + "PUT -DEL *.csv\n", second=_POLLED + "PUT -DEL a*.csv\n")
    assert len(found.instances) == len(found.broken) == 1


def test_a_group_gives_each_member_an_instance_with_its_own_folders(tmp_path: Path) -> None:
    found = _read(tmp_path, prices="@endpoint all\n@schedule on file polling continuously\nPUT -DEL *.csv\n")
    assert set(found.instances) == {"prices@acme", "prices@books"}
    assert found.instances["prices@books"].outbox == tmp_path / "var" / "books" / "outbox"


async def test_scripts_are_read_while_an_outbox_hangs(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "prices.act").write_text(_POLLED + "PUT -DEL outbox/*.csv\n")
    (tmp_path / "gateway.toml").write_text('[endpoints.acme]\nurl = "file://peer"\noutbox = "gone"\n')
    loaded, thread = load(tmp_path / "gateway.toml"), OwnThread("reads")
    with hung_mount(tmp_path / "gone"):
        found = await asyncio.wait_for(thread.start(lambda: read_actions(loaded)), 100)
    thread.end()
    assert set(found.instances) == {"prices"}
