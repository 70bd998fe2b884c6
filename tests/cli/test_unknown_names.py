"""A name that stands for nothing is answered with exit code 3 by every verb, with what it was and what may be meant."""

from collections.abc import Iterator

from tests.cli.beside import serving
from tests.cli.conftest import Site

ORDERS = "@endpoint shop1\n\nPUT -DEL *.csv\n"
CHANNEL = """
catalogue = "books"
endpoint = "shop2"
[catalogues.books]
path = "books"
"""
ACCOUNT = """
[inbound.users.partner]
root = "var/partner"
password = "argon2:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
"""
MISSED = (
    ("plan ordres", "'orders'"),
    ("run ordres", "'orders'"),
    ("run pairs@shop7", "'pairs@shop"),
    ("simulate ordres", "'orders'"),
    ("simulate pricse", "'prices'"),
    ("status ordres", "'orders'"),
    ("status ORDERS", "'orders'"),
    ("baseline ordres", "'orders'"),
    ("baseline bokshop", "'bookshop'"),
    ("pause ordres", "'orders'"),
    ("pause action:ordres", "'action:orders'"),
    ("pause endpoint:shp1", "'endpoint:shop1'"),
    ("resume ordres", "'orders'"),
    ("resume endpoint:shp1", "'endpoint:shop1'"),
    ("probe shp1", "'shop1'"),
    ("trust shp1", "'shop1'"),
    ("retry ordres", "'orders'"),
    ("job show pricse", "'prices'"),
    ("job check pricse", "'prices'"),
    ("job start pricse", "'prices'"),
    ("job save pricse", "'prices'"),
    ("job compile pricse", "'prices'"),
    ("job compile prices --part prices@shp1", "'prices@shop1'"),
    ("job runs pricse", "'prices'"),
    ("channel show bokshop", "'bookshop'"),
    ("channel check bokshop", "'bookshop'"),
    ("channel detect bokshop", "'bookshop'"),
    ("channel queue bokshop", "'bookshop'"),
    ("channel approve bokshop", "'bookshop'"),
    ("channel drop bokshop x --reason y", "'bookshop'"),
    ("channel deliver-now bokshop", "'bookshop'"),
    ("channel baseline bokshop", "'bookshop'"),
    ("channel history bokshop", "'bookshop'"),
    ("channel compile bokshop", "'bookshop'"),
    ("schedulers show --channel bokshop", "'bookshop'"),
    ("schedulers history --channel bokshop", "'bookshop'"),
    ("schedulers set --channel bokshop --cron 2", "'bookshop'"),
    ("history --action ordres", "'orders'"),
    ("history --runs --action ordres", "'orders'"),
    ("history --endpoint shp1", "'shop1'"),
    ("user remove partnre", "'partner'"),
)
"""Command lines, and the name that each should have had."""

UNHEARD_OF = (
    ("run nix.act", "there is no such script"),
    ("check nix.act", "does not exist"),
    ("fmt nix.act", "does not exist"),
    ("why nix", "no such file"),
    ("plan nix", "known here: orders, pairs"),
    ("probe nix", "known here: shop1, shop2, shop3"),
    ("run prices", "prices is a job"),
    ("plan prices", "prices is a job"),
    ("status prices", "prices is a job"),
    ("history --action prices", "prices is a job"),
    ("run bookshop", "bookshop is a channel"),
    ("pause everything", "all means everything"),
    ("retry nix", "gateway why nix"),
    ("skip shop1", "gateway why shop1"),
    ("retry 17", "there is no delivery 17"),
    ("skip 17", "there is no delivery 17"),
    ("resend 17", "there is no delivery 17"),
    ("job show 17", "there is no job run 17"),
    ("job restart 17", "there is no job run 17"),
    ("job pause 17", "there is no job run 17"),
    ("job resume 17", "there is no job run 17"),
    ("job stop 17", "there is no job run 17"),
    ("job approve 17", "there is no job run 17"),
    ("channel approve bookshop 978", "nothing of '978' waits"),
    ("channel drop bookshop 978 --reason y", "nothing of '978' waits"),
)
"""Command lines of which nothing is near, and what is said."""


