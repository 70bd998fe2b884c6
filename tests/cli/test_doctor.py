"""`gateway doctor`: what it finds, and the remedy that stands beside it."""

import errno
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest

from gateway.cli.checkups.doors import check_certificate, check_port
from gateway.cli.checkups.folders import check_box, check_ledger, check_scripts, check_state
from gateway.cli.checkups.line import Line, State
from gateway.cli.checkups.machine import check_clock, check_inotify, check_leases, check_versions
from gateway.cli.checkups.serving import check_outboxes, holder_of
from gateway.cli.doctor import look_over
from gateway.cli.main import main
from gateway.config.load import load
from gateway.config.schema import TlsSettings
from gateway.core.clock import TurnedClock
from gateway.ledger import open_ledger
from gateway.ledger.checkup import last_written
from gateway.ledger.database import FILE_NAME
from gateway.ledger.instances import Holder, own
from gateway.ledger.migrate import migrate
from gateway.service.outboxes import Outboxes
from tests.hung_disk import HungDisk
from tests.peers.certificates import make_certificate
from tests.peers.processes import free_port

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode().strip()
SECURE = f'[endpoints.acme]\nurl = "sftp://u@h/in"\nkey = "file:keys/acme"\nhost_key = "{PUBLIC}"\n'


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in which nothing fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    for folder in ("conf", "actions", "keys"):
        Path(folder).mkdir()
    Path("keys/acme").touch(mode=0o600)
    Path("keys/acme").write_bytes(KEY.export_private_key())
    main_file = Path("conf/gateway.toml")
    main_file.write_text('[gateway]\nroot = ".."\n' + SECURE)
    return main_file


def found(subject: str, lines: Sequence[Line] | None = None) -> Line:
    (line,) = [line for line in (lines if lines is not None else list(look_over())) if line.subject == subject]
    return line


