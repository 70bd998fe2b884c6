"""When an action is due next, as `gateway status` shows it: nothing where nothing would come of that."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.cli.status_show import show_state
from gateway.ledger.pauses import Pause
from gateway.scheduler.status import ActionStatus
from gateway.service.action_state import ActionState, Known
from gateway.service.state import GatewayState

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PAUSE = Pause(scope="action:orders", until=None, by="root", at=int(NOW.timestamp()) * 1_000_000_000)


def _shown(word: str, after: timedelta, capsys: pytest.CaptureFixture[str]) -> str:
    told = ActionStatus(name="orders", word=word, next_at=NOW + after)
    known = Known(pauses=(PAUSE,)) if word == "paused" else Known()
    show_state(GatewayState(actions=(ActionState(told=told),), known=known, zone=UTC, now=NOW), unfold=True)
    return capsys.readouterr().out


@pytest.mark.parametrize("word", ["paused", "disabled", "refused"])
def test_what_is_held_is_due_at_no_time(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = _shown(word, timedelta(0), capsys)
    assert "in 0s" not in out
    assert [line.split() for line in out.splitlines() if line.startswith("orders")] == [["orders", word, *"----"]]


def test_a_pause_is_shown_with_its_beginning_and_who_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "PAUSED: action orders since 2026-11-22 10:00:00, by root;" in _shown("paused", timedelta(0), capsys)


def test_what_is_looked_at_soon_says_when(capsys: pytest.CaptureFixture[str]) -> None:
    assert "in 5s" in _shown("idle", timedelta(seconds=5), capsys)
