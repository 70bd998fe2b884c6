"""The commands that act at the endpoint, on real OpenSSH and vsftpd servers."""

import shlex
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.runner.due import Outcome
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer
from tests.runner.harness import Stage, stage, tree, write


def sftp_settings(peer: SshPeer, folder: Path, root: Path) -> str:
    write(root / "key", peer.key)
    (root / "key").chmod(0o600)
    return f"""
[endpoints.peer]
url = "sftp://{peer.user}@{peer.host}:{peer.port}{folder}"
key = "file:key"
host_key = "{peer.host_key}"
outbox = "outbox"
inbox = "inbox"
"""


def ftp_settings(peer: FtpPeer, folder: Path, root: Path) -> str:
    write(root / "password", peer.password)
    (root / "password").chmod(0o600)
    return f"""
[endpoints.peer]
url = "ftp://{peer.user}@{peer.host}:{peer.port}{folder}"
password = "file:password"
outbox = "outbox"
inbox = "inbox"
"""


@pytest.fixture
async def ssh(sshd: SshPeer, sshd_folder: Path, tmp_path: Path) -> AsyncIterator[tuple[Stage, Path]]:
    extra = (
        sftp_settings(sshd, sshd_folder, tmp_path)
        + "\n[macros]\nodd = '''a b'c\"d $(touch hacked) `x` ; \\ & | > y'''\n"
    )
    async with stage(tmp_path, extra) as made:
        yield made, sshd_folder


@pytest.fixture
async def ftp(plain_vsftpd: FtpPeer, tmp_path: Path) -> AsyncIterator[tuple[Stage, Path]]:
    folder = plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    async with stage(tmp_path, ftp_settings(plain_vsftpd, folder, tmp_path)) as made:
        yield made, folder


@pytest.fixture(params=["ssh", "ftp"])
def peer(request: pytest.FixtureRequest) -> tuple[Stage, Path]:
    found: tuple[Stage, Path] = request.getfixturevalue(request.param)
    return found


async def run(act: Stage, script: str, **more: Any):  # type: ignore[no-untyped-def]
    return await act.run(f"@endpoint peer\n@retries 0\n{script}", **more)


async def test_folders_and_files_there(peer: tuple[Stage, Path]) -> None:
    act, folder = peer
    write(act.outbox / "a b.csv", "1")
    result = await run(
        act,
        "MKDIR in\nMKDIR in\nMKDIR in/deep\nPUT a* in/\nCD in\nRENAME 'a b.csv' deep/c.csv\nRMDIR ../empty\nCD ..",
    )
    assert (result.outcome, "empty" in (result.error or "")) == (Outcome.FAILED, True), "there is no such folder"
    assert tree(folder) == {"in/deep/c.csv": "1"}
    (folder / "empty").mkdir()
    result = await run(
        act, "DIR in/deep\nDIR in/deep/*.csv list.txt\nRMDIR empty\nDELETE in/deep/*\nDELETE in/deep/*.x\nRMDIR in/deep"
    )
    assert result.outcome is Outcome.DONE, result
    assert "c.csv" in result.notes[0]
    assert (act.inbox / "list.txt").read_text().split()[:2] == ["file", "1"]
    assert tree(folder) == {}


async def test_what_is_in_the_way_stays(peer: tuple[Stage, Path]) -> None:
    act, folder = peer
    write(folder / "a", "a")
    write(folder / "b", "b")
    result = await run(act, "RENAME a b")
    assert (result.outcome, tree(folder)) == (Outcome.FAILED, {"a": "a", "b": "b"})
    assert (await run(act, "MKDIR a")).outcome is Outcome.FAILED
    assert (await run(act, "DELETE c")).outcome is Outcome.FAILED
    write(folder / "full/x", "x")
    assert (await run(act, "RMDIR full")).outcome is Outcome.FAILED
    assert (folder / "full/x").exists()


async def test_transfers_with_real_servers(peer: tuple[Stage, Path]) -> None:
    act, folder = peer
    for name in ("a.csv", "accént ünd blank.csv", "%date%.csv"):
        write(act.outbox / name, name)
    write(folder / "in/x", "x")
    result = await run(act, "PUT -DEL *.csv in/\nGET -DEL in/* got/\nPUT -REC ../inbox/got/ new/tree/")
    assert result.outcome is Outcome.DONE, result
    names = {"a.csv", "accént ünd blank.csv", "%date%.csv", "x"}
    assert set(tree(act.inbox / "got")) == names
    assert tree(act.outbox) == {}
    assert set(tree(folder)) == {f"new/tree/{name}" for name in names}


