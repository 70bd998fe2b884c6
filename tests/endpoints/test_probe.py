"""What `gateway probe` and `gateway trust` find out."""

import json
import os
from pathlib import Path

import asyncssh
import pytest

from gateway.core.errors import LinkLost, Refused
from gateway.endpoints.opening import open_place
from gateway.endpoints.probe import Answer, Profile, probe
from gateway.endpoints.trust import fetch_host_key
from tests.peers import hostile_ftp, hostile_sftp
from tests.peers.ftp_servers import pyftpd
from tests.peers.hostile_tcp import black_hole
from tests.peers.openssh import SshPeer
from tests.peers.places import ftp_place, ssh_place
from tests.peers.ssh_servers import asyncssh_sftp
from tests.peers.vsftpd import FtpPeer


def answers(profile: Profile) -> dict[str, Answer]:
    return {trial.name: trial.answer for trial in profile.trials}


async def test_a_probe_only_reads_unless_asked(sshd: SshPeer, sshd_folder: Path) -> None:
    (sshd_folder / "f").touch()
    profile = await probe(ssh_place(sshd, sshd_folder))
    assert [(trial.name, trial.detail) for trial in profile.trials] == [("listing", "1 files, 0 folders")]
    assert "OpenSSH" in profile.banner
    assert {"posix_rename", "fsync", "limits"} <= set(profile.extensions)
    assert os.listdir(sshd_folder) == ["f"]


async def test_a_probe_of_openssh_finds_everything_and_cleans_up(sshd: SshPeer, sshd_folder: Path) -> None:
    profile = await probe(ssh_place(sshd, sshd_folder), write=str(sshd_folder), execute=True)
    assert set(answers(profile).values()) == {Answer.YES}
    assert profile.remote_hash == {"sha256", "md5"}
    assert os.listdir(sshd_folder) == []
    json.dumps(profile.as_json())


async def test_what_a_probe_found_of_checksums_becomes_a_feature(sshd: SshPeer, sshd_folder: Path) -> None:
    profile = await probe(ssh_place(sshd, sshd_folder), write="")
    async with await open_place(ssh_place(sshd, sshd_folder, remote_hash=profile.remote_hash)) as endpoint:
        assert "sha256" in endpoint.features.remote_hash


async def test_a_probe_of_vsftpd_tells_what_is_missing(tls_vsftpd: FtpPeer) -> None:
    folder = tls_vsftpd.folder / "probed"
    folder.mkdir()
    profile = await probe(ftp_place(tls_vsftpd, folder), write="", execute=True)
    found = answers(profile)
    assert found["rename replaces"] is Answer.YES
    assert (found["hash sha256"], found["commands"]) == (Answer.NO, Answer.NO)
    assert "vsFTPd" in profile.banner
    assert os.listdir(folder) == []


async def test_a_probe_goes_on_after_what_fails(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path, kind=hostile_sftp.RefusesRename) as peer:
        profile = await probe(ssh_place(peer, "/"), write="/")
        found = answers(profile)
        assert (found["rename"], found["append"], found["clean up"]) == (Answer.FAILED, Answer.YES, Answer.YES)
        assert os.listdir(peer.folder) == []


async def test_a_probe_of_a_server_that_refuses_to_replace_says_no(tmp_path: Path) -> None:
    with pyftpd(tmp_path, handler=hostile_ftp.RefusesReplace) as peer:
        profile = await probe(ftp_place(peer), write="/")
        assert answers(profile)["rename replaces"] is Answer.NO
        assert os.listdir(peer.folder) == []


async def test_a_folder_that_cannot_be_written_ends_the_trials(tmp_path: Path, sshd: SshPeer) -> None:
    profile = await probe(ssh_place(sshd), write="/no/such/folder")
    assert answers(profile) == {"listing": Answer.YES, "write": Answer.FAILED, "clean up": Answer.YES}


async def test_the_host_key_is_fetched_without_trusting_anything(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        found = await fetch_host_key(ssh_place(peer, host_keys=()))
        expected = asyncssh.import_public_key(peer.host_key)
        assert asyncssh.import_public_key(found.text) == expected
        assert found.fingerprint == f"ssh-ed25519 {expected.get_fingerprint()}"
        assert not found.known
        async with await open_place(ssh_place(peer, "/", host_keys=(found.text,))) as endpoint:
            assert endpoint.usable
        assert (await fetch_host_key(ssh_place(peer))).known


async def test_the_host_key_that_would_be_replaced_is_told(tmp_path: Path) -> None:
    old = asyncssh.generate_private_key("ssh-ed25519")
    async with asyncssh_sftp(tmp_path) as peer:
        found = await fetch_host_key(ssh_place(peer, host_keys=(old.export_public_key().decode(),)))
    assert not found.known
    assert old.get_fingerprint() in found.replaces[0]


async def test_asking_for_a_host_key_is_bounded() -> None:
    async with black_hole() as port:
        place = ssh_place(SshPeer(port, "u", "", "", Path("/")), host_keys=(), connect_timeout_s=0.3)
        with pytest.raises(LinkLost):
            await fetch_host_key(place)


async def test_only_sftp_has_host_keys(plain_vsftpd: FtpPeer) -> None:
    with pytest.raises(Refused, match="only sftp://"):
        await fetch_host_key(ftp_place(plain_vsftpd))
