import pytest

from gateway.core.model import Entry, Kind, Span, Stamp

BASE = Stamp(10, mtime_ns=1_500_000_000, inode=7, device=1)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (BASE, True),
        (Stamp(11, 1_500_000_000, 7, 1), False),
        (Stamp(10, 1_500_000_001, 7, 1), False),
        (Stamp(10, 1_500_000_000, 8, 1), False),
        (Stamp(10, 1_500_000_000, 7, 2), True),  # the device changes at a remount
        (Stamp(10, 1_500_000_000), True),  # no lasting inode there
        (Stamp(10, None), True),  # a peer that says no time
        (Stamp(10, 1_000_000_000, mtime_precision_ns=1_000_000_000), True),  # a listing that knows seconds
    ],
)
def test_a_version_is_known_by_inode_size_and_time_as_far_as_both_sides_know_them(other: Stamp, same: bool) -> None:
    assert BASE.same_version(other) is same
    assert other.same_version(BASE) is same


def test_another_inode_with_size_and_time_kept_is_likely_the_same_content() -> None:
    assert BASE.same_content_likely(Stamp(10, 1_500_000_000, 8, 1))


def test_a_name_is_the_last_part_of_a_path() -> None:
    assert Entry("/in/sub/", Kind.FOLDER, Stamp(0)).name == "sub"


def test_a_span_prints_as_editors_read_it() -> None:
    assert str(Span("orders.act", 3, 7, 9)) == "orders.act:3:7"
