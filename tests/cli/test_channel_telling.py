"""What the verbs of `gateway channel` print: commands that can be pasted, and what stays where it is."""

import re
import signal
import subprocess
import sys
from contextlib import ExitStack

from gateway.language.parse import parse_action
from tests.cli.beside import serving, until
from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import CHANGED, channel, lay, local, queued


def test_what_is_printed_can_be_pasted_whatever_an_item_is_called(shops: Site) -> None:
    local(shops)
    lay(shops, "with space (1)")
    lay(shops, "two\nlines")
    path = shops.root / "conf" / "channels.d" / "shop.toml"
    path.write_text(path.read_text() + '[items]\ninclude = ["w*", "t*"]\n')
    shops.run("channel", "detect")
    text = shops.run("channel", "compile", "shop").out
    assert r"# held: two\nlines: " in text
    assert not [one for one in parse_action(text, "shop.act").findings if str(one.severity) == "error"]
    path.write_text(path.read_text().replace('file = "manual"', 'first = "manual"'))
    shops.run("channel", "detect")
    assert "gateway channel approve shop 'with space (1)'" in shops.run("channel", "queue").out


def test_history_of_a_kind_goes_back_past_all_others(shops: Site) -> None:
    local(shops).run("channel", "detect")
    shops.run("channel", "deliver-now", "shop")
    for text in ("first", "second"):
        lay(shops, "978001", text)
        shops.run("channel", "detect")
        shops.run("channel", "deliver-now", "shop", "--kind", "metadata")
    (row,) = shops.run("channel", "history", "--kind", "first", "--limit", "1", "--json").json
    assert (row["item"], row["state"]) == ("978002", "delivered")
    assert shops.run("channel", "history", "--item", "979").out == "No such change was found yet.\n"


def test_what_does_not_go_out_now_is_said_where_it_is_asked_for(shops: Site) -> None:
    path = local(shops).root / "conf" / "channels.d" / "shop.toml"
    path.write_text(path.read_text().replace("{item}_{name}", "{name}"))
    lay(shops, "978003")
    shops.run("channel", "detect")
    held = "  2 held: gateway channel queue shop says why"
    assert shops.run("channel", "deliver-now", "shop").out.splitlines()[1:] == [held]
    again = shops.run("channel", "deliver-now", "shop")
    assert (again.code, again.out.splitlines()) == (9, ["shop: nothing waits to be delivered", held])
    lay(shops, "978001", "new")
    assert shops.run("channel", "detect").out == CHANGED
    ran = shops.run("channel", "deliver-now", "shop", "--kind", "file")
    assert ran.out.splitlines()[1:] == ["  1 for approval: gateway channel approve shop"]
    ran = shops.run("channel", "approve", "shop", "978001", "--kind", "metadata")
    assert (ran.code, "no metadata change of '978001' waits for approval; " in ran.err) == (3, True)
    ran = shops.run("channel", "drop", "shop", "978001", "--reason", " ")
    assert (ran.code, "--reason: nothing is said" in ran.err) == (2, True)


def test_of_many_items_that_wait_the_first_are_named(shops: Site) -> None:
    local(shops)
    with ExitStack() as writers:
        for number in range(12):
            lay(shops, f"979{number:02}")
            writers.enter_context((shops.root / "titles" / f"979{number:02}" / "book.epub").open("a"))
        ran = shops.run("channel", "detect")
        assert len(shops.run("channel", "detect", "--json").json["channels"]["shop"]["unstable"]) == 12
    lines = ran.out.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (
        12,
        "shop: 2 first deliveries",
        "  … and 2 more like that; --json names all",
    )


def test_how_far_a_file_is_that_goes_out_stands_in_status_and_why(shops: Site) -> None:
    local(shops)
    shops.config.write_text(
        shops.config.read_text().replace("[endpoints.shop1]", '[endpoints.shop1]\nbandwidth = "100k"')
    )
    book = shops.root / "titles" / "978001" / "book.epub"
    book.write_bytes(bytes(2_000_000))
    shops.run("channel", "detect")
    with subprocess.Popen([sys.executable, "-m", "gateway", "channel", "deliver-now", "shop"]) as process:
        amount = r"\d\S* [KM]iB of 1\.9 MiB since \d\d:\d\d:\d\d"
        until(
            lambda: (
                re.search(rf"  a delivery is under way\n    book\.epub: {amount}", shops.run("status").out) is not None
            )
        )
        out = shops.run("why", book).out
        process.kill()
    assert re.search(rf"intended  channels/shop -> .*\n        {amount}", out), out


def test_ctrl_c_beside_a_gateway_that_serves_says_that_the_delivery_goes_on(shops: Site) -> None:
    with shops.config.open("a") as file:
        file.write('[endpoints.acme]\nurl = "ftp://gw@127.0.0.1:1"\npassword = "file:key"\n')
    (shops.root / "key").write_text("secret")
    (shops.root / "key").chmod(0o600)
    channel(shops)
    with serving(shops):
        until(lambda: bool(queued(shops)))
        command = [sys.executable, "-m", "gateway", "channel", "deliver-now", "shop"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            until(lambda: set(queued(shops).values()) == {"under way"})
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=100)
        assert (process.returncode, said) == (130, "what was asked for goes on in `gateway serve`\n")
        assert set(queued(shops).values()) == {"under way"}
