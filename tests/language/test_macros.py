"""Macros: values are put in once, as they are."""

from datetime import UTC, datetime

import pytest

from gateway.language.macros import MACROS, expand, file_values, time_values, uses, uses_file

NOW = datetime(2026, 3, 1, 0, 30, 5, tzinfo=UTC)


def test_a_value_is_put_in_once_and_never_read_again() -> None:
    assert expand("%a%%b%", {"a": "%b%", "b": "x"}) == "%b%x"


def test_a_percent_sign_that_opens_no_macro_is_a_character() -> None:
    assert expand("100%.csv %% 5%20b%", {"b": "no"}) == "100%.csv %% 5%20b%"
    assert expand("%unknown%", {}) == "%unknown%"


def test_an_index_is_padded_to_its_width() -> None:
    assert expand("%index%_%index:4%", {"index": "7"}) == "7_0007"
    assert expand("%index:2%", {"index": "123"}) == "123"


def test_dates_shift_by_days_hours_and_minutes() -> None:
    text = "%date% %date-1d% %date+1d% %time% %time-1h% %date-31m%"
    values = time_values((text,), NOW, "%Y%m%d", "%H%M%S")
    assert expand(text, values) == "20260301 20260228 20260302 003005 233005 20260228"


def test_a_shifted_date_never_takes_the_unshifted_value() -> None:
    assert expand("%date-1d%", {"date": "20260301"}) == "%date-1d%"


@pytest.mark.parametrize(
    ("name", "base", "extension"),
    [("a.csv", "a", "csv"), ("a.tar.gz", "a.tar", "gz"), ("a", "a", ""), (".profile", ".profile", ""), ("a.", "a", "")],
)
def test_the_name_of_a_source_has_a_base_and_an_extension(name: str, base: str, extension: str) -> None:
    values = file_values(name)
    assert (
        expand("%sourcefile%|%srcfile%|%sourcefilebase%|%sourcefileext%", values) == f"{name}|{name}|{base}|{extension}"
    )


def test_macros_that_name_one_file_are_known_as_such() -> None:
    telling = {"inbox", "outbox", "date", "time", "index", "host", "endpoint", "mailbox", "action", "status", "error"}
    of_jobs = {"job_run", "job_start", "job_ok", "job_failed"}
    assert {name for name, macro in MACROS.items() if not macro.of_file} == telling | of_jobs
    assert uses_file("tell %error% of %file%")
    assert not uses_file("tell %error%")


def test_the_places_of_macros_in_a_text_are_known() -> None:
    assert [(use.text, use.name, use.start, use.end) for use in uses("x%date-1d%y%index:4%")] == [
        ("%date-1d%", "date", 1, 10),
        ("%index:4%", "index", 11, 20),
    ]
