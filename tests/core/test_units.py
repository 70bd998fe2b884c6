from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.units import parse_duration, parse_size, show_duration, show_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("5s", 5), ("10m", 600), ("1h", 3600), ("2d", 172800), ("1h30m", 5400), ("0", 0), ("1.5h", 5400)],
)
def test_durations_read_as_people_write_them(text: str, expected: float) -> None:
    assert parse_duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize("text", ["", "5", "s", "5 parsecs", "-5s", "5s later", "1m\u017f"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30s or 1h30m"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**11))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(show_duration(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"), [("512k", 524288), ("10M", 10485760), ("1G", 1 << 30), ("7", 7), ("2KiB", 2048)]
)
def test_sizes_read_as_people_write_them(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["big", "1\u212a"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 512k or 10M"):
        parse_size(text)


@pytest.mark.parametrize(("size", "expected"), [(512, "512 B"), (1536, "1.5 KiB"), (52428800, "50.0 MiB")])
def test_sizes_show_short(size: int, expected: str) -> None:
    assert show_size(size) == expected
