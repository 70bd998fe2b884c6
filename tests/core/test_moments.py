"""Moments as the ledger keeps them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.core.moments import length_ns, moment, ns

AT = datetime(2026, 10, 25, 0, 30, 0, 123_456, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize("at", [AT, AT.astimezone(VIENNA), AT + timedelta(hours=1), datetime(1960, 1, 1, tzinfo=UTC)])
def test_moments_survive_the_tables(at: datetime) -> None:
    assert moment(ns(at)) == at.astimezone(UTC)
    assert moment(ns(at), VIENNA).utcoffset() == at.astimezone(VIENNA).utcoffset()


def test_a_length_of_years_is_whole_microseconds() -> None:
    assert length_ns(timedelta(days=40_000, microseconds=1)) == 40_000 * 86_400 * 10**9 + 1000
