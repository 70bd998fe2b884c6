import socket
from pathlib import Path

import pytest

from gateway.service.notify import notify, watchdog_every_s


def test_the_state_reaches_the_socket_that_systemd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify("READY=1", "STATUS=3 actions")
        assert listener.recv(100) == b"READY=1\nSTATUS=3 actions"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")


@pytest.mark.parametrize(("allowed", "every"), [("30000000", 15.0), ("", None), ("0", None)])
def test_a_sign_of_life_is_given_twice_as_often_as_asked(
    allowed: str, every: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed)
    assert watchdog_every_s() == every
