"""`gateway schedulers history`: who changed what, and when."""

from functools import partial

from gateway.cli.doing import do
from gateway.cli.moments import short
from gateway.cli.output import print_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import moment
from gateway.ledger import channel_changes
from gateway.ledger.channel_changes import ChangeRow
from gateway.service.reading import NothingYet, reading

DEFAULT = "(default)"


def show_history(channel: str | None, *, limit: int, as_json: bool) -> None:
    """A row a value that was changed."""
    loaded, changes = do(partial(_read, channel=channel, limit=limit))
    zone = loaded.zone()
    rows = [
        {
            "at": moment(one.at, zone).isoformat(timespec="seconds") if as_json else short(one.at, zone),
            "who": "another hand, in the file" if one.outside else one.who,
            "channel": one.channel or (None if as_json else DEFAULT),
            "what": one.key,
            "old": one.old,
            "new": one.new,
            "outside": one.outside,
        }
        for one in changes
    ]
    columns = ("at", "who", "channel", "what", "old", "new")
    print_rows(rows, columns, as_json=as_json, empty="Nothing was changed yet.")


async def _read(loaded: Loaded, clock: Clock, channel: str | None, limit: int) -> tuple[Loaded, tuple[ChangeRow, ...]]:
    try:
        async with reading(loaded, clock) as ledger:
            return loaded, await ledger.read(partial(channel_changes.latest, channel=channel, limit=limit))
    except NothingYet:
        return loaded, ()
