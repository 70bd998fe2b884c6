"""A name that stands for nothing is answered with exit code 3 by every verb, and with what there is."""

import pytest

from tests.cli.conftest import Site


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "nix"),
        ("run", "nix"),
        ("run", "nix.act"),
        ("simulate", "nix"),
        ("status", "nix"),
        ("baseline", "nix"),
        ("pause", "nix"),
        ("pause", "action:nix"),
        ("pause", "endpoint:nix"),
        ("resume", "nix"),
        ("probe", "nix"),
        ("trust", "nix"),
        ("retry", "nix"),
        ("skip", "nix"),
        ("retry", "17"),
        ("resend", "17"),
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_3(site: Site, words: tuple[str, ...]) -> None:
    site.script("orders", "@endpoint acme\n\nPUT -DEL *.csv\n")
    ran = site.run(*words)
    assert (ran.code, "nix" in ran.err or "17" in ran.err) == (3, True), ran


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
