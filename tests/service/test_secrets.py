"""Secrets that are mended or changed on disk while the gateway works: they count from the next login on."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest

from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock, SystemClock, TurnedClock
from gateway.core.errors import NeedsOperator, PathRefused, Refused, Retryable
from gateway.endpoints.pool import Pool
from gateway.ledger import Connection
from gateway.service.engine import Engine, engine
from gateway.service.secrets import mended
from tests.peers.hung_mount import hung_mount, hung_threads
from tests.peers.ssh_servers import PASSWORD, Account, asyncssh_sftp

T = TypeVar("T")


class Rotating(Account):
    """Takes the password of today."""

    password = PASSWORD

    def __init__(self) -> None:
        self.logins = 0

    def validate_password(self, username: str, password: str) -> bool:
        self.logins += 1
        return password == self.password


@asynccontextmanager
async def acme(
    folder: Path, account: Rotating, *, mode: int = 0o600, clock: Clock | None = None
) -> AsyncIterator[Engine]:
    """An engine with one endpoint, whose password is kept in `folder/secret`."""
    async with asyncssh_sftp(folder, account=lambda: account) as peer:
        keep(folder, PASSWORD, mode)
        main = folder / "gateway.toml"
        main.write_text(
            f'[endpoints.acme]\nurl = "sftp://{peer.user}@127.0.0.1:{peer.port}/"\n'
            f'password = "file:secret"\nhost_key = "{peer.host_key}"\n'
        )
        async with engine(load(main, {}), clock or SystemClock(), "test") as made:
            yield made


def keep(folder: Path, password: str, mode: int = 0o600) -> None:
    """As a whole, a while ago."""
    (folder / "secret").write_text(password)
    (folder / "secret").chmod(mode)
    age(folder)


def age(folder: Path, by_s: float = 2.0) -> None:
    then = time.time() - by_s
    os.utime(folder / "secret", (then, then))


async def logs_in(pool: Pool) -> bool:
    async with pool.session("acme", fresh=True) as peer:
        return [entry async for entry in peer.scan("/")] == []


async def test_a_key_file_that_got_its_mode_is_taken_at_the_next_try(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating(), mode=0o644) as made:
        for _ in range(2):
            with pytest.raises(PathRefused, match="has mode 0644: everybody can read it; run: chmod 600"):
                await logs_in(made.pool)
        (tmp_path / "secret").chmod(0o600)
        assert await logs_in(made.pool)


async def test_what_a_secret_lacks_now_is_told_not_what_it_lacked_at_the_start(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating(), mode=0o644) as made:
        (tmp_path / "secret").unlink()
        with pytest.raises(NeedsOperator, match="secret does not exist"):
            await logs_in(made.pool)


async def test_a_password_changed_at_both_ends_is_taken_without_a_reload(tmp_path: Path) -> None:
    account = Rotating()
    async with acme(tmp_path, account) as made:
        assert await logs_in(made.pool)
        account.password = "of tomorrow"
        keep(tmp_path, "of tomorrow")
        assert await logs_in(made.pool)
    assert account.logins == 2, "the old one was not tried again"


async def test_a_secret_that_can_not_be_read_for_a_while_leaves_the_endpoint_with_the_one_it_has(
    tmp_path: Path,
) -> None:
    async with acme(tmp_path, Rotating()) as made:
        (tmp_path / "secret").unlink()
        assert await logs_in(made.pool)


async def test_a_secret_is_not_taken_while_it_is_written(tmp_path: Path) -> None:
    account = Rotating()
    async with acme(tmp_path, account) as made:
        with (tmp_path / "secret").open("w") as file:
            assert await logs_in(made.pool)
            file.write("of tom")
            file.flush()
            assert await logs_in(made.pool)
            age(tmp_path)
            file.write("orrow")
        assert await logs_in(made.pool)
        account.password = "of tomorrow"
        age(tmp_path)
        assert await logs_in(made.pool)


async def test_an_empty_secret_is_none_however_old_it_is(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating()) as made:
        keep(tmp_path, "")
        assert await logs_in(made.pool)


async def test_a_secret_that_changes_under_the_read_is_left_for_the_next_loan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acme(tmp_path, Rotating()) as made:
        keep(tmp_path, "of tom")
        whole = Loaded.secret

        def overtaken(loaded: Loaded, text: str) -> str:
            found = whole(loaded, text)
            keep(tmp_path, PASSWORD)
            return found

        monkeypatch.setattr(Loaded, "secret", overtaken)
        assert await logs_in(made.pool)


async def test_what_works_is_kept_while_a_secret_is_written_as_all_are_read(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating()) as made:
        (tmp_path / "secret").write_text(PASSWORD)
        await made.learn()
        (tmp_path / "secret").write_text("of tom")
        await made.learn()
        assert made.pool.place("acme").password == PASSWORD, "what works is kept"
        age(tmp_path)
        await made.learn()
        assert made.pool.place("acme").password == "of tom"


async def test_a_secret_that_a_loan_took_while_all_were_read_again_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Rotating()
    async with acme(tmp_path, account) as made:
        whole = made.ledger.read

        async def overtaken(work: Callable[[Connection], T]) -> T:
            """All secrets have been read, none is taken yet."""
            monkeypatch.setattr(made.ledger, "read", whole)
            account.password = "of tomorrow"
            keep(tmp_path, "of tomorrow")
            await made.pool.look_again("acme")
            return await whole(work)

        monkeypatch.setattr(made.ledger, "read", overtaken)
        await made.learn()
        assert await logs_in(made.pool)


async def test_a_reload_outlasts_what_was_begun_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with acme(tmp_path, Rotating()) as made:
        begun, goes_on, whole = Event(), Event(), Loaded.secret

        def slow(loaded: Loaded, text: str) -> str:
            monkeypatch.setattr(Loaded, "secret", whole)
            begun.set()
            goes_on.wait(200)
            return whole(loaded, text)

        monkeypatch.setattr(Loaded, "secret", slow)
        learning = asyncio.create_task(made.learn())
        await asyncio.to_thread(begun.wait, 100)
        main = tmp_path / "gateway.toml"
        main.write_text(main.read_text().replace("endpoints.acme", "endpoints.other"))
        reloading = asyncio.create_task(made.reload(load(main, {}), made.actions))
        await asyncio.wait({reloading}, timeout=0.2)
        goes_on.set()
        await asyncio.gather(learning, reloading)
        assert made.pool.place("other").password == PASSWORD


async def test_a_disk_that_does_not_answer_keeps_nobody_from_the_secret_that_was_read(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating()) as made:
        (tmp_path / "secret").unlink()
        os.mkfifo(tmp_path / "secret", 0o600)  # whoever opens it waits for another who writes
        try:
            async with asyncio.timeout(100):
                assert await logs_in(made.pool)
                assert await logs_in(made.pool)
        finally:
            with (tmp_path / "secret").open("w") as pipe:
                pipe.write(PASSWORD)


async def test_secrets_on_a_disk_that_hangs_hold_up_nothing_else(tmp_path: Path) -> None:
    count = (os.cpu_count() or 1) + 4  # what anybody's blocking work has of threads
    names = [f"hung{number}" for number in range(count)]
    disk(tmp_path, names)
    async with many(tmp_path, count) as made:
        with hung_mount(tmp_path / "disk"):
            async with asyncio.timeout(100):
                for _ in range(2):
                    await asyncio.gather(*(made.pool.look_again(name) for name in names))
                    await made.reload(made.loaded, made.actions)
                assert await asyncio.to_thread(lambda: True)
            assert hung_threads(os.getpid()) == count
            assert {made.pool.place(name).password for name in names} == {PASSWORD}, "what was read goes on"


async def test_a_start_waits_for_no_disk_that_keeps_secrets_and_takes_them_once_it_answers(tmp_path: Path) -> None:
    clock = TurnedClock(datetime(2026, 11, 1, tzinfo=UTC))
    with ExitStack() as hung:
        hung.enter_context(hung_mount(disk(tmp_path)))
        async with asyncio.timeout(100), many(tmp_path, 2, clock) as made:
            for name in ("hung0", "hung1"):
                with pytest.raises(Retryable, match=f"endpoint {name}: .*disk/{name} doesn't answer"):
                    made.pool.place(name)
            hung.close()
            beside = asyncio.create_task(mended(made.pool, clock))
            while made.pool.broken:
                await clock.turn(timedelta(seconds=6))
                await asyncio.sleep(0.01)
            assert made.pool.place("hung0").password == PASSWORD
            beside.cancel()


def disk(folder: Path, names: Iterable[str] = ("hung0", "hung1")) -> Path:
    """A folder with the secrets of all these endpoints."""
    made = folder / "disk"
    made.mkdir(exist_ok=True)
    for name in names:
        (made / name).write_text(PASSWORD)
        (made / name).chmod(0o600)
        os.utime(made / name, (0, 0))
    return made


@asynccontextmanager
async def many(folder: Path, count: int, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """An engine with endpoints whose passwords are kept in `folder/disk`."""
    names = [f"hung{number}" for number in range(count)]
    main = folder / "gateway.toml"
    main.write_text(
        "".join(f'[endpoints.{name}]\nurl = "ftp://u@127.0.0.1/"\npassword = "file:disk/{name}"\n' for name in names)
    )
    async with engine(load(main, {}), clock or SystemClock(), "test") as made:
        yield made


async def test_a_removed_endpoint_stays_removed_when_its_secret_changes(tmp_path: Path) -> None:
    async with acme(tmp_path, Rotating()) as made:
        main = tmp_path / "gateway.toml"
        main.write_text(main.read_text().replace("endpoints.acme", "endpoints.other"))
        await made.reload(load(main, {}), made.actions)
        keep(tmp_path, "another")
        with pytest.raises(Refused, match="no endpoint has this name; known are other"):
            await logs_in(made.pool)


async def test_an_endpoint_becomes_usable_by_itself_once_its_secret_is_mended(tmp_path: Path) -> None:
    clock = TurnedClock(datetime(2026, 11, 1, tzinfo=UTC))
    async with acme(tmp_path, Rotating(), mode=0o644, clock=clock) as made:
        beside = asyncio.create_task(mended(made.pool, clock))
        (tmp_path / "secret").chmod(0o600)
        await clock.turn(timedelta(seconds=6))
        await asyncio.wait_for(until_whole(made.pool), 100)
        assert made.pool.place("acme").password == PASSWORD
        beside.cancel()


async def until_whole(pool: Pool) -> None:
    while pool.broken:
        await asyncio.sleep(0.01)
