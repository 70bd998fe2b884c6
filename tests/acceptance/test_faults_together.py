"""Everything that can be wrong from the start, at once in one gateway: each says what it is and costs only itself."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest

from tests.acceptance.background import Background
from tests.acceptance.harness import Gateway, gateway_in, without_override
from tests.peers.hostile_sftp import CountsTries, DiskFull
from tests.peers.hostile_tcp import black_hole
from tests.peers.openssh import SshPeer
from tests.peers.processes import free_port
from tests.peers.ssh_servers import asyncssh_sftp

DATA = b"x" * 400_000
HOLES = [f"hole{number}" for number in range(2)]
PITS = [f"pit{number}" for number in range(8)]
"""Holes that nobody gives up while the tests last."""

MESSAGES = {
    "keyless": r"endpoint keyless: the secret file \S+/keys/nowhere does not exist; put it there, or correct its path",
    "unknown": r"unknown \(127.0.0.1:\d+\): no host key is given, .*`gateway trust unknown` shows its key and pins it",
    "changed": r"changed \(127.0.0.1:\d+\): the host key has changed: known ssh-ed25519 SHA256:\S+, found ssh-ed25519 "
    r"SHA256:\S+; .* you call `gateway trust changed --replace`",
    "refused": r"refused \(127.0.0.1:\d+\): user 'partner' was refused: .*; correct the user or the password",
    "gone": r"gone \(127.0.0.1:\d+\): .*(Connect call failed|Connection refused).*; "
    r"is the server running, and host and port right\?",
    "full": r"to_full.act:\d+:1: PUT: 1 of 1 files failed: .* the disk there is full: somebody has to make room",
    **{name: rf"{name} \(127.0.0.1:\d+\): connecting: no answer within 3 s; .*firewall silent\?" for name in HOLES},
}
EXIT_CODES = {"keyless": 7, "changed": 20, "refused": 21, "gone": 5, "full": 5}

BROKEN = {
    "command": ("@endpoint healthy\nPUTT -DEL *\n", r"2:1: error E\d+ .*PUTT.*PUT"),
    "option": ("@endpoint healthy\nPUT -DLE *\n", r"2:5: error E\d+ .*-DLE.*-DEL"),
    "header": ("@endpont healthy\nPUT *\n", r"1:1: error E\d+ .*@endpont.*@endpoint"),
    "macro": ("@endpoint healthy\nPUT * /in/%dat%/\n", r"2:\d+: error E\d+ .*%dat%.*%date%"),
    "endpoint": ("@endpoint healty\nPUT *\n", r"1:\d+: error E\d+ .*healty.*healthy"),
    "age": ("CHECK -FIL old/* Age=1D\n", r"1:\d+: error E\d+ .*Age.*>"),
    "polled": (
        "@endpoint healthy\n@schedule on file polling continuously\nPUT *\n",
        r"error E\d+ .*-DEL",
    ),
    "binary": ("\x00\x01\x7fELF\x00", r"error E\d+ .*"),
}


class Refuses(CountsTries):
    """Counts for this module alone."""

    tries = 0


@pytest.fixture(scope="module")
def arrivals(sshd: SshPeer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sshd.folder / tmp_path_factory.mktemp("healthy").name
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def troubled(
    sshd: SshPeer, peers: Background, arrivals: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """All of it is wrong at once, and one endpoint is healthy."""
    with gateway_in(tmp_path_factory.mktemp("troubled"), before=without_override()) as gateway:
        gateway.sftp("healthy", sshd, arrivals)
        gateway.set("gateway", grace="1s")  # whoever is in a pit does not come out of it
        _wrong_endpoints(gateway, sshd, arrivals, peers)
        for name in ("healthy", "locked", *MESSAGES, *PITS):
            gateway.polled(f"to_{name}", name, "PUT -DEL *", "@retry_delay 1s\n@retries 1\n")
            gateway.drop(name, "a file.csv", DATA)
        for name, (text, _) in BROKEN.items():
            gateway.action(f"broken_{name}", text, quick=False)
        gateway.outbox("locked").chmod(0)
        gateway.start()
        yield gateway
        gateway.outbox("locked").chmod(0o700)
        assert gateway.stop() == 0


def _wrong_endpoints(gateway: Gateway, sshd: SshPeer, folder: Path, peers: Background) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    gateway.sftp("locked", sshd, folder)
    gateway.sftp("changed", sshd, folder, host_key=other)
    gateway.sftp("unknown", sshd, folder, host_key=[])
    gateway.sftp("keyless", sshd, folder, key="file:keys/nowhere")
    gateway.sftp("refused", peers.enter(asyncssh_sftp(gateway.folder / "refuses", account=Refuses)), "/")
    gateway.sftp("full", peers.enter(asyncssh_sftp(gateway.folder / "full", kind=DiskFull)), "/")
    nobody = SshPeer(free_port(), "x", "", sshd.host_key, folder)
    gateway.sftp("gone", nobody, "/")
    for name in (*HOLES, *PITS):
        hole = SshPeer(peers.enter(black_hole()), "x", "", sshd.host_key, folder)
        gateway.sftp(name, hole, "/", connect_timeout="3s" if name in HOLES else "10m")


def test_the_healthy_get_their_files_while_eight_partners_hang(troubled: Gateway, arrivals: Path) -> None:
    for number in range(3):
        troubled.drop("healthy", f"{number}.csv", DATA)
        troubled.arrived(arrivals / f"{number}.csv", DATA)
    assert not [name for name in PITS if troubled.log("run ended", action=f"to_{name}")]


@pytest.mark.parametrize("name", MESSAGES)
def test_each_trouble_is_told_once_with_its_remedy_and_the_file_stays(troubled: Gateway, name: str) -> None:
    said = troubled.says("command failed", action=f"to_{name}")

    assert re.search(f"{MESSAGES[name]}$", said["error"])
    assert len(troubled.log("command failed", action=f"to_{name}")) == 1
    assert (troubled.outbox(name) / "a file.csv").read_bytes() == DATA


def test_an_unreadable_folder_is_told_with_its_remedy_and_works_once_it_can_be_read(
    troubled: Gateway, arrivals: Path
) -> None:
    said = troubled.says("folder can't be looked at", action="to_locked")
    assert said["trouble"] == (
        f"{troubled.outbox('locked')}: this folder can't be read (Permission denied); "
        "let the gateway's user list and enter it, or correct the path in the script"
    )
    troubled.arrived(arrivals / "a file.csv", DATA)  # that of `healthy`, which goes by the same name
    (arrivals / "a file.csv").unlink()
    troubled.outbox("locked").chmod(0o700)
    troubled.arrived(arrivals / "a file.csv", DATA)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_script_is_told_with_its_place_and_the_others_run(troubled: Gateway, name: str) -> None:
    said = troubled.says("action can't run", action=f"broken_{name}")
    assert re.search(BROKEN[name][1], said["finding"], re.DOTALL)
    assert f"broken_{name}.act:" in said["finding"]


def test_a_wrong_password_is_shown_to_the_server_only_once(troubled: Gateway) -> None:
    troubled.says("run ended", action="to_refused")
    before = troubled.drop("refused", "another.csv", DATA)
    assert troubled.run("run", "to_refused").returncode == EXIT_CODES["refused"]
    assert Refuses.tries == 1
    assert before.exists()


def test_a_run_by_hand_ends_with_the_exit_code_of_its_trouble(troubled: Gateway) -> None:
    for name in EXIT_CODES:
        troubled.says("run ended", action=f"to_{name}")
    with ThreadPoolExecutor(3) as threads:
        ended = dict(
            zip(EXIT_CODES, threads.map(lambda name: troubled.run("run", f"to_{name}"), EXIT_CODES), strict=True)
        )

    assert {name: done.returncode for name, done in ended.items()} == EXIT_CODES
    for name, done in ended.items():
        assert re.search(MESSAGES[name], done.stdout + done.stderr), done
