"""What a destination does not want."""

from pathlib import Path

import pytest

from gateway.jobs.ignore import Ignore
from tests.jobs.setup import read, said


@pytest.mark.parametrize(
    ("patterns", "left_out", "taken"),
    [
        ((), [".hidden", ".git/config", "deep/.x/y", "a.tmp", "a.csv~"], ["a.csv", "deep/a.csv"]),
        (("*.bak",), ["a.bak", "deep/er/a.bak"], ["a.bak.csv"]),
        (("!keep.tmp",), ["other.tmp"], ["keep.tmp", "deep/keep.tmp"]),
        (("*.csv", "!keep.csv"), ["a.csv"], ["keep.csv"]),
        (("!keep.csv", "*.csv"), ["keep.csv"], []),
        (("old/",), ["old/a.csv", "deep/old/a.csv"], ["old", "older/a.csv"]),
        (("/old",), ["old", "old/a.csv"], ["deep/old/a.csv"]),
        (("logs/*.txt",), ["logs/a.txt"], ["logs/deep/a.txt", "deep/logs/a.txt"]),
        (("logs/**/*.txt",), ["logs/a.txt", "logs/x/y/a.txt"], ["logs/x/a.csv", "a.txt"]),
        (("**/cache/*",), ["cache/x", "a/b/cache/x"], ["a/cache.csv"]),
        (("logs/**",), ["logs/a", "logs/b/c"], ["log", "a/logs/a"]),
        (("[\\d+\\.csv]",), ["17.csv"], ["a17.csv"]),
        (("!.git",), [".svn/x"], [".git/config"]),
        (("!.git", "!*"), [], [".svn/x", "a.tmp"]),
        (("deep", "!deep/keep.csv"), ["deep/keep.csv"], []),
    ],
)
def test_the_last_pattern_that_matches_decides_and_a_folder_takes_what_it_holds_along(
    patterns: tuple[str, ...], left_out: list[str], taken: list[str]
) -> None:
    says = Ignore(patterns)
    assert [one for one in left_out if not says(one)] == []
    assert [one for one in taken if says(one)] == []


def test_a_folder_is_named_with_a_slash_at_its_end() -> None:
    says = Ignore(("build/",))
    assert says("build/")
    assert not says("build")


@pytest.mark.parametrize("pattern", ["[ab", "!", "/"])
def test_a_pattern_that_cant_be_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"close it with|names nothing"):
        Ignore((pattern,))


def test_a_job_whose_profile_says_such_a_pattern_is_refused_when_it_is_checked(tmp_path: Path) -> None:
    text = '[settings]\nprofile = "odd"\n[profiles.odd]\nignore = ["[ab"]\n[source]\npath = "/"\n[[destinations]]\n'
    jobs = read(tmp_path, prices=f'{text}group = "shops"\n')
    assert "prices" in jobs.broken
    assert [line for line in said(jobs).splitlines() if "J107" in line] == [
        "prices.toml:8:1: error J107 [jobs.prices] ignore, for shop001: '[ab' opens a [regex] that does not end; "
        "close it with ]"
    ]