def test_nothing_fails_in_a_sound_configuration(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    output = capsys.readouterr().out
    assert (ended.value.code or 0) == 0, output
    assert output.splitlines()[-1].endswith("0 fail")


def test_every_line_that_is_not_ok_has_a_remedy(conf: Path) -> None:
    conf.write_text(
        SECURE.replace("host_key", "#").replace("keys/acme", "keys/none") + '[inbound.sftp]\nlisten = ":1"\n'
    )
    lines = list(look_over())
    assert {line.state for line in lines} >= {State.OK, State.FAIL}
    assert all((line.state is State.OK) == (line.remedy == "") for line in lines)


def test_colours_are_for_terminals_that_want_them(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name, value, is_coloured in (("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit):
            main(["doctor"])
        assert ("\x1b[" in capsys.readouterr().out) is is_coloured, (name, value)


def test_a_failure_ends_with_7_and_json_lists_it(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf.write_text(conf.read_text().replace("host_key", "# host_key"))
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--json"])
    assert ended.value.code == 7
    rows = json.loads(capsys.readouterr().out)
    assert [(row["subject"], row["remedy"]) for row in rows if row["state"] == "fail"] == [
        ("acme host key", "gateway trust acme")
    ]


def test_a_broken_configuration_is_a_failure_and_the_machine_is_still_looked_over(conf: Path) -> None:
    conf.write_text("[gatway]\n")
    lines = list(look_over())
    assert "did you mean 'gateway'?" in found("configuration", lines).found
    assert found("configuration", lines).state is State.FAIL
    assert found("python", lines).state is State.OK


def test_a_missing_secret_is_named_with_its_remedy(conf: Path) -> None:
    Path("keys/acme").unlink()
    line = found("acme key")
    assert line.state is State.FAIL
    assert "keys/acme does not exist" in line.found
    assert line.remedy == "put it there, or correct its path"


def test_a_secret_that_everybody_reads_fails_and_one_that_a_group_reads_is_warned_of(conf: Path) -> None:
    Path("keys/acme").chmod(0o644)
    assert found("acme key").remedy.startswith("run: chmod 600 ")
    assert found("acme key").state is State.FAIL
    Path("keys/acme").chmod(0o640)
    assert found("acme key").state is State.WARN
    Path("keys/acme").chmod(0o600)
    assert found("acme key").state is State.OK


def test_an_endpoint_without_password_or_key_fails_unless_it_is_anonymous(conf: Path) -> None:
    conf.write_text('[endpoints.a]\nurl = "ftp://h/in"\n[endpoints.b]\nurl = "ftp://u@h/in"\n')
    lines = list(look_over())
    assert [line.subject for line in lines if line.state is State.FAIL] == ["b login"]


ENCRYPTED = KEY.export_private_key(passphrase="open sesame", ignore_few_rounds=True, rounds=1).decode()
PLAIN = KEY.export_private_key().decode()


@pytest.mark.parametrize(
    ("text", "found_text", "remedy"),
    [
        (ENCRYPTED, "it has a passphrase", "say where that is kept, such as key_passphrase ="),
        ("a garbage of words", "it is no private key", "write the private key there as ssh-keygen makes it"),
        (PUBLIC, "it is a public key", "name its private half, the file without .pub"),
        (PLAIN[:150], "it is cut off: its last line is missing", "write the private key there"),
        (PLAIN.replace("b3Blb", "AAAAA"), "it can't be read: ", "write the private key there as ssh-keygen"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "it is a key of PuTTY's", "make it one of OpenSSH's: puttygen"),
    ],
    ids=["encrypted", "words", "public", "cut off", "garbled", "PuTTY"],  # the keys are new each time
)
def test_a_key_that_no_login_can_be_made_with_is_told_as_what_it_is(
    conf: Path, text: str, found_text: str, remedy: str
) -> None:
    Path("keys/acme").write_text(text)
    line = found("acme key")
    assert line.state is State.FAIL
    assert line.found.startswith(f"file:keys/acme: {found_text}")
    assert line.remedy.startswith(remedy)


def test_a_public_key_given_as_the_key_is_not_told_to_be_hidden(conf: Path) -> None:
    Path("keys/acme").write_text(PUBLIC)
    Path("keys/acme").chmod(0o644)
    assert found("acme key").found == "file:keys/acme: it is a public key"


@pytest.mark.parametrize(("passphrase", "state"), [("open sesame", State.OK), ("close sesame", State.FAIL)])
def test_the_passphrase_of_a_key_is_tried(
    conf: Path, monkeypatch: pytest.MonkeyPatch, passphrase: str, state: State
) -> None:
    Path("keys/acme").write_text(ENCRYPTED)
    conf.write_text(conf.read_text() + 'key_passphrase = "env:ACME_PASSPHRASE"\n')
    monkeypatch.setenv("ACME_PASSPHRASE", passphrase)
    line = found("acme key")
    assert line.state is state
    assert line.state is State.OK or line.found.endswith("its passphrase is not the one that key_passphrase gives")
    monkeypatch.delenv("ACME_PASSPHRASE")
    assert [found(f"acme {key}").state for key in ("key", "key_passphrase")] == [State.OK, State.FAIL]


def test_the_pinned_key_is_shown_by_its_fingerprint(conf: Path) -> None:
    assert found("acme host key").found == f"pinned: ssh-ed25519 {KEY.get_fingerprint()}"


@pytest.mark.parametrize(
    ("known_hosts", "state", "text"),
    [
        (f"h {PUBLIC}\n", State.OK, f"known_hosts: ssh-ed25519 {KEY.get_fingerprint()}"),
        (f"another {PUBLIC}\n", State.FAIL, "known_hosts holds no key of this server"),
        (None, State.FAIL, "known_hosts: No such file or directory"),
    ],
    ids=["its key", "another's key", "no file"],
)
def test_known_hosts_must_hold_a_key_of_the_server(
    conf: Path, known_hosts: str | None, state: State, text: str
) -> None:
    conf.write_text(conf.read_text().replace(f'host_key = "{PUBLIC}"', 'known_hosts = "known_hosts"'))
    if known_hosts is not None:
        Path("known_hosts").write_text(known_hosts)
    line = found("acme host key")
    assert (line.state, text in line.found) == (state, True), line
    assert ("gateway trust acme" in line.remedy) == (state is State.FAIL)


def test_the_embedded_servers_keys_are_read_as_the_servers_will(conf: Path, tmp_path: Path) -> None:
    one, other = (make_certificate(tmp_path / name) for name in ("one", "other"))
    for name in ("one.key", "host.key"):
        Path("keys", name).touch(mode=0o600)
    Path("keys/host.key").write_text(ENCRYPTED)
    tls = f'tls = {{ certificate = "file:{one.file}", key = "file:KEY" }}'
    doors = f'[inbound.sftp]\nlisten = ":0"\nhost_key = "file:keys/host.key"\n[inbound.ftp]\nlisten = ":0"\n{tls}\n'
    conf.write_text(SECURE + doors.replace("KEY", str(one.file)).replace("keys/", f"{tmp_path}/keys/"))
    assert found("inbound sftp host key").found.endswith("it has a passphrase")
    assert found("inbound ftp key").state is State.OK
    conf.write_text(SECURE + doors.replace("KEY", str(other.file)))
    line = found("inbound ftp key")
    assert (line.state, "can't be used" in line.found) == (State.FAIL, True)
    assert line.remedy.startswith("give a PEM certificate with its chain, and the PEM key that belongs to it")


def test_a_state_folder_in_a_place_that_is_no_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = check_state(tmp_path / "file")
    assert line.state is State.FAIL
    assert "is no folder" in line.found


def test_a_state_folder_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path: Path) -> None:
    line = check_state(tmp_path / "a/b")
    assert line.state is State.OK
    assert "made at the first start" in line.found
    assert not (tmp_path / "a").exists()


def test_the_remedy_for_a_folder_that_takes_nothing_is_that_of_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, remedy in (
        (errno.EROFS, "have its disk mounted to be written"),
        (errno.ENOSPC, "free some space there"),
        (errno.EACCES, "run this as the gateway's user, or give the folder to it"),
    ):

        def refuses(number: int = number, **_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("gateway.cli.checkups.folders.tempfile.TemporaryFile", refuses)
        line = check_state(tmp_path)
        assert (line.state, line.remedy) == (State.FAIL, remedy)


def _truncate(ledger: Path) -> None:
    with ledger.open("rb+") as file:
        file.truncate(ledger.stat().st_size // 2)


def _from_a_newer_gateway(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def _a_folder(ledger: Path) -> None:
    ledger.unlink()
    ledger.mkdir()


@pytest.mark.parametrize(
    ("spoil", "told", "remedy"),
    [
        (lambda ledger: ledger.write_bytes(b"hello"), "is damaged", ".recover"),
        (_truncate, "is damaged", ".recover"),
        (_from_a_newer_gateway, "newer gateway", "install that version"),
        (_a_folder, "is no file", "from a backup"),
        (Path.unlink, "is gone or empty", "from a backup"),
        (lambda ledger: ledger.write_bytes(b""), "is gone or empty", "from a backup"),
    ],
    ids=["text", "truncated", "newer", "folder", "gone", "empty"],
)
def test_a_ledger_that_would_stop_the_gateway_fails(
    tmp_path: Path, spoil: Callable[[Path], object], told: str, remedy: str
) -> None:
    migrate(tmp_path / FILE_NAME)
    (tmp_path / "reserve").touch()
    assert check_ledger(tmp_path).state is State.OK
    spoil(tmp_path / FILE_NAME)
    line = check_ledger(tmp_path)
    assert (line.state, told in line.found, remedy in line.remedy) == (State.FAIL, True, True), line


def test_a_state_folder_without_a_ledger_is_a_new_one(tmp_path: Path) -> None:
    assert check_ledger(tmp_path).state is State.OK
    assert list(tmp_path.iterdir()) == []


def test_state_on_a_network_file_system_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - nfs4 server:/x rw\n")
    monkeypatch.setattr("gateway.core.mounts.TABLE", mounts)
    line = check_state(tmp_path)
    assert (line.state, "nfs4" in line.found) == (State.FAIL, True)


def test_an_outbox_that_a_host_shares_is_told_as_one_that_is_watched_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 0 0:1 / {tmp_path} rw - virtiofs host rw\n")
    monkeypatch.setattr("gateway.core.mounts.TABLE", mounts)
    line = check_box("acme outbox", tmp_path)
    assert line is not None
    assert (line.state, "virtiofs" in line.found) == (State.WARN, True)


def test_a_missing_action_folder_is_a_warning_with_the_command_that_makes_it(tmp_path: Path) -> None:
    line = check_scripts(tmp_path / "none")
    assert (line.state, line.remedy.split(",")[0]) == (State.WARN, f"mkdir -p {tmp_path}/none")


@pytest.mark.parametrize(("hung", "subject"), [("/var", "state folder"), ("/outbox", "acme outbox")])
def test_a_folder_that_does_not_answer_is_named_and_the_rest_is_looked_over(
    conf: Path, monkeypatch: pytest.MonkeyPatch, hung: str, subject: str
) -> None:
    loaded = load()
    loaded.outbox("acme").mkdir(parents=True)
    monkeypatch.setattr("gateway.cli.checkups.answers.LIMIT_S", 0.3)
    disk = HungDisk(monkeypatch)
    disk.hang("stat", hung)
    try:
        lines = list(look_over())
    finally:
        disk.heal()
    silent = [line for line in lines if line.state is State.FAIL]
    assert [(line.subject, "nothing answers there" in line.found) for line in silent] == [(subject, True)]
    assert found("acme key", lines).state is State.OK
    assert disk.asked == 1


def test_who_has_the_state_folder_is_told_and_who_else_sends_from_an_outbox(conf: Path) -> None:
    assert found("served by").found == "nobody; `gateway serve` starts one"
    outbox = load().outbox("acme")
    outbox.mkdir(parents=True)
    theirs = Outboxes()
    theirs.hold([outbox])
    try:
        line = found("acme outbox")
        assert (line.state, f"another gateway (pid {os.getpid()}) sends" in line.found) == (State.FAIL, True)
        ours = Holder(os.getpid(), "serve", datetime.now(UTC))
        assert list(check_outboxes({"acme": outbox}, ours)) == []
    finally:
        theirs.close()


async def test_a_clock_that_is_behind_the_ledger_was_set_back(tmp_path: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=3)
    async with open_ledger(tmp_path, TurnedClock(ahead)) as ledger, own(ledger, "serve"):
        assert holder_of(tmp_path) is not None
    line = check_clock(last_written(tmp_path))
    assert (line.state, "it was set back" in line.found, "timedatectl" in line.remedy) == (State.FAIL, True, True)
    assert check_clock(datetime.now(UTC) + timedelta(minutes=1)).state is not State.FAIL
    assert last_written(tmp_path / "nowhere") is None


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        line = check_port("inbound sftp", f"127.0.0.1:{port}")
        assert (line.state, line.found) == (State.FAIL, f"127.0.0.1:{port} is taken: no gateway can start")
        ours = Holder(os.getpid(), "serve", datetime.now(UTC))
        line = check_port("inbound sftp", f"127.0.0.1:{port}", ours)
        assert (line.state, line.found) == (State.OK, f"127.0.0.1:{port} is held by `gateway serve` (pid {ours.pid})")
        other_process = Holder(os.getppid(), "serve", datetime.now(UTC))
        assert check_port("inbound sftp", f"127.0.0.1:{port}", other_process).state is State.WARN
    assert check_port("inbound sftp", f"127.0.0.1:{port}").state is State.OK


def test_an_address_of_another_machine_fails() -> None:
    assert check_port("inbound sftp", "203.0.113.1:2222").state is State.FAIL


@pytest.mark.parametrize(("days", "state"), [(90, State.OK), (10, State.WARN), (-1, State.FAIL)])
def test_a_certificate_is_looked_at_before_it_expires(conf: Path, tmp_path: Path, days: int, state: State) -> None:
    made = make_certificate(tmp_path / "certificate", days=days)
    reference = f"file:{made.file}"
    line = check_certificate(load(conf), TlsSettings(certificate=reference, key=reference))
    assert line.state is state


def test_low_inotify_limits_come_with_the_command_that_raises_them(tmp_path: Path) -> None:
    for name, value in (("max_user_watches", 8192), ("max_user_instances", 128), ("max_queued_events", 16384)):
        (tmp_path / name).write_text(f"{value}\n")
    low, *others = check_inotify(tmp_path)
    assert low.remedy == "sysctl fs.inotify.max_user_watches=65536"
    assert [line.state for line in others] == [State.OK, State.OK]


@pytest.mark.parametrize(("capabilities", "state"), [("0000000010000000", State.OK), ("0000000000000000", State.WARN)])
def test_the_capability_for_leases_is_read_from_the_kernel(tmp_path: Path, capabilities: str, state: State) -> None:
    (tmp_path / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\n")
    assert check_leases(tmp_path / "status").state is state


def test_libraries_are_compared_with_what_the_package_asks_for() -> None:
    lines = {line.subject.lower(): line for line in check_versions()}
    assert lines["python"].state is State.OK
    assert {"asyncssh", "pyftpdlib", "watchdog", "sqlalchemy"} <= set(lines)
    assert "ruff" not in lines
