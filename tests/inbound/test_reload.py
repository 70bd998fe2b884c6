"""A reload of the accounts while the servers run."""

from pathlib import Path

import asyncssh
import pytest

from gateway.config.schema import InboundSettings
from gateway.inbound.accounts import hash_password
from tests.inbound.running import NAME, running


async def test_accounts_are_taken_in_by_a_reload_and_uploads_under_way_go_on(
    tmp_path: Path, password_hash: str
) -> None:
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as there:
        async with there.sftp() as connection, connection.start_sftp_client() as client:
            file = await client.open("under_way.bin", "wb")
            await file.write(b"a" * 1000)
            second = {"password": hash_password("another"), "root": str(tmp_path / "second")}
            fresh = InboundSettings.model_validate({"sftp": {"listen": "127.0.0.1:0"}, "users": {"second": second}})

            assert await there.servers.renew(fresh) == ()

            await file.write(b"b" * 1000)
            await file.close()
        assert (there.root / "under_way.bin").stat().st_size == 2000
        async with there.sftp(username="second", password="another") as connection:
            assert connection is not None
        assert (tmp_path / "second").is_dir()
        with pytest.raises(asyncssh.PermissionDenied):
            await there.sftp(username=NAME)


async def test_servers_that_changed_are_said_to_need_a_restart(tmp_path: Path, password_hash: str) -> None:
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as there:
        other = InboundSettings.model_validate({"sftp": {"listen": "127.0.0.1:1"}})
        assert await there.servers.renew(other) == ("[inbound]",)
