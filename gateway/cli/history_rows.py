"""The lines that `gateway history` shows: each as programs get it, and as people read it."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gateway.cli.history_asked import INTERRUPTED
from gateway.cli.output import Row

if TYPE_CHECKING:
    from datetime import tzinfo

    from gateway.cli.history_asked import Asked
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger import Ledger
    from gateway.ledger.delivery_row import DeliveryRow
    from gateway.ledger.partner_files import Act, ActRow
    from gateway.service.left_open import Stuck
    from gateway.service.receipts import Receipt

SHOWN = 100
Line: TypeAlias = tuple[Row, Row]
"""For programs, for people."""
_Timed: TypeAlias = tuple[int, Line]
"""With the time of its start, as the ledger has it."""


async def delivery_lines(loaded: "Loaded", clock: "Clock", asked: "Asked") -> list[Line]:
    """Deliveries, newest first."""
    return [line for _, line in await _deliveries(loaded, clock, asked)]


async def run_lines(loaded: "Loaded", clock: "Clock", asked: "Asked") -> list[Line]:
    """Runs, newest first."""
    from gateway.cli.moments import short
    from gateway.core.units import show_size
    from gateway.ledger.overview import past_runs
    from gateway.service.reading import reading
    from gateway.service.receipts import run_receipt

    wanted, zone = asked.runs(loaded, clock, SHOWN), loaded.zone()
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(past_runs, wanted=wanted))
    return [
        (
            run_receipt(row, zone),
            {
                **run_receipt(row, zone),
                "when": short(row.started_at, zone),
                "failed": row.failed_files,
                "size": show_size(row.size_bytes),
                "took": None if row.ended_at is None else f"{(row.ended_at - row.started_at) / 1e9:.1f} s",
                "said": "; ".join([*([row.error] if row.error else []), *row.notes]) or None,
            },
        )
        for row in found
    ]


async def act_lines(loaded: "Loaded", clock: "Clock", asked: "Asked") -> list[Line]:
    """What partners did, newest first."""
    return [line for _, line in await _acts(loaded, clock, asked)]


async def chain_lines(loaded: "Loaded", clock: "Clock", asked: "Asked") -> list[Line]:
    """What partners did with files of a name, and what became of those, newest first."""
    delivered = [
        (at, ({"kind": "delivery", **told}, shown)) for at, (told, shown) in await _deliveries(loaded, clock, asked)
    ]
    lines = [
        *delivered,
        *([] if asked.action or asked.endpoint else await _acts(loaded, clock, asked, names_before=True)),
    ]
    lines.sort(key=lambda line: line[0], reverse=True)
    return [line for _, line in lines[: asked.limit or SHOWN]]


async def _deliveries(loaded: "Loaded", clock: "Clock", asked: "Asked") -> list[_Timed]:
    from gateway.ledger.history import history
    from gateway.ledger.overview import parked_deliveries
    from gateway.service.reading import reading

    wanted = asked.deliveries(loaded, clock, SHOWN)
    async with reading(loaded, clock) as ledger:
        interrupted = await cut_off(loaded, ledger)
        found = await ledger.read(partial(history, wanted=asked.narrowed(wanted, interrupted)))
        parked = await ledger.read(partial(parked_deliveries, found=[row.id for row in found]))
    return [(row.started_at, _delivery(row, parked, interrupted.get(row.id), loaded.zone())) for row in found]


async def cut_off(loaded: "Loaded", ledger: "Ledger") -> "Mapping[int, Stuck]":
    """The deliveries that were interrupted and that nobody carries, by number."""
    from gateway.service.left_open import interrupted_of
    from gateway.service.reading import served_by

    held = await served_by(loaded) is not None
    return await ledger.read(partial(interrupted_of, held=held))


def _delivery(row: "DeliveryRow", parked: Collection[int], stuck: "Stuck | None", zone: "tzinfo") -> Line:
    from gateway.cli.moments import short
    from gateway.core.units import show_size
    from gateway.service.receipts import receipt

    told = receipt(row, parked, zone)
    place = f"{row.intent.endpoint}:" if row.intent.endpoint else ""
    shown: Row = {
        **told,
        # For people: what nobody carries is not under way, whatever state it was left in.
        **({} if stuck is None else {"state": INTERRUPTED, "error": f"{stuck.why}; {stuck.remedy}"}),
        "when": short(row.started_at, zone),
        "file": row.name,
        "size": show_size(row.size if row.size is not None else row.intent.stamp.size_bytes),
        "what": row.intent.verb,
        "by": row.intent.action,
        "to": f"{place}{row.final}",
    }
    return told, {**shown, "said": shown["error"]}


async def _acts(loaded: "Loaded", clock: "Clock", asked: "Asked", *, names_before: bool = False) -> list[_Timed]:
    from gateway.ledger.partner_history import acts, with_names_before
    from gateway.service.partner_receipts import act_receipt
    from gateway.service.reading import is_served, reading

    wanted, zone = asked.acts(loaded, clock, SHOWN), loaded.zone()
    async with reading(loaded, clock) as ledger:
        found = await ledger.read(partial(acts, wanted=wanted))
        if names_before:
            found = await ledger.read(partial(with_names_before, found=found))
    serves = await is_served(loaded)
    lines: list[_Timed] = []
    for row in found:
        told = act_receipt(row, zone, is_served=serves)
        lines.append((row.act.started_at or 0, (told, {**told, **_for_people(loaded, row), **_said(row, told)})))
    return lines


def _for_people(loaded: "Loaded", row: "ActRow") -> Row:
    from gateway.cli.moments import short
    from gateway.core.units import show_size
    from gateway.ledger.partner_files import Kind

    act = row.act
    is_lost = act.kind is Kind.LOST
    return {
        "when": short(act.started_at, loaded.zone()),
        "what": act.kind.value,
        "by": f"{act.partner} ({act.over} {act.address})" if act.partner else None,
        "from": act.address or None,
        "file": _below_root(loaded, act, act.path) or None,
        "to": None if act.renamed_to is None else _below_root(loaded, act, act.renamed_to),
        "size": None if act.size is None or is_lost else show_size(act.size),
    }


def _said(row: "ActRow", told: "Receipt") -> Row:
    from gateway.ledger.partner_files import Kind

    lost = f"{row.act.size} more could not be noted; the log has them"
    return {"said": lost if row.act.kind is Kind.LOST else told["error"]}


def _below_root(loaded: "Loaded", act: "Act", path: str) -> str:
    """As the partner sees it; whole where the account is another one now."""
    user = loaded.config.inbound.users.get(act.partner)
    root = None if user is None else loaded.resolve(user.root)
    return str(Path(path).relative_to(root)) if root is not None and Path(path).is_relative_to(root) else path