async def test_a_missing_remote_folder_is_no_success(peer: tuple[Stage, Path]) -> None:
    act, folder = peer
    write(act.outbox / "a", "1")
    result = await run(act, "PUT -DEL a typo/")
    assert (result.outcome, tree(folder), tree(act.outbox)) == (Outcome.FAILED, {}, {"a": "1"})
    assert "folder" in (result.error or "")


async def test_make_dirs_makes_them(plain_vsftpd: FtpPeer, tmp_path: Path) -> None:
    folder = plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    async with stage(tmp_path, ftp_settings(plain_vsftpd, folder, tmp_path) + "make_dirs = true\n") as act:
        write(act.outbox / "a", "1")
        assert (await run(act, "PUT a new/er/\nPUT a 2/b")).outcome is Outcome.DONE
        assert tree(folder) == {"new/er/a": "1", "2/b": "1"}


async def test_raw_ftp_commands_answer_into_the_notes(ftp: tuple[Stage, Path]) -> None:
    act, folder = ftp
    write(folder / "a", "123")
    result = await run(act, f"QUOTE TYPE I\nQUOTE SIZE {folder}/a")
    assert result.outcome is Outcome.NOTHING, result
    assert "213 3" in result.notes[1]


@pytest.mark.parametrize(
    ("line", "sent"), [("QUOTE NONSENSE", "NONSENSE: "), ("SITE CHMOD 600 a", "SITE CHMOD 600 a: ")]
)
async def test_a_raw_command_that_the_peer_refuses_has_failed(ftp: tuple[Stage, Path], line: str, sent: str) -> None:
    refused = await run(ftp[0], line)
    assert refused.outcome is Outcome.FAILED
    assert sent in (refused.error or "")
    assert "answered 5" in (refused.error or "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("printf '[%s]' %odd%", ["ODD"]),
        ("printf '[%s]' \"%odd%\"", ["ODD"]),
        ("printf '[%s]' '%odd%'", ["ODD"]),
        ("printf '[%s]' x%odd%y", ["xODDy"]),
        ("printf '[%s]' it\\'s %odd%", ["it's", "ODD"]),
        ('printf \'[%s]\' "a \\" %odd%" %host%', ['a " ODD', "peer"]),
        ("printf '[%s]' \"$HOME\" | wc -l", None),
    ],
)
async def test_a_macro_s_value_stays_text_for_the_peer_s_shell(
    ssh: tuple[Stage, Path], line: str, expected: list[str] | None
) -> None:
    act, _ = ssh
    odd = act.engine.loaded.config.macros["odd"]
    result = await run(act, f"RSYSTEM {line}")
    assert result.outcome is Outcome.NOTHING, result
    if expected is not None:
        shown = "".join(f"[{one.replace('ODD', odd)}]" for one in expected)
        assert "ended with code 0: " in result.notes[0]
        assert result.notes[0].endswith(shown), "behind what the account's own shell may have to say"


async def test_folder_and_environment_of_a_remote_program(ssh: tuple[Stage, Path]) -> None:
    act, folder = ssh
    (folder / "work it").mkdir()
    path = folder / "work it"
    result = await run(
        act,
        f'RSYSTEM In="{path}" Env.WHAT="x y;%odd%" "pwd && printf %s \\"$WHAT\\" > out # done"'.replace(
            '\\"', "'"
        ).replace("'$WHAT'", "$WHAT"),
    )
    assert result.outcome is Outcome.NOTHING, result
    assert str(path) in result.notes[0]
    assert tree(folder).keys() == {"work it/out"}


async def test_exit_codes_of_a_remote_program(ssh: tuple[Stage, Path]) -> None:
    act, folder = ssh
    count = shlex.quote(str(folder / "count"))
    assert (await run(act, "RSYSTEM exit 3")).outcome is Outcome.FAILED
    assert (await run(act, "RSYSTEM SuccessCodes=0-3 exit 3")).outcome is Outcome.NOTHING
    result = await act.run(
        f"@endpoint peer\n@retries 2\n@retry_delay 0s\nRSYSTEM AgainCodes=75 echo x >> {count}; exit 75"
    )
    assert (result.outcome, (folder / "count").read_text()) == (Outcome.FAILED, "x\nx\nx\n")
    assert "ended with code 75" in (result.error or "")


async def test_a_get_finds_the_time_of_a_remote_file(ssh: tuple[Stage, Path]) -> None:
    act, folder = ssh
    path = write(folder / "a", "1", age_s=1_000_000)
    await run(act, "GET a")
    assert datetime.fromtimestamp((act.inbox / "a").stat().st_mtime, UTC).replace(
        microsecond=0
    ) == datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
