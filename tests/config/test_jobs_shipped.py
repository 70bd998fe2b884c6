"""The shipped example of a job shows every key with its default and its reason; and it loads."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.config import jobs
from gateway.config.load import load
from gateway.config.strict import Strict
from tests.config.shipped import prove_default, prove_reason, shown
from tests.config.test_jobs import MAIN

EXAMPLE = Path(__file__).parents[2] / "conf" / "jobs.d" / "prices.toml.example"
SECTIONS: dict[str, type[BaseModel]] = {
    "": jobs.JobSettings,
    "source": jobs.JobSource,
    "destinations": jobs.JobDestination,
    "triggers.before_indexing": jobs.JobTrigger,
    "triggers.after_endpoint": jobs.EndpointTrigger,
    "triggers.after_all": jobs.AllTrigger,
    "schedule": jobs.JobSchedule,
    "settings": jobs.JobRunSettings,
    "notify": jobs.JobNotify,
    "profiles.careful": jobs.ProfileSettings,
}
TABLES = {"source", "destinations", "triggers", "schedule", "settings", "notify"}
"""Keys of a job that are sections."""


HEADER = r"(?:# )?\[+([a-z._]+)\]+"


def own_keys(section: str) -> list[str]:
    """Those of a trigger are shown once, at the first."""
    keys = set(SECTIONS[section].model_fields)
    if section in ("triggers.after_endpoint", "triggers.after_all"):
        keys -= set(jobs.JobTrigger.model_fields)
    return sorted(keys - TABLES if not section else keys)


@pytest.mark.parametrize(("section", "key"), [(section, key) for section in SECTIONS for key in own_keys(section)])
def test_every_key_is_shown_with_its_default_and_its_reason(section: str, key: str) -> None:
    field = SECTIONS[section].model_fields[key]
    value, why = shown(EXAMPLE, HEADER)[section][key]
    prove_reason(field, why)
    if (section, key) != ("", "description"):  # it shows one
        prove_default(field, value)


def test_no_key_is_shown_that_does_not_exist() -> None:
    for section, keys in shown(EXAMPLE, HEADER).items():
        assert set(keys) <= set(SECTIONS[section].model_fields), section


def test_every_section_is_shown() -> None:
    made = {found for found in vars(jobs).values() if isinstance(found, type) and issubclass(found, Strict)}
    assert made == {*SECTIONS.values(), jobs.JobTriggers, Strict}
    assert set(shown(EXAMPLE, HEADER)) == set(SECTIONS)


def test_the_example_loads_as_it_is_and_with_every_line_taken_in(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "gateway.toml").write_text(MAIN, encoding="utf-8")
    text = EXAMPLE.read_text(encoding="utf-8")
    (tmp_path / "jobs.d" / "prices.toml").write_text(text, encoding="utf-8")
    job = load(tmp_path / "gateway.toml", {}).config.jobs["prices"]
    assert (job.schedule.repeat, job.destinations[0].group) == ("daily", "shops")
