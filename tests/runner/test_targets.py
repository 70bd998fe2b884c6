import pytest

from gateway.core.errors import Refused
from gateway.runner.targets import final_name, join_remote, require_no_collision


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
    ("relative", "target", "is_folder", "expected"),
    [
        ("a.csv", "/in/", True, "/in/a.csv"),
        ("sub/a.csv", "/in", True, "/in/sub/a.csv"),
        ("a.csv", "/in/b.csv", False, "/in/b.csv"),
        ("a.csv", "", True, "a.csv"),
        ("a.csv", "/", True, "/a.csv"),
    ],
)
def test_a_folder_keeps_names_and_relative_paths(relative: str, target: str, is_folder: bool, expected: str) -> None:
    assert final_name(relative, target, is_folder=is_folder) == expected


def test_two_sources_of_one_run_with_one_target_name_are_refused_before_the_first_byte() -> None:
    with pytest.raises(Refused, match=r"^job.act:3:1: PUT: /out/x/a and /out/y/a would both be sent as /in/a"):
        require_no_collision("job.act:3:1: PUT", {"/out/x/a": "/in/a", "/out/y/a": "/in/a"})
    require_no_collision("PUT", {"/out/x/a": "/in/a", "/out/y/a": "/in/b"})
