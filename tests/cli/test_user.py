"""`gateway user`: accounts are added and taken out without touching the rest; a password is never an argument."""

import io
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from gateway.cli.main import main
from gateway.cli.user_file import user_block, with_block, without_user
from gateway.config.load import load
from gateway.core.errors import Refused

CONF = """\
[inbound.sftp]  # where partners come in
listen = "127.0.0.1:0"

# the second
[inbound.users.second]
password = "argon2:$argon2id$v=19$x"
root = "var/second"
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ9CJzvJc3ojBhsNJcMZAYcQBv6KIELgNTJyMZX9+D4 partner@example"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line with `password` piped in; exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    Path("conf").mkdir()
    Path("conf/gateway.toml").write_text(CONF)
    Path("conf/gateway.toml").chmod(0o640)
    Path("partner.pub").write_text(KEY + "\n")

    def run(*words: str, password: str = "correct horse\n") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(password))
        with pytest.raises(SystemExit) as ended:
            main(["user", *words])
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run


def hash_in(text: str) -> str:
    return str(tomllib.loads(text)["password"]).removeprefix("argon2:")


def test_hash_prints_the_line_for_the_configuration(gateway: Run) -> None:
    code, output, _ = gateway("hash")
    assert code == 0
    assert PasswordHasher().verify(hash_in(output), "correct horse")


def test_an_empty_password_is_refused(gateway: Run) -> None:
    code, output, errors = gateway("hash", password="\n")
    assert (code, output) == (2, "")
    assert "no password was given" in errors


def test_a_short_password_is_refused_and_eight_letters_are_enough(gateway: Run) -> None:
    for password, found in (("ab\n", "2 characters"), ("x\n", "1 character,"), ("seven77\n", "7 characters")):
        code, output, errors = gateway("add", "partner", "--write", password=password)
        assert (code, output) == (2, "")
        assert found in errors
        assert "give it at least 8" in errors
        assert password.strip() not in errors.replace("characters", "")
    assert Path("conf/gateway.toml").read_text() == CONF
    assert gateway("add", "partner", password="eight888\n")[0] == 0


@pytest.mark.parametrize("words", [("--write",), ()])
def test_an_account_that_nothing_listens_for_is_told_of(gateway: Run, words: tuple[str, ...]) -> None:
    assert "listens" not in gateway("add", "partner", *words)[2]
    Path("conf/gateway.toml").write_text('[inbound.ftp]\nlisten = ":0"\nplain = true\n')
    assert "listens" not in gateway("add", "partner", *words)[2]
    keys = ("--key", "partner.pub", "--no-password")
    assert "[inbound.ftp] alone listens, which takes no keys" in gateway("add", "other", *keys, *words)[2]
    Path("conf/gateway.toml").write_text("")
    code, output, errors = gateway("add", "partner", *words)
    assert (code, "partner" in output or "added" in output) == (0, True)
    assert 'nothing listens for it yet: add [inbound.sftp] with listen = ":2222"' in errors


def test_the_lines_are_shown_beside_a_configuration_that_can_not_be_used(gateway: Run) -> None:
    Path("conf/gateway.toml").write_text("[gatway]\n")
    assert gateway("add", "partner")[0] == 0


def test_a_key_file_that_is_cut_off_is_refused(gateway: Run) -> None:
    Path("partner.pub").write_text(KEY[:60] + "\n")
    code, _, errors = gateway("add", "partner", "--key", "partner.pub")
    assert (code, "partner.pub holds no public key" in errors) == (2, True)


def test_add_shows_the_lines_and_changes_nothing(gateway: Run) -> None:
    code, output, _ = gateway("add", "partner", "--key", "partner.pub", "--root", "rooms/p")
    assert code == 0
    account = tomllib.loads(output)["inbound"]["users"]["partner"]
    assert (account["keys"], account["root"]) == ([KEY], "rooms/p")
    assert PasswordHasher().verify(account["password"].removeprefix("argon2:"), "correct horse")
    assert Path("conf/gateway.toml").read_text() == CONF


def test_add_write_and_remove_leave_the_file_as_it_was(gateway: Run) -> None:
    assert gateway("add", "partner", "--write")[0] == 0
    users = load(Path("conf/gateway.toml"), {}).config.inbound.users
    assert (list(users), users["partner"].root) == (["second", "partner"], "var/partner")
    assert Path("conf/gateway.toml").stat().st_mode & 0o777 == 0o640
    code, output, _ = gateway("remove", "partner")
    assert code == 0
    assert "its files in" in output
    assert Path("conf/gateway.toml").read_text() == CONF


def test_a_name_that_is_taken_is_refused_with_its_place(gateway: Run) -> None:
    code, _, errors = gateway("add", "second", "--write")
    assert code == 2
    assert "conf/gateway.toml:5:16: there is an account 'second'; remove it first" in errors


def test_an_account_may_have_keys_only(gateway: Run) -> None:
    code, output, _ = gateway("add", "partner", "--key", "partner.pub", "--no-password", password="")
    assert code == 0
    assert "password" not in output
    assert gateway("add", "partner", "--no-password")[0] == 2


def test_a_private_key_is_refused_as_a_public_one(gateway: Run) -> None:
    Path("id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    code, _, errors = gateway("add", "partner", "--key", "id")
    assert code == 2
    assert "id holds no public key; name the .pub file, never the private one" in errors


@pytest.mark.parametrize("name", ["a b", "a/b", 'a"b', ""])
def test_names_that_cannot_log_in_are_refused(gateway: Run, name: str) -> None:
    assert gateway("add", name)[0] == 2


def test_list_shows_how_each_logs_in_but_no_hash(gateway: Run) -> None:
    code, output, _ = gateway("list", "--json")
    assert code == 0
    (row,) = json.loads(output)
    assert (row["user"], row["password"], row["keys"], row["file"]) == ("second", True, 0, "conf/gateway.toml")
    assert "argon2" not in output


def test_removing_somebody_unknown_ends_with_3_and_names_those_there_are(gateway: Run) -> None:
    code, _, errors = gateway("remove", "third")
    assert code == 3
    assert "there is no account 'third'; known here: second" in errors


def test_an_account_is_taken_out_with_its_keys_and_the_comments_of_the_next_stay() -> None:
    text = with_block("a = 1\n", user_block("x.y", "argon2:$argon2", (KEY, KEY), "r"))
    text += "\n# about the next\n[b]\nc = 1\n"
    assert without_user(text, "x.y", "f") == "a = 1\n\n\n# about the next\n[b]\nc = 1\n"


def test_an_account_in_an_inline_table_is_left_to_the_operator() -> None:
    with pytest.raises(Refused, match="has no table of its own; take it out by hand"):
        without_user('[inbound]\nusers = { p = { root = "x" } }\n', "p", "f")
