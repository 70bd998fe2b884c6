"""`gateway channel deliver-now`: by hand means now, and what it says and ends with is what became of it."""

import asyncio
from functools import partial

from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost
from gateway.ledger import endpoints, open_ledger
from gateway.ledger.endpoints import EndpointTrouble
from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import local


async def troubled(site: Site) -> None:
    """The recipient has failed often, and is not tried for a while."""
    async with open_ledger(site.root / "var", SystemClock()) as ledger:
        now = ledger.now_ns()
        said = EndpointTrouble(
            endpoint="shop1",
            failures=6,
            failing_since=now - 3600 * 10**9,
            next_at=now + 3600 * 10**9,
            error="the disk there was full",
            error_class=LinkLost.__name__,
        )
        await ledger.write(partial(endpoints.remember, trouble=said))


def test_a_recipient_that_is_left_alone_for_a_while_is_tried_now_by_hand(shops: Site) -> None:
    local(shops).run("channel", "detect")
    asyncio.run(troubled(shops))
    ran = shops.run("channel", "deliver-now", "shop")
    assert (ran.code, "delivered as batch 1" in ran.out) == (0, True), ran.out
    assert arrived(shops) == 5


def arrived(site: Site) -> int:
    return len(list((site.root / "shop1" / "in").glob("[!.]*")))


def test_what_is_held_alone_is_told_as_nothing_delivered(shops: Site) -> None:
    site = local(shops)
    path = site.root / "conf" / "channels.d" / "shop.toml"
    path.write_text(path.read_text().replace("{item}_{name}", "{item}{ext}"))
    for item in ("978001", "978002"):
        (site.root / "titles" / item / "other.epub").write_text("another book")
    site.run("channel", "detect")
    ran = site.run("channel", "deliver-now", "shop")
    assert ran.out.splitlines() == [
        "shop: no first delivery went out: nothing that waits can go",
        "  2 held: gateway channel queue shop says why",
    ]
    assert (ran.code, arrived(site)) == (7, 0)
