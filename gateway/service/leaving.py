"""What leaves the history: bite by bite, first into files where that is wanted, then out of the ledger."""

import asyncio
from collections.abc import Sequence
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
        if self._files is None:
            return await self._drop(before)
        rows = await self._export_deliveries(self._files, before) + await self._export_runs(self._files, before)
        return rows + await self._export_acts(self._files, before)

    async def _drop(self, before: int) -> int:
        rows = 0
        for forget in (retention.forget_deliveries, retention.forget_runs, partner_files.forget_acts):
            while dropped := await self._ledger.write(partial(forget, before=before)):
                rows += dropped
        return rows

    async def _export_deliveries(self, files: HistoryFiles, before: int) -> int:
        rows = 0
        while found := await self._ledger.read(partial(self._old_deliveries, before=before)):
            await asyncio.to_thread(files.append, f"deliveries-{self._month}", DELIVERY_COLUMNS, found)
            rows += await self._ledger.write(partial(retention.drop_deliveries, before=before, found=_ids(found)))
        return rows

    def _old_deliveries(self, connection: Connection, before: int) -> Sequence[Receipt]:
        found = retention.old_deliveries(connection, before)
        parked = parked_deliveries(connection, [row.id for row in found])
        return [whole_receipt(row, parked, self._zone) for row in found]

    async def _export_runs(self, files: HistoryFiles, before: int) -> int:
        rows = 0
        while found := await self._ledger.read(partial(self._old_runs, before=before)):
            await asyncio.to_thread(files.append, f"runs-{self._month}", RUN_COLUMNS, found)
            rows += await self._ledger.write(partial(retention.drop_runs, before=before, found=_ids(found)))
        return rows

    def _old_runs(self, connection: Connection, before: int) -> Sequence[Receipt]:
        return [run_receipt(row, self._zone) for row in retention.old_runs(connection, before)]

    async def _export_acts(self, files: HistoryFiles, before: int) -> int:
        rows = 0
        while found := await self._ledger.read(partial(self._old_acts, before=before)):
            await asyncio.to_thread(files.append, f"partners-{self._month}", PARTNER_COLUMNS, found)
            rows += await self._ledger.write(partial(partner_files.drop_acts, before=before, found=_ids(found)))
        return rows

    def _old_acts(self, connection: Connection, before: int) -> Sequence[Receipt]:
        return [act_receipt(row, self._zone, is_served=True) for row in partner_files.old_acts(connection, before)]


def _ids(found: Sequence[Receipt]) -> list[int]:
    return [one for receipt in found if isinstance(one := receipt["id"], int)]
