"""`gateway probe` shares the memory of refused logins with the runs: no password is shown more often for it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LoginRefused
from gateway.endpoints.pool import Pool
from gateway.ledger import Ledger, open_ledger
from gateway.service.probed import probe_once
from gateway.transfer.logins import LedgerLogins
from tests.peers.places import ssh_place
from tests.peers.ssh_servers import PASSWORD, Account, asyncssh_sftp
from tests.runner.harness import START


class Counted(Account):
    """Counts the passwords that it is shown; the right one has expired as long as `expired`."""

    def __init__(self) -> None:
        self.shown = 0
        self.expired = False

    def validate_password(self, username: str, password: str) -> bool:
        self.shown += 1
        if self.expired:
            raise asyncssh.PasswordChangeRequired("Your password has expired; choose a new one")
        return super().validate_password(username, password)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    clock = TurnedClock(START)
    async with open_ledger(tmp_path / "state", clock, reserve_bytes=0) as made:
        yield made


async def test_a_password_that_was_refused_is_not_shown_again_by_a_probe_nor_by_a_run_after_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    account, clock = Counted(), TurnedClock(START)
    async with asyncssh_sftp(tmp_path, account=lambda: account) as peer:
        wrong = replace(ssh_place(peer, "/"), password="a wrong one")
        for _ in range(3):
            with pytest.raises(LoginRefused, match="correct the user or the password"):
                await probe_once(wrong, ledger, clock, write=None, execute=False)
        pool = Pool({wrong.name: wrong}, clock, LedgerLogins(ledger))
        with pytest.raises(LoginRefused, match=r"not tried again before .* `gateway retry`: at once"):
            async with pool.session(wrong.name):
                pass
        assert account.shown == 1
        await clock.turn(timedelta(hours=1))
        with pytest.raises(LoginRefused):
            await probe_once(wrong, ledger, clock, write=None, execute=False)
        assert account.shown == 2, "once an hour, as for runs"
        right = replace(wrong, password=PASSWORD)
        found = await probe_once(right, ledger, clock, write=None, execute=False)
        assert (found.endpoint, account.shown) == (right.name, 3), "another secret is tried at once"
        assert await LedgerLogins(ledger).recall(right.name) is None
        await pool.close()


async def test_an_expired_password_is_told_with_the_servers_words_and_what_to_do(
    ledger: Ledger, tmp_path: Path
) -> None:
    account = Counted()
    account.expired = True
    async with asyncssh_sftp(tmp_path, account=lambda: account) as peer:
        place = ssh_place(peer, "/")
        remedy = rf"set a new password at the peer, then .* of endpoint {place.name} is kept"
        with pytest.raises(LoginRefused, match=f"Your password has expired; choose a new one; {remedy}"):
            await probe_once(place, ledger, TurnedClock(START), write=None, execute=False)
    assert account.shown == 1
