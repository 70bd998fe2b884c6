"""How `gateway status` tells of an endpoint's circuit."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from gateway.core.clock import SystemClock
from gateway.ledger import endpoints, open_ledger
from gateway.ledger.endpoints import EndpointTrouble
from tests.cli.conftest import Site


async def _remember(site: Site, next_at: int | None) -> None:
    trouble = EndpointTrouble(
        endpoint="acme", failures=3, failing_since=1, next_at=next_at, error="connection reset", error_class="LinkLost"
    )
    async with open_ledger(site.root / "var", SystemClock()) as ledger:
        await ledger.write(partial(endpoints.remember, trouble=trouble))


@pytest.mark.parametrize(
    ("next_in", "word", "told"),
    [
        (timedelta(hours=5), "open", "open: tried again "),
        (timedelta(seconds=-9), "half-open", "half-open: the next session tries it, alone"),
        (timedelta(hours=-5), "half-open", "half-open: nothing wants to go there since "),
        (None, "open", "open: not tried before a person acts"),
    ],
    ids=["open", "half-open", "half-open and not asked", "open for good"],
)
def test_status_has_a_word_for_the_circuit_of_an_endpoint(
    site: Site, next_in: timedelta | None, word: str, told: str
) -> None:
    site.script("orders", "@endpoint acme\n\nPUT *.csv\n")
    next_at = None if next_in is None else int((datetime.now(UTC) + next_in).timestamp() * 1e9)
    asyncio.run(_remember(site, next_at))
    assert told in site.run("status").out
    (row,) = site.run("status", "--json").json
    assert row["endpoint_circuit"] == word


def test_status_has_none_for_an_endpoint_that_works(site: Site) -> None:
    site.script("orders", "@endpoint acme\n\nPUT *.csv\n")
    (row,) = site.run("status", "--json").json
    assert row["endpoint_circuit"] is None
