"""The embedded servers start and reload while the folder of one account hangs."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.config.schema import InboundSettings
from gateway.inbound import InboundServers, servers
from tests.peers.hung_mount import hung_mount


async def test_an_account_whose_folder_hangs_keeps_neither_start_nor_reload_waiting(
    tmp_path: Path, password_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ANSWERS_WITHIN_S", 0.5)
    gone, well = tmp_path / "gone", tmp_path / "well"
    gone.mkdir()
    well.mkdir()
    (well / ".a.csv.0123456789ab.landing").write_bytes(b"half")
    users = {path.name: {"password": password_hash, "root": str(path / "room")} for path in (gone, well)}
    users["well"]["root"] = str(well)
    config = InboundSettings.model_validate({"sftp": {"listen": "127.0.0.1:0"}, "users": users})
    made = InboundServers(config, tmp_path, tmp_path / "state", lambda _: None)
    with hung_mount(gone), capture_logs() as told:
        async with asyncio.timeout(100):
            await made.start()
            assert made.sftp_address is not None
            assert os.listdir(well) == []
            assert await made.renew(config) == ()
            await made.stop()
    slow = [line for line in told if line["event"].startswith("the folder of a partner does not answer")]
    assert [line["user"] for line in slow] == ["gone", "gone"]
