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
