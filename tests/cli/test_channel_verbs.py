"""`gateway channel` at work: detect, queue, approve, drop, deliver-now, history, baseline, compile; at a real sshd."""

from pathlib import Path

import pytest

from gateway.language.parse import parse_action
from tests.cli.beside import serving, until
from tests.cli.conftest import Site

CHANNEL = """endpoint = "acme"
catalogue = "titles"
start = "{start}"
[approval]
file = "manual"
[place]
path = "in"
files = "{{item}}_{{name}}"
done = "{{index}}.done"
"""
CHANGED = "shop: 1 metadata change, 1 file change\n  1 for approval: gateway channel approve shop\n"


def lay(site: Site, item: str, text: str = "x") -> None:
    folder = site.root / "titles" / item
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "onix.xml").write_text(f"<p>{text}</p>")
    (folder / "book.epub").write_text(f"book {text}")


def channel(site: Site, start: str = "all") -> Site:
    (site.root / "conf" / "channels.d").mkdir()
    (site.root / "conf" / "channels.d" / "shop.toml").write_text(CHANNEL.format(start=start))
    with site.config.open("a") as file:
        file.write('[catalogues.titles]\npath = "titles"\nmetadata = ["*.xml"]\n')
    for item in ("978001", "978002"):
        lay(site, item)
    return site


def local(shops: Site) -> Site:
    """The same to a recipient on this machine."""
    channel(shops)
    path = shops.root / "conf" / "channels.d" / "shop.toml"
    path.write_text(path.read_text().replace("acme", "shop1"))
    shops.config.write_text(shops.config.read_text().replace("[gateway]", '[gateway]\nstable_for = "100ms"'))
    return shops


def arrived(site: Site) -> set[str]:
    return {one.name for one in (site.remote / "in").glob("[!.]*")}


def queued(site: Site) -> dict[str, str]:
    return {f"{row['item']} {row['kind']}": row["state"] for row in site.run("channel", "queue", "--json").json}


@pytest.mark.sshd
def test_what_was_detected_is_queued_compiled_delivered_and_remembered(site: Site) -> None:
    channel(site)
    assert site.run("channel", "queue").out == "Nothing waits.\n"
    assert site.run("channel", "detect").out == "shop: 2 first deliveries\n"
    assert queued(site) == {"978001 first": "waiting", "978002 first": "waiting"}
    text = site.run("channel", "compile", "shop").out
    assert [str(one.target.value) for one in parse_action(text, "shop.act").action.commands] == [  # type: ignore[attr-defined]
        "in/978001_book.epub", "in/978001_onix.xml", "in/978002_book.epub", "in/978002_onix.xml", "in/1.done",
    ]  # fmt: skip
    assert not arrived(site)
    ran = site.run("channel", "deliver-now", "shop")
    assert (ran.code, ran.out) == (0, f"shop: 2 first deliveries: delivered as batch 1 of {today(site)}\n")
    assert arrived(site) == {"978001_book.epub", "978001_onix.xml", "978002_book.epub", "978002_onix.xml", "1.done"}
    assert [row["state"] for row in site.run("channel", "history", "shop", "--json").json] == ["delivered"] * 2
    assert "978001" in site.run("channel", "history", "--item", "978001").out
    assert site.run("channel", "deliver-now", "shop").code == 9


def today(site: Site) -> str:
    return str(site.run("channel", "history", "--json").json[0]["batch"]).split(" ")[0]


@pytest.mark.sshd
def test_a_change_of_a_file_waits_for_a_person_and_one_of_metadata_does_not(site: Site) -> None:
    channel(site, start="now")
    assert "2 items count as delivered" in site.run("channel", "detect", "shop").out
    lay(site, "978001", "new")
    assert site.run("channel", "detect", "shop").out == CHANGED
    assert queued(site) == {"978001 metadata": "waiting", "978001 file": "review"}
    assert "approve shop 978001" in site.run("channel", "queue").out
    assert site.run("channel", "deliver-now", "shop").code == 0
    assert arrived(site) == {"978001_onix.xml", "1.done"}
    assert site.run("channel", "approve", "shop", "978002").code == 3
    said = site.run("channel", "approve", "shop", "978001", "--json").json
    assert said == {"channel": "shop", "approved": 1, "held": {}}
    assert site.run("channel", "approve", "shop").code == 9
    assert site.run("channel", "deliver-now", "shop", "--kind", "file").code == 0
    assert (site.remote / "in" / "978001_book.epub").read_text() == "book new"


