from datetime import timedelta

import pytest

from gateway.core.pauses import pause_after, pause_after_ns


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (500, 60)])
def test_what_fails_again_is_left_alone_for_longer_up_to_an_hour(failures: int, minutes: int) -> None:
    assert pause_after(failures) == timedelta(minutes=minutes)
    assert pause_after_ns(failures) == minutes * 60 * 1_000_000_000
