"""The shipped example of a channel and the shipped schedule show every key with its default and its reason."""

import re
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.channels.read import read_channels
from gateway.config import channels
from gateway.config.load import load
from gateway.config.strict import Strict
from tests.config.shipped import prove_default, prove_reason, shown

CONF = Path(__file__).parents[2] / "conf"
EXAMPLE = CONF / "channels.d" / "bookshop.toml.example"
SECTIONS: dict[str, type[BaseModel]] = {
    "": channels.ChannelSettings,
    "items": channels.ItemsSettings,
    "schedule": channels.ScheduleSettings,
    "approval": channels.ApprovalSettings,
    "payload": channels.PayloadSettings,
    "place": channels.PlaceSettings,
    "catalogues.titles": channels.CatalogueSettings,
}
TABLES = {"items", "schedule", "approval", "payload", "place"}
"""Keys of a channel that are sections."""


HEADER = r"\[([a-z._]+)\]"


def own_keys(section: str) -> list[str]:
    return sorted(set(SECTIONS[section].model_fields) - (TABLES if not section else set()))


@pytest.mark.parametrize(("section", "key"), [(section, key) for section in SECTIONS for key in own_keys(section)])
def test_every_key_is_shown_with_its_default_and_its_reason(section: str, key: str) -> None:
    field = SECTIONS[section].model_fields[key]
    value, why = shown(EXAMPLE, HEADER)[section][key]
    prove_reason(field, why)
    if (section, key) != ("", "description"):  # it shows one
        prove_default(field, value)


def test_no_key_or_section_is_shown_that_does_not_exist() -> None:
    assert set(shown(EXAMPLE, HEADER)) == set(SECTIONS)
    for section, keys in shown(EXAMPLE, HEADER).items():
        assert set(keys) <= set(SECTIONS[section].model_fields), section


def test_every_section_is_shown() -> None:
    made = {found for found in vars(channels).values() if isinstance(found, type) and issubclass(found, Strict)}
    in_schedules = {channels.CronSettings, channels.RhythmSettings, channels.SchedulersSettings}
    assert made == {*SECTIONS.values(), *in_schedules, Strict}


@pytest.mark.parametrize("model", [channels.CronSettings, channels.RhythmSettings])
def test_every_key_of_a_schedule_is_explained_where_the_default_stands(model: type[BaseModel]) -> None:
    text = (CONF / "schedulers.toml").read_text(encoding="utf-8")
    for key, field in model.model_fields.items():
        assert re.search(rf"^#   {key} +{re.escape(field.description or '?')}$", text, re.MULTILINE), key


def test_the_example_and_the_schedule_load_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "conf" / "channels.d").mkdir(parents=True)
    (tmp_path / "var" / "titles").mkdir(parents=True)
    shutil.copy(EXAMPLE, tmp_path / "conf" / "channels.d" / "bookshop.toml")
    shutil.copy(CONF / "schedulers.toml", tmp_path / "conf")
    main = tmp_path / "conf" / "gateway.toml"
    main.write_text('[gateway]\nroot = ".."\n[endpoints.bookshop]\nurl = "sftp://gw@bookshop.example/"\n')
    read = read_channels(load(main, {}))
    assert read.findings == ()
    times = read.channels["bookshop"].times
    assert times.file.origin == "conf/channels.d/bookshop.toml:40"
    assert {times.cron.origin, times.first.origin, times.metadata.origin} == {
        f"conf/schedulers.toml:{line}" for line in (15, 16, 17)
    }
