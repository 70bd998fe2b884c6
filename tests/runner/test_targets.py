import pytest

from gateway.core.errors import Refused
from gateway.core.model import Stamp
from gateway.runner.targets import Planned, Target, final_name, folders_of, join_remote, require_no_collision
from gateway.transfer.sources import Found


def _found(relative: str) -> Found:
    return Found(path=f"/out/{relative}", relative=relative, stamp=Stamp(size_bytes=1))


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        ("", "in/a.csv", "in/a.csv"),
        ("in", "a.csv", "in/a.csv"),
        ("/in", "a.csv", "/in/a.csv"),
        ("in", "/x/a.csv", "/x/a.csv"),
        ("in/deep", "../a.csv", "in/a.csv"),
        ("", "../a.csv", "../a.csv"),
        ("/in", "~/a.csv", "~/a.csv"),
        ("in", "./b//c", "in/b/c"),
    ],
)
def test_a_remote_path_starts_where_cd_went_unless_it_says_otherwise(folder: str, path: str, expected: str) -> None:
    assert join_remote(folder, path) == expected


@pytest.mark.parametrize(
    ("relative", "target", "expected"),
    [
        ("a.csv", Target("/in/", True), "/in/a.csv"),
        ("sub/a.csv", Target("/in", True), "/in/sub/a.csv"),
        ("a.csv", Target("/in/b.csv", False), "/in/b.csv"),
        ("a.csv", Target("", True), "a.csv"),
        ("a.csv", Target("/", True), "/a.csv"),
    ],
)
def test_a_folder_keeps_names_and_relative_paths(relative: str, target: Target, expected: str) -> None:
    assert final_name(_found(relative), target) == expected


def test_two_sources_of_one_run_with_one_target_name_are_refused_before_the_first_byte() -> None:
    both = [Planned(_found("x/a"), "/in/a"), Planned(_found("y/a"), "/in/a")]
    with pytest.raises(Refused, match=r"/out/x/a and /out/y/a would both be sent as /in/a"):
        require_no_collision(both, may_share=False)
    require_no_collision(both, may_share=True)


def test_folders_are_made_from_the_outside_in() -> None:
    assert folders_of(["/in/a/b/x", "/in/c/y", "z"]) == ["/in", "/in/a", "/in/c", "/in/a/b"]
