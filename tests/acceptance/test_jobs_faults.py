"""Destinations of a job in trouble, all at once: each says what and why, the others go on; mended, all have all."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Gateway, until
from tests.acceptance.jobs import contents, place_of, require_adds_up, run_of, started, states, write_job
from tests.acceptance.mortal_sshd import MortalSshd, mortal_sshd
from tests.acceptance.small_disk import SmallDisk, small_disk
from tests.peers.openssh import SshPeer
from tests.peers.processes import free_port
from tests.peers.vsftpd import FtpPeer

BIG = os.urandom(4_000_000)
FILES = {"big.bin": BIG, "deep/list.csv": b"1;2;3", "empty.csv": b""}
SLOWLY = '[profiles.slow]\nbandwidth = "1M"\n'
WORDS = {
    "down": "[Errno 111]",
    "full": "full",
    "sealed": "mounted read-only",
    "changed": "host key has changed",
    "mortal": "mortal (",
}
OTHERS = tuple(name for name in WORDS if name != "mortal")


def lay_source(folder: Path) -> Path:
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def disks(sshd_folder: Path) -> Iterator[tuple[SmallDisk, SmallDisk]]:
    with small_disk(sshd_folder / "full", "3m") as full, small_disk(sshd_folder / "sealed", "20m") as sealed:
        subprocess.run(["mount", "-o", "remount,ro", str(sealed.folder)], check=True)
        yield full, sealed


def test_five_destinations_in_trouble_hold_nobody_up_and_catch_up_once_they_are_mended(
    gateway: Gateway,
    sshd: SshPeer,
    plain_vsftpd: FtpPeer,
    sshd_folder: Path,
    disks: tuple[SmallDisk, SmallDisk],
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        mortal = stack.enter_context(mortal_sshd(tmp_path / "mortal"))
        folders = _configured(gateway, sshd, plain_vsftpd, sshd_folder, mortal, tmp_path)
        gateway.start()
        run = started(gateway, "prices")
        until(lambda: bool(_partials(folders["mortal"])), gateway.told)
        mortal.kill()
        said = partial(_destinations, gateway, run)
        told = _once(lambda told: _in_trouble(told, "mortal"), gateway, run)
        _require_told(told, "mortal", folders["mortal"])
        mortal.start_again()  # at once: it is left alone for longer each time that it is found dead
        told = _once(_have_settled, gateway, run)
        for name in OTHERS:
            _require_told(told, name, folders[name])
        assert {name: states(told)[name] for name in ("well", "ftp")} == {"well": "delivered", "ftp": "delivered"}
        assert not told["terminal"]
        require_adds_up(told, {name: folders[name] for name in ("well", "ftp")})

        disks[0].grow("20m")
        subprocess.run(["mount", "-o", "remount,rw", str(disks[1].folder)], check=True)
        for name in ("down", "changed"):
            gateway.sftp(name, sshd, folders[name])
        gateway.write_config()
        assert gateway.run("reload").returncode == 0
        for name in OTHERS:  # the one that died comes back by itself
            done = gateway.run("job", "restart", str(run), "--destination", name, "--detach")
            assert done.returncode == 0, done.stderr
        until(lambda: run_of(gateway, run)["terminal"], said)
        told = run_of(gateway, run)
        assert told["state"] == "finished", told["destinations"]
        require_adds_up(told, folders)
        assert contents(folders["well"]) == contents(tmp_path / "prices")
        assert {name for folder in folders.values() for name in _partials(folder)} == set()
        assert gateway.stop() == 0


def _configured(
    gateway: Gateway, sshd: SshPeer, ftp: FtpPeer, folder: Path, mortal: MortalSshd, tmp_path: Path
) -> dict[str, Path]:
    folders = {name: folder / name for name in ("well", "full", "sealed", "changed", "down")}
    folders |= {"ftp": ftp.folder / tmp_path.name / "in", "mortal": mortal.peer.folder / "in"}
    for made in folders.values():
        made.mkdir(parents=True, exist_ok=True)
    for name in ("well", "full", "sealed", "changed", "down"):
        gateway.sftp(name, sshd, folders[name])
    nobody = free_port()
    gateway.set("endpoints.down", url=f"sftp://{sshd.user}@{sshd.host}:{nobody}{folders['down']}")
    gateway.set("endpoints.changed", host_key=mortal.peer.host_key)
    gateway.sftp("mortal", mortal.peer, folders["mortal"], profile="slow")
    gateway.ftp("ftp", ftp, f"{ftp.path}/{tmp_path.name}/in")
    write_job(gateway, "prices", lay_source(tmp_path / "prices"), folders, SLOWLY)
    return folders


def _once(holds: Callable[[Mapping[str, Any]], bool], gateway: Gateway, run: int) -> Mapping[str, Any]:
    """The run as it is told at the moment when `holds` is true: the next try begins soon after."""
    told: list[Mapping[str, Any]] = []

    def look() -> bool:
        told[:] = [run_of(gateway, run)]
        return holds(told[0])

    until(look, partial(_destinations, gateway, run))
    return told[0]


def _destinations(gateway: Gateway, run: int) -> str:
    return str(run_of(gateway, run)["destinations"])


def _in_trouble(told: Mapping[str, Any], name: str) -> bool:
    return states(told)[name] in ("offline", "error")


def _require_told(told: Mapping[str, Any], name: str, folder: Path) -> None:
    place = place_of(told, name)
    assert place["state"] in ("offline", "error"), place
    assert WORDS[name] in place["error"], place
    assert "big.bin" not in contents(folder)


def _have_settled(told: Mapping[str, Any]) -> bool:
    found = states(told)
    return all(_in_trouble(told, name) for name in OTHERS) and found["well"] == found["ftp"] == "delivered"


def _partials(folder: Path) -> list[str]:
    return [one.name for one in folder.rglob(".*.part")]
