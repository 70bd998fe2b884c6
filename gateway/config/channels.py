"""The shape of catalogues, of channels (`conf/channels.d/NAME.toml`) and of their schedules."""

from datetime import datetime, time
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.config.channel_kinds import (
    DeliveryTime,
    DoneTemplate,
    Every,
    FileTemplate,
    FolderTemplate,
    SetAt,
    XmlPart,
)
from gateway.config.job_kinds import Weekday
from gateway.config.kinds import Many, Zone
from gateway.config.strict import Strict

Approval = Literal["auto", "manual"]

_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class CatalogueSettings(Strict):
    """`[catalogues.NAME]`: a folder of items."""

    path: str = Field(description="The folder that holds one folder for each item.")
    metadata: Many[str] = Field(
        default=("*.xml", "*.json", "*.csv"),
        description="Patterns of the names of metadata files; all other files of an item are its files.",
    )
    metadata_ignore: Many[XmlPart] = Field(
        default=(), description="Parts of XML metadata that don't count as a change, such as //Header."
    )


class CronSettings(Strict):
    """`cron = { every = 2, set_at = … }`: how often catalogues are looked at."""

    every: int = Field(default=1, ge=1, le=24, description="Every so many hours, 1-24; from 2 on from midnight.")
    set_at: SetAt | None = Field(
        default=None, description="When `every` was set: its minute is that of every look; default: minute 0."
    )
    anchor: Literal["midnight", "set_time"] = Field(
        default="midnight", description="What the hours are counted from: midnight, or the hour of set_at."
    )

    @field_validator("set_at")
    @classmethod
    def _can_be_counted_from(cls, set_at: datetime | None) -> datetime | None:
        """Within what every zone can show, and the ledger can keep."""
        if set_at is not None and not _FIRST_YEAR <= set_at.year <= _LAST_YEAR:
            raise ValueError(
                f"{set_at.isoformat()} is out of the years {_FIRST_YEAR} to {_LAST_YEAR}; "
                "write when it was set: 2026-11-21T11:20:00+01:00"
            )
        return set_at


class RhythmSettings(Strict):
    """`file = { every = "week", day = "Su", at = "14:00" }`: when deliveries of a kind go out."""

    every: Every = Field(description="hour, day or week.")
    at: DeliveryTime | None = Field(
        default=None,
        description='24-hour time, such as "14:00"; with hour a minute, such as ":30", default: that of the looks.',
    )
    day: Weekday | None = Field(default=None, description="With week: Mo, Tu, We, Th, Fr, Sa or Su; no default.")

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        problem = _wrong_time(self) or _wrong_day(self)
        if problem is not None:
            raise ValueError(problem)
        return self


def _wrong_time(rhythm: RhythmSettings) -> str | None:
    if rhythm.every == "hour" and isinstance(rhythm.at, time):
        return f'every = "hour" takes a minute, not {rhythm.at:%H:%M}; write at = ":{rhythm.at:%M}", or every = "day"'
    if rhythm.every != "hour" and rhythm.at is None:
        return f'every = "{rhythm.every}" needs its time; write at = "14:00"'
    if rhythm.every != "hour" and not isinstance(rhythm.at, time):
        return f'every = "{rhythm.every}" needs a whole time, not the minute :{rhythm.at:02}; write at = "14:00"'
    return None


def _wrong_day(rhythm: RhythmSettings) -> str | None:
    if rhythm.every == "week" and rhythm.day is None:
        return 'every = "week" needs its day; write day = "Su"'
    if rhythm.every != "week" and rhythm.day is not None:
        return f'day belongs to every = "week", not to "{rhythm.every}"; change one of the two'
    return None


class ScheduleSettings(Strict):
    """`[default]` of schedulers.toml, or `[schedule]` of a channel: whole or in part."""

    cron: CronSettings | None = Field(default=None, description="How often is looked for changes; no default.")
    first: RhythmSettings | None = Field(default=None, description="When first deliveries go out; no default.")
    metadata: RhythmSettings | None = Field(default=None, description="When changes of metadata go out; no default.")
    file: RhythmSettings | None = Field(default=None, description="When changes of files go out; no default.")


class SchedulersSettings(Strict):
    """`conf/schedulers.toml`: what holds for every channel that does not say its own."""

    default: ScheduleSettings = ScheduleSettings()


class ItemsSettings(Strict):
    """`items = { include = […], exclude = […] }`: which items of the catalogue."""

    include: Many[str] = Field(default=(), description="Patterns of items; default: all of them.")
    exclude: Many[str] = Field(default=(), description="Patterns of items that are left out, whatever else says.")


class ApprovalSettings(Strict):
    """`[approval]`: what goes out by itself (auto), and what waits for a person (manual)."""

    first: Approval = Field(default="auto", description="First deliveries: auto, or manual.")
    metadata: Approval = Field(default="auto", description="Changes of metadata: auto, or manual.")
    file: Approval = Field(default="manual", description="Changes of files: auto, or manual.")


class PayloadSettings(Strict):
    """`[payload]`: what is sent."""

    file: Literal["all", "changed"] = Field(
        default="all", description="When a file changed: all files of the item, or those that changed."
    )


class PlaceSettings(Strict):
    """`[place]`: where files arrive, with {item} {name} {stem} {ext} {date} {time} {index} put in."""

    path: FolderTemplate = Field(default="", description="The folder there; default: the path of the endpoint's URL.")
    files: FileTemplate = Field(default="{name}", description="The name of each file.")
    done: DoneTemplate | None = Field(
        default=None, description="A marker that is placed after the last file of a delivery; no default."
    )


class ChannelSettings(Strict):
    """`conf/channels.d/NAME.toml`, or `[channels.NAME]`: a recipient with a rhythm."""

    description: str = Field(default="", description="One line for people.")
    endpoint: str = Field(description="Who gets it.")
    catalogue: str = Field(description="What it gets the items of: a [catalogues.NAME].")
    start: Literal["now", "all"] = Field(
        default="now", description="now: what is there at the beginning counts as delivered; all: it is delivered."
    )
    wellformed: bool = Field(
        default=False, description="true: an item whose XML or JSON metadata can't be read is held, with the reason."
    )
    timezone: Zone | None = Field(default=None, description="The zone of its times; default: the gateway's.")
    items: ItemsSettings = ItemsSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    approval: ApprovalSettings = ApprovalSettings()
    payload: PayloadSettings = PayloadSettings()
    place: PlaceSettings = PlaceSettings()