def _filled(site: Site) -> Site:
    site.script("orders", ORDERS)
    site.script("pairs", ORDERS.replace("shop1", "pair").replace("csv", "xml"))
    site.job("prices")
    for name in ("conf/channels.d", "books"):
        (site.root / name).mkdir()
    (site.root / "conf" / "channels.d" / "bookshop.toml").write_text(CHANNEL)
    with site.config.open("a") as file:
        file.write(ACCOUNT)
    return site


ASKED = (
    "run", "baseline", "pause", "resume", "retry", "skip", "resend", "job start", "job save", "job restart",
    "job pause", "job resume", "job stop", "job approve", "channel detect", "channel approve", "channel drop",
    "channel deliver-now", "channel baseline",
)  # fmt: skip
"""What a gateway that serves is asked for; all else is answered by the command."""


def _wrong(site: Site, verbs: tuple[str, ...] = ("",)) -> Iterator[str]:
    """What is not answered as it should be."""
    for line, near in (one for one in MISSED if one[0].startswith(verbs)):
        name = next(word for word in line.split() if word in _MISTYPED)
        yield from _not_said(site, line, (name, f"did you mean {near}"))
    for line, said in (one for one in UNHEARD_OF if one[0].startswith(verbs)):
        yield from _not_said(site, line, (said,))


_MISTYPED = (
    "ordres", "ORDERS", "pairs@shop7", "pricse", "bokshop", "action:ordres", "endpoint:shp1", "shp1", "prices@shp1",
    "partnre",
)  # fmt: skip


def _not_said(site: Site, line: str, said: tuple[str, ...]) -> Iterator[str]:
    ran = site.run(*line.split())
    if ran.code != 3 or not all(words in ran.out + ran.err for words in said):
        yield f"{line}: {ran}"


def test_a_name_that_stands_for_nothing_is_3_and_told_with_the_nearest_where_nobody_serves(shops: Site) -> None:
    assert list(_wrong(_filled(shops))) == []


def test_the_gateway_that_serves_answers_the_same(shops: Site) -> None:
    with serving(_filled(shops)) as site:
        assert list(_wrong(site, ASKED)) == []


def test_of_files_that_wait_the_nearest_is_named(shops: Site) -> None:
    shops.script("orders", "@endpoint shop1\n@exists fail\n@retries 0\n\nPUT -DEL *.csv\n")
    (shops.root / "shop1" / "order.csv").write_text("another")
    shops.put("order.csv", endpoint="shop1")
    assert shops.run("run", "orders", "--now").code != 0
    for verb in ("skip", "retry"):
        ran = shops.run(verb, "oder.csv")
        assert (ran.code, "did you mean 'order.csv'?" in ran.err) == (3, True), ran


def test_what_is_gone_can_still_be_resumed(site: Site) -> None:
    script = site.script("orders", "@endpoint acme\n\nPUT -DEL *.csv\n")
    assert site.run("pause", "orders").code == 0
    script.unlink()
    assert site.run("resume", "action:orders").code == 0
    assert "PAUSED" not in site.run("status").out


def test_how_a_job_and_a_channel_are_held_is_told_where_somebody_wants_to_pause_one(shops: Site) -> None:
    shops.job("prices")
    (shops.root / "conf" / "channels.d").mkdir()
    (shops.root / "conf" / "channels.d" / "bookshop.toml").write_text('catalogue = "books"\nendpoint = "shop2"\n')
    (shops.root / "books").mkdir()
    with shops.config.open("a") as file:
        file.write('[catalogues.books]\npath = "books"\n')
    job, channel = shops.run("pause", "prices"), shops.run("pause", "bookshop")
    assert (job.code, channel.code) == (3, 3)
    assert "prices is a job: gateway job pause RUN holds a run, gateway job save prices --no-start" in job.err
    assert "bookshop is a channel, and held with its endpoint: gateway pause shop2" in channel.err
    assert shops.run("pause", "shop2").out == "endpoint shop2 is paused; runs that are under way end\n"


def test_before_anything_ran_history_is_empty_and_names_are_still_known(shops: Site) -> None:
    shops.script("orders", ORDERS)
    assert shops.run("history", "--json").json == []
    assert [shops.run("history", *more).out for more in ([], ["--runs"], ["--inbound"])] == [
        "Nothing was delivered yet.\n",
        "Nothing ran yet.\n",
        "No partner has done anything yet.\n",
    ]
    assert "did you mean 'orders'?" in shops.run("history", "--action", "ordres").err
