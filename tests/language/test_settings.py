"""Settings: what headers say, what SET, SET without a value and CLEAR do."""

from datetime import timedelta

import pytest

from gateway.language.parse import parse_action
from gateway.language.properties import COSMETIC, HEADER_ONLY, INSTEAD, OURS, THEIRS
from gateway.language.settings import (
    ActionSettings,
    Empty,
    Settings,
    Sort,
    settings_along,
    settings_before,
    with_clear,
    with_set,
)

THEIR_VALUES: dict[str, tuple[str, dict[str, object]]] = {
    "TerminateOnFail": ("False", {"terminate_on_fail": False}),
    "CommandRetries": ("7", {"retries": 7}),
    "RetryDelay": ("45", {"retry_delay": timedelta(seconds=45)}),
    "NextFileOnFail": ("false", {"next_file_on_fail": False}),
    "DoNotSendZeroLengthFiles": ("True", {"empty": Empty.SKIP}),
    "OutboxSort": ("Date", {"sort": Sort.MTIME}),
    "UnzipUsePath": ("False", {"unzip_use_path": False}),
    "ZipComment": ("a = b", {"zip_comment": "a = b"}),
    "ZipCompressionLevel": ("9", {"zip_level": 9}),
    "MacroDateFormat": ("dd.mm.yyyy", {"date_format": "%d.%m.%Y"}),
    "MacroTimeFormat": ("HHMM", {"time_format": "%H%M"}),
}


def test_every_property_of_theirs_is_tried_here() -> None:
    assert set(THEIR_VALUES) == {each.name for each in THEIRS}


@pytest.mark.parametrize("name", THEIR_VALUES)
def test_a_property_of_theirs_does_what_it_says_and_its_default_comes_back(name: str) -> None:
    value, expected = THEIR_VALUES[name]
    changed = with_set(Settings(), name, value)
    assert {field: getattr(changed, field) for field in expected} == expected
    assert changed != Settings()
    assert with_set(changed, name, None) == Settings()
    assert with_set(changed, name.upper(), "") == Settings()


def test_set_without_a_value_gives_back_what_the_header_said() -> None:
    parsed = parse_action("@retries 7\nSET retries=1\nPUT a\nSET retries\nPUT b\n", "x.act")
    found = [settings.retries for _, settings in settings_along(parsed.action.commands, parsed.settings.first)]
    assert found == [1, 1, 7, 7]
    assert settings_before(parsed.action.commands[:1], parsed.settings.first).retries == 1


def test_clear_gives_the_empty_string_where_that_makes_sense() -> None:
    assert with_clear(with_set(Settings(), "ZipComment", "x"), "ZipComment").zip_comment == ""
    with pytest.raises(ValueError, match="cannot be empty"):
        with_clear(Settings(), "retries")


@pytest.mark.parametrize("name", sorted(COSMETIC.values()))
def test_a_cosmetic_property_of_theirs_is_a_warning_and_changes_nothing(name: str) -> None:
    parsed = parse_action(f"SET {name}=1\nCLEAR {name}\n", "x.act")
    assert [(each.severity, each.code) for each in parsed.findings] == [("warning", "W203")]
    assert settings_before(parsed.action.commands, Settings()) == Settings()


@pytest.mark.parametrize("name", sorted([*INSTEAD, *HEADER_ONLY, "FixedRecordLength", "PGPEncrypted", "LCOPYArchive"]))
def test_a_property_that_would_change_bytes_or_places_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"header|endpoint|LCOPY|\[gateway\]|no property"):
        with_set(Settings(), name, "1")


def test_every_header_that_set_may_change_has_a_property_of_the_same_name() -> None:
    names = {each.name for each in OURS}
    assert all(hasattr(Settings(), field) for each in OURS for field in each.fields)
    assert {"timeout", "retries", "stability", "empty", "exists", "sort", "order", "limit", "repeat"} <= names
    assert not names & HEADER_ONLY


def test_a_script_without_headers_has_the_documented_defaults() -> None:
    parsed = parse_action("", "x.act")
    assert parsed.settings == ActionSettings()
    first = parsed.settings.first
    assert (first.timeout, first.retries, first.retry_delay) == (timedelta(minutes=5), 3, timedelta(seconds=10))
    assert (first.terminate_on_fail, first.next_file_on_fail, first.limit) == (True, True, 10000)
    assert (parsed.settings.schedule, parsed.settings.priority, parsed.settings.enabled) == ("manually", 5, True)


def test_the_properties_of_a_long_script_are_followed_in_one_pass() -> None:
    commands = parse_action("SET retries=1\n" * 3000, "x.act").action.commands
    assert sum(settings.retries for _, settings in settings_along(commands, Settings())) == 3000