@pytest.mark.sshd
def test_what_is_dropped_is_not_delivered_until_it_changes_again(site: Site) -> None:
    channel(site)
    site.run("channel", "detect")
    assert site.run("channel", "drop", "shop", "978001", "--reason", "not ours").code == 0
    site.run("channel", "detect")
    assert queued(site) == {"978002 first": "waiting"}
    row = next(row for row in site.run("channel", "history", "--json").json if row["item"] == "978001")
    assert (row["state"], row["reason"]) == ("dropped", "not ours")
    lay(site, "978001", "again")
    site.run("channel", "detect")
    assert queued(site) == {"978001 first": "waiting", "978002 first": "waiting"}


@pytest.mark.sshd
@pytest.mark.parametrize("words", [("channel", "baseline"), ("baseline",)])
def test_after_a_baseline_only_changes_go_out(site: Site, words: tuple[str, ...]) -> None:
    channel(site)
    site.run("channel", "detect")
    assert site.run(*words, "shop").out == "shop: 2 items count as delivered; changes from now on go out\n"
    assert queued(site) == {}
    lay(site, "978002", "new")
    assert "1 metadata change, 1 file change" in site.run("channel", "detect").out


@pytest.mark.sshd
def test_a_delivery_that_failed_says_why_and_goes_out_when_it_is_asked_for_again(site: Site) -> None:
    channel(site)
    good = site.config.read_text()
    site.config.write_text(good.replace("keys/acme", "keys/other"))
    site.run("channel", "detect")
    ran = site.run("channel", "deliver-now", "shop")
    assert ran.code not in (0, 9)
    assert "keys/other" in ran.out
    assert "tried again" in ran.out
    assert queued(site) == {"978001 first": "failed", "978002 first": "failed"}
    (listed,) = site.run("channel", "list", "--json").json
    assert (listed["failed"], listed["batched"]) == (2, 0)
    assert "2 failed" in site.run("channel", "list").out
    assert {(row["state"], "keys/other" in row["reason"]) for row in site.run("channel", "history", "--json").json} == {
        ("failed", True)
    }
    assert "first delivery 1 of" in site.run("status").out
    assert "0 of 5 files are there already" in site.run("channel", "compile", "shop").out
    assert site.run("channel", "drop", "shop", "978002", "--reason", "enough").code == 0
    site.config.write_text(good)
    assert site.run("channel", "deliver-now", "shop").code == 0
    assert arrived(site) == {"978001_book.epub", "978001_onix.xml", "1.done"}


def test_compile_writes_scripts_that_stand_alone(shops: Site, tmp_path: Path) -> None:
    local(shops).run("channel", "detect")
    assert shops.run("channel", "compile", "shop", "--out", tmp_path / "out").code == 0
    assert shops.run("check", tmp_path / "out" / "shop.first.act").code == 0
    assert shops.run("channel", "compile", "shop", "--out", tmp_path / "out").code == 2
    assert shops.run("channel", "compile", "shop", "--kind", "file").out == "# shop: nothing waits to be delivered\n"


@pytest.mark.sshd
def test_beside_a_gateway_that_serves_the_same_words_do_the_same(site: Site) -> None:
    channel(site)
    with serving(site):
        until(lambda: queued(site) == {"978001 first": "waiting", "978002 first": "waiting"})
        assert site.run("channel", "drop", "shop", "978002", "--reason", "later").code == 0
        assert site.run("channel", "deliver-now", "shop", "--json").json["batches"][0]["state"] == "delivered"
        assert arrived(site) == {"978001_book.epub", "978001_onix.xml", "1.done"}
        lay(site, "978001", "new")
        assert site.run("channel", "detect", "shop").out == CHANGED
        assert site.run("channel", "approve", "shop").code == 0
        assert site.run("channel", "deliver-now", "shop").code == 0
        assert (site.remote / "in" / "978001_book.epub").read_text() == "book new"
        assert "CHANNEL shop" in site.run("status").out


def with_audio(site: Site) -> Site:
    """A second channel, of a catalogue that is not there."""
    with site.config.open("a") as file:
        file.write('[catalogues.audio]\npath = "audio"\n[channels.audio]\nendpoint = "shop1"\ncatalogue = "audio"\n')
    return site


def check_both_are_told(site: Site) -> None:
    said, alone = site.run("channel", "detect", "audio", "shop"), site.run("channel", "detect", "audio")
    assert (said.code, alone.code, alone.out) == (3, 3, "")
    why = alone.err.strip().removeprefix("gateway: ")
    assert said.out.splitlines() == ["shop: nothing new", f"audio: failed: {why}"]
    facts = site.run("channel", "detect", "--json")
    assert (facts.code, facts.json["failed"], set(facts.json["channels"])) == (3, {"audio": why}, {"shop"})


def test_what_was_found_is_told_beside_what_could_not_be_looked_at(shops: Site) -> None:
    with_audio(local(shops)).run("channel", "detect", "shop")
    check_both_are_told(shops)
    with serving(shops):
        check_both_are_told(shops)
