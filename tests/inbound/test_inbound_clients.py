"""The clients that partners use, against the embedded servers: OpenSSH sftp, lftp, curl, rclone."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.inbound.running import NAME, PASSWORD, Running, until

BIG = os.urandom(3_000_000)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is not installed")
    return found


async def ran(*words: str, text: str = "", folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    )
    async with asyncio.timeout(100):
        output, _ = await process.communicate(text.encode())
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with something to send."""
    folder = tmp_path / "files"
    (folder / "tree" / "sub").mkdir(parents=True)
    (folder / "big").write_bytes(BIG)
    (folder / "tree" / "a").write_bytes(b"a")
    (folder / "tree" / "sub" / "b é.txt").write_bytes(b"b")
    return folder


async def test_openssh_sftp(both: Running, files: Path) -> None:
    options = ["-q", "-b", "-", "-P", str(both.sftp_port), "-i", str(both.key)]
    trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none"]
    batch = "put -f big\nrename big big.csv\nmkdir d\ncd d\nput -r ../tree t\nget /big.csv back\nls -la\nrm /big.csv\n"
    batch = batch.replace("../tree", "tree")
    await ran(program("sftp"), *options, *trust, f"{NAME}@127.0.0.1", text=batch, folder=files)
    assert (files / "back").read_bytes() == BIG
    assert (both.root / "d/t/sub/b é.txt").read_bytes() == b"b"
    assert sorted(both.names) == ["big", "big.csv", "d/t/a", "d/t/sub/b é.txt"]


