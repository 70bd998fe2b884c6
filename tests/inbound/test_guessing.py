"""Who guesses passwords gets few tries a connection, slowly, and a line in the log that names the address."""

import json
import logging
import re
import sys
from io import StringIO
from pathlib import Path

import asyncssh
import pytest
import structlog
from structlog.testing import capture_logs

from gateway.inbound import sftp_server
from gateway.inbound.visits import Refusals
from gateway.service.logs import configure_logs
from tests.inbound.running import PASSWORD, Running


class Guesser(asyncssh.SSHClient):
    """Gives these passwords, one after the other."""

    def __init__(self, *passwords: str) -> None:
        self._left = list(passwords)

    def password_auth_requested(self) -> str | None:
        return self._left.pop(0) if self._left else None


async def test_the_fourth_password_of_a_connection_is_not_even_looked_at(sftp: Running) -> None:
    async with sftp.sftp(password=None, client_factory=lambda: Guesser("a", "b", PASSWORD)):
        pass
    with capture_logs() as lines, pytest.raises(asyncssh.DisconnectError):
        await sftp.sftp(password=None, client_factory=lambda: Guesser("a", "b", "c", PASSWORD))
    assert "partner logged in" not in [line["event"] for line in lines]


async def test_a_wrong_password_is_answered_late_and_a_right_one_at_once(
    sftp: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(sftp_server, "_wait", wait)
    with pytest.raises(asyncssh.PermissionDenied):
        await sftp.sftp(password="wrong")
    assert waited == [sftp_server.REFUSED_AFTER_S]
    async with sftp.sftp():
        pass
    assert len(waited) == 1


def test_each_address_that_guesses_is_named_however_many_guess() -> None:
    with capture_logs() as lines:
        refusals = Refusals(lambda: 0.0)
        for number in range(3000):
            refusals.refused("root", f"192.0.2.{number % 100}", "sftp", "password")
    named = [line["address"] for line in lines if "address" in line]
    assert set(named) == {f"192.0.2.{number}" for number in range(100)}
    assert len(named) == 100

    with capture_logs() as lines:
        for number in range(5000):
            refusals.refused("root", f"198.51.{number // 250}.{number % 250}", "sftp", "password")
    assert len(lines) < 250, "so that they can't fill the disk"


def test_the_readme_tells_fail2ban_of_the_address_and_no_name_can_feign_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (expression,) = re.findall(r"^failregex = (.*)$", readme, re.MULTILINE)
    wanted = re.compile(expression.replace("<HOST>", r"(?P<host>[0-9a-fA-F.:]+)"))
    out = StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    before = structlog.get_config()
    try:
        configure_logs(as_json=True)
        refusals = Refusals(lambda: 0.0)
        feigned = '", "address": "203.0.113.1", "event": "login refused'
        for name in ("root", feigned, feigned.replace('"', '\\"'), "a\n" + feigned):
            refusals.refused(name, "192.0.2.7", "ftps", "password")
        refusals.refused("root", "2001:db8::7", "sftp", "password")
    finally:
        structlog.configure(**before)
        logging.getLogger("asyncssh").setLevel(logging.NOTSET)
    lines = out.getvalue().splitlines()
    assert len([json.loads(line) for line in lines]) == 5
    found = [match["host"] for line in lines for match in [wanted.search(line)] if match is not None]
    assert found == ["192.0.2.7"] * 4 + ["2001:db8::7"]
