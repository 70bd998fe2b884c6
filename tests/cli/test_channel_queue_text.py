"""How the queue and the history of channels read: nothing is said a hundred times, and a row has one date."""

from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import local


def test_what_can_be_said_of_many_first_deliveries_is_told_once(shops: Site) -> None:
    site = local(shops)
    for number in range(100):
        folder = site.root / "titles" / f"979{number:03}"
        folder.mkdir()
        (folder / "book.epub").write_text("a book")
    site.run("channel", "detect")
    head, *rows, last = site.run("channel", "queue").out.splitlines()
    assert len(rows) == 102
    assert {row.partition("shop 97")[2][4:].strip() for row in rows} == {
        "a new channel with more than 100 first deliveries"
    }, head
    assert last == (
        "shop: `gateway channel approve shop` lets them go, `gateway baseline shop` counts what is there as delivered"
    )
    assert all("gateway baseline shop" in row["reason"] for row in site.run("channel", "queue", "--json").json)