@pytest.mark.parametrize("over", ["sftp", "ftp"])
async def test_a_listing_shows_the_account_and_asks_for_no_name_of_the_machine(
    both: Running, files: Path, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    """Where a directory service has the names, each may take long."""
    asked: list[object] = []
    monkeypatch.setattr("pwd.getpwuid", asked.append)
    monkeypatch.setattr("grp.getgrgid", asked.append)
    (both.root / "a").write_text("x")
    port = both.sftp_port if over == "sftp" else both.ftp_port
    words = ["-sS", "--user", f"{NAME}:{PASSWORD}", "-k", "--ssl-reqd", f"{over}://127.0.0.1:{port}/"]
    shown = await ran(program("curl"), *words, folder=files)
    assert [line.split()[2:4] for line in shown.splitlines() if line.endswith(" a")] == [[NAME, NAME]]
    assert asked == []


async def test_openssh_scp_ends_well(both: Running, files: Path) -> None:
    """Since OpenSSH 9 it speaks SFTP, and fails where the session ends without an exit status."""
    options = ["-q", "-r", "-P", str(both.sftp_port), "-i", str(both.key), "-o", "IdentityAgent=none"]
    trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    await ran(program("scp"), *options, *trust, "big", "tree", f"{NAME}@127.0.0.1:/", folder=files)
    await ran(program("scp"), *options, *trust, f"{NAME}@127.0.0.1:/big", "back", folder=files)
    assert (files / "back").read_bytes() == BIG
    assert (both.root / "tree/sub/b é.txt").read_bytes() == b"b"


async def test_half_an_upload_that_ctrl_c_ended_in_openssh_sftp_lands_under_its_name(
    both: Running, files: Path
) -> None:
    """No message tells it from a whole one, so partners should upload under another name and rename."""
    options = ["-q", "-l", "4000", "-P", str(both.sftp_port), "-i", str(both.key), "-o", "IdentityAgent=none"]
    trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    words = [program("sftp"), *options, *trust, f"{NAME}@127.0.0.1"]
    process = await asyncio.create_subprocess_exec(
        *words, cwd=files, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.write(b"put big big.csv.part\n")
    await until(lambda: any(path.stat().st_size > 0 for path in both.hidden))
    process.send_signal(signal.SIGINT)
    await until(lambda: bool(both.landed))
    process.stdin.write_eof()
    await process.wait()
    assert both.names == ["big.csv.part"]
    assert 0 < (both.root / "big.csv.part").stat().st_size < len(BIG)


@pytest.mark.parametrize("scheme", ["sftp", "ftp"])
async def test_lftp(both: Running, files: Path, scheme: str) -> None:
    port = both.sftp_port if scheme == "sftp" else both.ftp_port
    settings = f"set sftp:auto-confirm yes; set ftp:ssl-force yes; set ssl:ca-file {both.ca}; set net:max-retries 1"
    settings += "; set ssl:check-hostname no; set cmd:fail-exit yes"
    script = "put big; mirror -R tree t; mirror -R tree t; mv big big.csv; get big.csv -o back; cls -l; rm big.csv"
    opened = f"{settings}; open -u {NAME},'{PASSWORD}' {scheme}://127.0.0.1:{port}; {script}; bye"
    await ran(program("lftp"), "-c", opened, folder=files)
    assert (files / "back").read_bytes() == BIG
    assert (both.root / "t/sub/b é.txt").read_bytes() == b"b"
    assert sorted(both.names) == ["big", "big.csv", "t/a", "t/sub/b é.txt"]


async def test_curl_over_tls(both: Running, files: Path) -> None:
    curl = [program("curl"), "-sS", "--ssl-reqd", "--cacert", str(both.ca), "-u", f"{NAME}:{PASSWORD}"]
    base = f"ftp://localhost:{both.ftp_port}"
    await ran(*curl, "--ftp-create-dirs", "-T", "big", f"{base}/in/big", folder=files)
    await ran(*curl, "-o", "back", f"{base}/in/big", folder=files)
    assert (files / "back").read_bytes() == BIG
    assert both.names == ["in/big"]


async def test_rclone_over_sftp(both: Running, files: Path) -> None:
    rclone = program("rclone")
    hidden = (await ran(rclone, "obscure", PASSWORD, folder=files)).strip()
    remote = f":sftp,host=127.0.0.1,port={both.sftp_port},user={NAME},pass={hidden},shell_type=none:in"
    await ran(rclone, "--config", "/dev/null", "--retries", "1", "copy", ".", remote, folder=files)
    assert (both.root / "in/big").read_bytes() == BIG
    assert sorted(both.names) == ["in/big", "in/tree/a", "in/tree/sub/b é.txt"]


async def _rclone_to_a_new_folder(server: Running, files: Path, tls: str = "") -> None:
    rclone = program("rclone")
    hidden = (await ran(rclone, "obscure", PASSWORD, folder=files)).strip()
    remote = f":ftp,host=127.0.0.1,port={server.ftp_port},user={NAME},pass={hidden}{tls}:new/folder"
    command = [rclone, "--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"]
    await ran(*command, "copy", ".", remote, folder=files)
    assert (server.root / "new/folder/big").read_bytes() == BIG
    names = ["new/folder/big", "new/folder/tree/a", "new/folder/tree/sub/b é.txt"]
    await until(lambda: sorted(server.names) == names)  # FTP answers before it is told
    await ran(*command, "check", "--size-only", ".", remote, folder=files)


async def test_rclone_over_ftp_to_a_folder_that_is_not_there_yet(ftp: Running, files: Path) -> None:
    await _rclone_to_a_new_folder(ftp, files)


async def test_rclone_over_tls_to_a_folder_that_is_not_there_yet(both: Running, files: Path) -> None:
    await _rclone_to_a_new_folder(both, files, ",explicit_tls=true,no_check_certificate=true")


@pytest.mark.parametrize("client", ["lftp", "lftp-without-allo", "curl"])
async def test_a_killed_client_leaves_nothing_over_plain_ftp(ftp: Running, files: Path, client: str) -> None:
    place = f"127.0.0.1:{ftp.ftp_port}"
    allo = "no" if client == "lftp-without-allo" else "yes"
    slow = (
        f"set ftp:ssl-allow no; set ftp:use-allo {allo}; set net:limit-rate 200000; open -u {NAME},'{PASSWORD}' {place}"
    )
    words = {
        "curl": ["curl", "-sS", "--limit-rate", "200k", "-u", f"{NAME}:{PASSWORD}", "-T", "big", f"ftp://{place}/big"],
    }.get(client, ["lftp", "-c", f"{slow}; put big"])
    process = await asyncio.create_subprocess_exec(program(words[0]), *words[1:], cwd=files)
    await until(lambda: any(path.stat().st_size > 0 for path in ftp.hidden))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(lambda: not ftp.hidden)
    assert os.listdir(ftp.root) == []
    assert ftp.landed == []
