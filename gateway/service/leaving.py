"""What leaves the history: bite by bite, first into files where that is wanted, then out of the ledger."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Connection, Ledger, partner_files, retention
from gateway.ledger.overview import parked_deliveries
from gateway.service.forms import Form
from gateway.service.history_files import HistoryFiles
from gateway.service.partner_receipts import PARTNER_COLUMNS, act_receipt
from gateway.service.receipts import DELIVERY_COLUMNS, RUN_COLUMNS, Receipt, run_receipt, whole_receipt


class Leaving:
    """One round, by the settings of `loaded`."""

    def __init__(self, ledger: Ledger, clock: Clock, loaded: Loaded) -> None:
        self._ledger = ledger
        self._zone = loaded.zone()
        self._month = f"{clock.now().astimezone(self._zone):%Y-%m}"
        settings = loaded.config.gateway
        folder = settings.export_history
        self._files = HistoryFiles(loaded.resolve(folder), Form(settings.export_format)) if folder else None

    async def leave(self, before: int) -> int:
        """Deliveries, then runs, then what partners did, all over before `before`; how many rows.

        Raises NeedsOperator where they are to be exported and can't be: what is not in a file then stays.
        """
        leave = partial(self._leave, before)
        rows = await leave("deliveries", DELIVERY_COLUMNS, self._old_deliveries, retention.forget_deliveries)
        rows += await leave("runs", RUN_COLUMNS, self._old_runs, retention.forget_runs)
        return rows + await leave("partners", PARTNER_COLUMNS, self._old_acts, partner_files.forget_acts)

    async def _leave(
        self,
        before: int,
        name: str,
        columns: Sequence[str],
        old: Callable[[Connection, int], Sequence[Receipt]],
        forget: Callable[..., int],
    ) -> int:
        """All of one kind, bite by bite."""
        forget, rows = partial(forget, before=before), 0
        if self._files is None:
            while dropped := await self._ledger.write(forget):
                rows += dropped
            return rows
        while found := await self._ledger.read(lambda connection: old(connection, before)):
            await asyncio.to_thread(self._files.append, f"{name}-{self._month}", columns, found)
            rows += await self._ledger.write(partial(forget, found=_ids(found)))
        return rows

    def _old_deliveries(self, connection: Connection, before: int) -> Sequence[Receipt]:
        found = retention.old_deliveries(connection, before)
        parked = parked_deliveries(connection, [row.id for row in found])
        return [whole_receipt(row, parked, self._zone) for row in found]

    def _old_runs(self, connection: Connection, before: int) -> Sequence[Receipt]:
        return [run_receipt(row, self._zone) for row in retention.old_runs(connection, before)]

    def _old_acts(self, connection: Connection, before: int) -> Sequence[Receipt]:
        return [act_receipt(row, self._zone, is_served=True) for row in partner_files.old_acts(connection, before)]


def _ids(found: Sequence[Receipt]) -> list[int]:
    return [one for receipt in found if isinstance(one := receipt["id"], int)]
