"""However a schedule is written in TOML, a change of it leaves every comment and every other value."""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.channels.schedule_edit import edited
from gateway.channels.schedule_text import parse_rhythm
from gateway.channels.schedule_values import Value, tree_of
from gateway.config.channels import CronSettings

WAYS = {
    "inline": '[default]\nfirst = { every = "day", at = "22:00" }  # large\n# the end',
    "no line end": '[default]\nfirst = { every = "day", at = "22:00" }',
    "nothing": "",
    "comments alone": "# ours\n",
    "one line": 'default = { first = { every = "day", at = "22:00" } } # all in one\nother = 1\n',
    "dotted": '[default]\nfirst.every = "day" # how often\nfirst.at = "22:00" # when\nfile = { every = "hour" }\n',
    "dotted from the top": 'default.first = { every = "day", at = "22:00" } # first\ndefault.file.every = "hour"\n',
    "headers": '[default.first] # first\nevery = "day"\nat = 22:00:00 # a time\n\n[other]\nx = 1 # x\n',
    "tabs": '\t[default]\n\tfirst\t=\t{every="day",at="22:00"}\t# tabs\n',
    "other line ends": '[default]\r\nfirst = { every = "day", at = "22:00" } # one\r\n# two\r\n',
    "quoted": '["default"]\n"first" = { "every" = \'day\', \'at\' = "22:00" } # quoted\n',
    "a table behind": "[default] # d\n# nothing yet\n\n[other] # o\nx = 1\n",
}
CHANGES: list[Mapping[str, Value | None]] = [
    {"first": parse_rhythm("weekly Mo 01:00")},
    {"first": parse_rhythm("hourly :05"), "file": parse_rhythm("daily 02:00")},
    {"cron": CronSettings(every=2, set_at=datetime(2026, 11, 21, 1, 10, tzinfo=UTC))},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: "+".join(changes))
@pytest.mark.parametrize("way", WAYS)
def test_a_change_leaves_every_comment_and_every_other_value(way: str, changes: Mapping[str, Value | None]) -> None:
    text = WAYS[way]
    changed = edited(text, ("default",), changes)
    before, after = tomllib.loads(text), tomllib.loads(changed)
    wanted = {key: tree_of(value) for key, value in changes.items() if value is not None}
    assert after == {**before, "default": {**before.get("default", {}), **wanted}}
    assert re.findall(r"#[^\r\n]*", changed) == re.findall(r"#[^\r\n]*", text)
    assert changed.endswith("\n")
    assert ("\r\n" in changed) == ("\r\n" in text)


@pytest.mark.parametrize("way", WAYS)
def test_a_value_that_is_taken_out_takes_nothing_else_along(way: str) -> None:
    before = tomllib.loads(WAYS[way])
    after = tomllib.loads(edited(WAYS[way], ("default",), {"first": None}))
    expected = {**before, "default": {key: one for key, one in before.get("default", {}).items() if key != "first"}}
    assert {key: one for key, one in after.items() if one} == {key: one for key, one in expected.items() if one}
