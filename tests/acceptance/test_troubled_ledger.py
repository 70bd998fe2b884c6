"""A ledger that can't be written or read stops the intake, says what to do, and loses nothing."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.ledger.database import FILE_NAME
from tests.acceptance.arrivals import arrivals_in
from tests.acceptance.harness import Gateway, until
from tests.peers.openssh import SshPeer

PAGE_BYTES = 4096


@contextmanager
def locked(ledger: Path) -> Iterator[None]:
    """Another program holds the write lock: a backup that hangs, somebody's open shell."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def copy_of(ledger: Path, copy: Path) -> Path:
    """A copy as SQLite makes one, whatever is written meanwhile."""
    with closing(sqlite3.connect(ledger)) as connection, closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    return copy


def damage(ledger: Path) -> None:
    """Overwrite every page but the first, under the eyes of whoever has it open."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("BEGIN IMMEDIATE")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        with ledger.open("rb+") as file:
            file.seek(PAGE_BYTES)
            file.write(b"\xa5" * PAGE_BYTES * (pages - 1))
            os.fsync(file.fileno())
        connection.execute("PRAGMA user_version=1")
        connection.execute("COMMIT")


def test_a_ledger_that_another_program_keeps_locked_stops_the_intake_until_it_is_free(
    gateway: Gateway, sshd: SshPeer, tmp_path: Path
) -> None:
    with arrivals_in(sshd.folder / tmp_path.name) as arrivals:
        gateway.sftp("partner", sshd, arrivals.folder)
        gateway.polled("send", "partner", "PUT -DEL *")
        gateway.drop("partner", "before.csv", b"before")
        gateway.start()
        gateway.finished(gateway.outbox("partner") / "before.csv")

        with locked(gateway.state / FILE_NAME):
            later = gateway.drop("partner", "later.csv", b"later")
            said = gateway.says("run could not begin", 30, action="send")["error"]
            assert said == (
                f"{gateway.state / FILE_NAME}: another program keeps the ledger locked; end it; "
                "no new file is taken until this is solved"
            )
            status = gateway.run("status")
            assert (status.returncode, status.stdout.splitlines()[0]) == (0, f"LEDGER: {said}")
            assert set(arrivals.counts) == {"before.csv"}

        gateway.finished(later, 40)
        assert arrivals.counts == {"before.csv": 1, "later.csv": 1}
        assert gateway.stop() == 0


def test_a_ledger_that_is_damaged_while_it_is_served_stops_the_intake(
    gateway: Gateway, sshd: SshPeer, tmp_path: Path
) -> None:
    ledger = gateway.state / FILE_NAME
    with arrivals_in(sshd.folder / tmp_path.name) as arrivals:
        gateway.sftp("partner", sshd, arrivals.folder)
        gateway.polled("send", "partner", "PUT -DEL *")
        gateway.drop("partner", "before.csv", b"before")
        gateway.start()
        gateway.finished(gateway.outbox("partner") / "before.csv")
        copied = copy_of(ledger, tmp_path / "copy")
        damage(ledger)
        later = gateway.drop("partner", "later.csv", b"later")
        damaged = f"{ledger}: the ledger is damaged (database disk image is malformed); copy it, then mend it with "
        until(lambda: damaged in gateway.log_text(), gateway.told)
        told = [line for line in gateway.log("helper failed, starts again") if line["what"] == "requests"]
        assert all(line["error"].startswith(damaged) for line in told)
        status = gateway.run("status")
        assert (status.returncode, status.stderr.startswith(f"gateway: {damaged}")) == (7, True)
        gateway.kill()
        refused = gateway.run("serve")
        assert (refused.returncode, refused.stderr.splitlines()[-1].startswith(f"gateway: {damaged}")) == (7, True)
        assert (later.exists(), set(arrivals.counts)) == (True, {"before.csv"})

        for rest in gateway.state.glob(f"{FILE_NAME}*"):
            rest.unlink()
        shutil.copy(copied, ledger)
        gateway.start()
        gateway.finished(later)
        assert arrivals.counts == {"before.csv": 1, "later.csv": 1}
        assert gateway.stop() == 0
