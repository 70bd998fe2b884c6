"""What the report of a run says of destinations that lack something: numbers that add up, and when more is tried."""

from tests.cli.conftest import Ran, Site

DOWN = '[endpoints.down]\nurl = "sftp://me@127.0.0.1:9/in"\npassword = "file:keys/none"\nhost_key = "{key}"\n'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def with_one_down(shops: Site) -> None:
    """An endpoint at a port where nobody listens."""
    (shops.root / "keys").mkdir()
    secret = shops.root / "keys" / "none"
    secret.write_text("none\n")
    secret.chmod(0o600)
    with shops.config.open("a") as file:
        file.write(DOWN.format(key=KEY))


def place(ran: Ran, name: str) -> dict[str, object]:
    found: dict[str, object] = next(one for one in ran.json["destinations"] if one["endpoint"] == name)
    return found


def test_what_a_destination_lacks_at_the_end_of_a_run_has_failed_with_the_reason(shops: Site) -> None:
    with_one_down(shops)
    shops.job("prices", '[settings]\ndeadline = "10s"\n', to=("shop1", "down"))  # time for one try, however busy it is
    ran = shops.run("job", "start", "prices", "--json")
    assert (ran.code, ran.json["state"]) == (5, "finished_with_errors")
    shown = shops.run("job", "show", "1", "--json", "--files")
    down, lines = place(shown, "down"), [one for one in shown.json["files"] if one["endpoint"] == "down"]
    assert (down["state"], down["delivered"], down["failed"]) == ("offline", 0, 2)
    assert [(one["path"], one["state"]) for one in lines] == [("a.csv", "failed"), ("b.csv", "failed")]
    assert all("[Errno 111]" in str(one["reason"]) for one in lines)
    assert place(shown, "shop1")["failed"] == 0
    assert [row["failed"] for row in shops.run("job", "runs", "--json").json] == [2]
    _the_table_promises_no_further_try(shops)


def _the_table_promises_no_further_try(shops: Site) -> None:
    line = next(one for one in shops.run("job", "show", "1").out.splitlines() if one.startswith("down "))
    assert "2 failed" in line
    assert "tried again" not in line
    assert line.count("[Errno 111]") == 1
    assert "not tried before" not in line


def test_a_held_job_says_so_in_the_list_and_promises_no_start(shops: Site) -> None:
    shops.job("prices", '[schedule]\nrepeat = "daily"\nat = "22:00"\n')
    shops.run("job", "save", "prices", "--no-start")
    (row,) = shops.run("job", "list", "--json").json
    assert (row["state"], row["next_at"]) == ("held", None)
    shown = shops.run("job", "show", "prices").out
    assert "held" in shown
    assert "  next " not in shown
    shops.run("job", "start", "prices")
    (row,) = shops.run("job", "list", "--json").json
    assert (row["state"], row["next_at"] is not None) == ("ready", True)


def test_why_a_run_failed_is_said_once_for_all_destinations(shops: Site) -> None:
    shops.job("prices", to=("shop1", "shop2", "shop3"))
    (shops.root / "prices").rename(shops.root / "elsewhere")
    shops.run("job", "start", "prices")
    shown = shops.run("job", "show", "1")
    assert shown.out.count("is not there, or is no folder") == 1
    told = shops.run("job", "show", "1", "--json")
    assert all("is not there" in str(place(told, one)["error"]) for one in ("shop1", "shop2", "shop3"))


def test_one_file_and_one_destination_are_no_plural(shops: Site) -> None:
    shops.job("prices", to=("shop1",))
    (shops.root / "shop1" / "a.csv").write_text("price list a")
    said = shops.run("baseline", "prices", "--destination", "shop1").out
    assert said == "shop1: 1 file counts as delivered; 1 not there: sent at the next start\n"
    assert "once the destination has everything" in shops.run("job", "compile", "prices").out
