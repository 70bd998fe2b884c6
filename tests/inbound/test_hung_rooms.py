"""The embedded servers start and reload while the folder of one account hangs."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from gateway.config.schema import InboundSettings
from gateway.inbound import InboundServers, servers
from tests.loop_time import in_time
from tests.peers.hung_mount import hung_mount
from tests.settled import at_work

T = TypeVar("T")


async def once_in_order(folder: Path, work: Coroutine[Any, Any, T], *, hanging: int) -> T:
    """The end of `work`, for which no time passes until `folder` is there and empty, and only threads that hang are."""
    task = asyncio.ensure_future(work)
    while not folder.exists() or os.listdir(folder) or at_work(asyncio.get_running_loop()) > hanging:
        await asyncio.sleep(0.01)
    return await in_time(task)


async def test_an_account_whose_folder_hangs_keeps_neither_start_nor_reload_waiting(
    tmp_path: Path, password_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ANSWERS_WITHIN_S", 1000)
    gone, well = tmp_path / "gone", tmp_path / "well"
    gone.mkdir()
    well.mkdir()
    (well / ".a.csv.0123456789ab.landing").write_bytes(b"half")
    users = {path.name: {"password": password_hash, "root": str(path / "room")} for path in (gone, well)}
    users["well"]["root"] = str(well)
    config = InboundSettings.model_validate({"sftp": {"listen": "127.0.0.1:0"}, "users": users})
    made = InboundServers(config, tmp_path, tmp_path / "state", lambda _: None)
    with hung_mount(gone), capture_logs() as told:
        await once_in_order(well, made.start(), hanging=1)
        assert made.sftp_address is not None
        well.rmdir()
        assert await once_in_order(well, made.renew(config), hanging=2) == ()
        await made.stop()
    slow = [line for line in told if line["event"].startswith("the folder of a partner does not answer")]
    assert [line["user"] for line in slow] == ["gone", "gone"]
