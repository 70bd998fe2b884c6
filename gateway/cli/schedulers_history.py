"""`gateway schedulers history`: who changed what, and when."""

from functools import partial
from zoneinfo import ZoneInfo

from gateway.channels.model import BUILT_IN
from gateway.channels.schedule_text import short_text
from gateway.cli.doing import do
from gateway.cli.moments import short
from gateway.cli.output import Row, print_rows
from gateway.cli.schedulers_show import schedule_of
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import moment
from gateway.ledger import channel_changes
from gateway.ledger.channel_changes import ChangeRow
from gateway.service.reading import NothingYet, reading

DEFAULT, UNSAID, OUTSIDE = "(default)", "default", "edited file"


def show_history(channel: str | None, *, limit: int, as_json: bool) -> None:
    """A row a value that was changed."""
    loaded, changes = do(partial(_read, channel=channel, limit=limit), looks_back=True)
    zone = loaded.zone()
    rows = [_row(one, zone) if as_json else _for_people(one, zone) for one in changes]
    print_rows(rows, ("at", "who", "channel", "change"), as_json=as_json, empty="Nothing was changed yet.")


def _row(one: ChangeRow, zone: ZoneInfo) -> Row:
    return {
        "at": moment(one.at, zone).isoformat(timespec="seconds"),
        "who": None if one.outside else one.who,
        "outside": one.outside,
        "channel": one.channel or None,
        "what": one.key,
        "old": one.old,
        "new": one.new,
    }


def _for_people(one: ChangeRow, zone: ZoneInfo) -> Row:
    unsaid = UNSAID if one.channel else BUILT_IN
    old, new = (unsaid if text is None else short_text(text) for text in (one.old, one.new))
    return {
        "at": short(one.at, zone),
        "who": OUTSIDE if one.outside else one.who,
        "channel": one.channel or DEFAULT,
        "change": f"{one.key}: {old} -> {new}",
    }


async def _read(loaded: Loaded, clock: Clock, channel: str | None, limit: int) -> tuple[Loaded, tuple[ChangeRow, ...]]:
    found: tuple[ChangeRow, ...] = ()
    try:
        async with reading(loaded, clock) as ledger:
            found = await ledger.read(partial(channel_changes.latest, channel=channel, limit=limit))
    except NothingYet:
        pass
    if channel is not None and not found:  # one that is gone may have changed all the same
        schedule_of(loaded, channel)
    return loaded, found
