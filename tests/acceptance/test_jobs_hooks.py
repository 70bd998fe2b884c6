"""A job's commands that hang, fail or print megabytes, and a file that changes while it is sent."""

import os
from pathlib import Path

import psutil

from gateway.ledger.database import FILE_NAME
from tests.acceptance.harness import Gateway, until
from tests.acceptance.jobs import contents, place_of, require_adds_up, run_of, started, states, trigger, write_job
from tests.peers.openssh import SshPeer

SHOPS = ("hangs", "fails", "chats")
HOOK = (
    'case $(basename "$PWD") in hangs) sleep 4711;; fails) echo no such table >&2; exit 3;; '
    "chats) head -c 6000000 /dev/zero | tr '\\0' x; echo the end;; esac"
)


def laid_out(gateway: Gateway, sshd: SshPeer, folder: Path, names: tuple[str, ...]) -> dict[str, Path]:
    folders = {name: folder / name for name in names}
    for name, one in folders.items():
        one.mkdir()
        gateway.sftp(name, sshd, one)
    return folders


def sleepers() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "4711"]]


def test_commands_that_hang_fail_or_chatter_are_told_at_their_destination_alone(
    gateway: Gateway, sshd: SshPeer, sshd_folder: Path, tmp_path: Path
) -> None:
    folders = laid_out(gateway, sshd, sshd_folder, SHOPS)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "list.csv").write_bytes(b"1;2;3")
    write_job(gateway, "prices", tmp_path / "prices", folders, trigger("after_endpoint", HOOK, 'timeout = "2s"'))
    gateway.start()

    done = gateway.run("job", "start", "prices", limit_s=100)
    assert done.returncode == 7, done.stdout + done.stderr

    told = run_of(gateway, 1)
    assert (told["state"], states(told)["chats"]) == ("finished_with_errors", "delivered"), told["destinations"]
    for name, words in (("hangs", "after_endpoint is"), ("fails", "after_endpoint is failed")):
        place = place_of(told, name)
        assert (place["state"], place["delivered"]) == ("error", 1)
        assert words in place["error"], place
        assert f"--destination {name}" in place["error"]
    said = {one.place: one for one in told["commands"]}
    assert (said["fails"].exit_code, "no such table" in said["fails"].output) == (3, True)
    assert said["chats"].output.rstrip().endswith("the end")
    assert len(said["chats"].output) < 100_000
    assert (gateway.state / FILE_NAME).stat().st_size < 4_000_000
    assert sleepers() == []
    require_adds_up(told, folders)
    assert gateway.stop() == 0


def test_files_that_change_while_they_are_sent_are_never_half_there_and_keep_no_other(
    gateway: Gateway, sshd: SshPeer, sshd_folder: Path, tmp_path: Path
) -> None:
    folders = laid_out(gateway, sshd, sshd_folder, ("shop1", "shop2"))
    source = tmp_path / "prices"
    source.mkdir()
    for name in ("grows.bin", "replaced.bin"):
        (source / name).write_bytes(os.urandom(1_000_000))
    (source / "list.csv").write_bytes(b"1;2;3")
    write_job(gateway, "prices", source, folders, '[profiles.default]\nbandwidth = "250k"\n')
    gateway.start()
    run = started(gateway, "prices")
    until(lambda: all(list(folder.glob(".*.bin*")) for folder in folders.values()), gateway.told)
    with (source / "grows.bin").open("ab") as file:
        file.write(b"more")
    (source / "new").write_bytes(os.urandom(1_000_000))
    (source / "new").rename(source / "replaced.bin")
    until(
        lambda: all(place["error"] for place in run_of(gateway, run)["destinations"]),
        lambda: str(run_of(gateway, run)["destinations"]),
    )
    told = run_of(gateway, run)
    for name, folder in folders.items():
        assert set(contents(folder)) == {"list.csv"}
        assert "changed" in place_of(told, name)["error"]
        reasons = [one["reason"] for one in told["files"] if one["endpoint"] == name and one["state"] == "failed"]
        assert len(reasons) == 2
        assert all("changed" in reason for reason in reasons), reasons
    if not told["terminal"]:
        assert gateway.run("job", "stop", str(run)).returncode == 0
        until(lambda: run_of(gateway, run)["terminal"], gateway.told)

    write_job(gateway, "prices", source, folders)
    assert gateway.run("reload").returncode == 0
    assert gateway.run("job", "restart", str(run), limit_s=100).returncode == 0

    told = run_of(gateway, run + 1)
    assert told["state"] == "finished"
    assert contents(folders["shop1"]) == contents(folders["shop2"]) == contents(source)
    require_adds_up(told, folders)
