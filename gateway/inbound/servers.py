"""Both embedded servers as one thing that starts and stops with the gateway."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import structlog

from gateway.config.schema import InboundSettings
from gateway.core.errors import NeedsOperator
from gateway.inbound.accounts import Account, Accounts
from gateway.inbound.book import Book
from gateway.inbound.ends import Ends
from gateway.inbound.ftp_server import FtpServer
from gateway.inbound.landing import leftovers
from gateway.inbound.sftp_server import SftpServer
from gateway.inbound.visits import Refusals
from gateway.ledger.partner_files import Act

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_S = 5.0
_SLOW = "the folder of a partner does not answer, served without waiting for it: check the server it is mounted from"


def _harmless(landed: Callable[[str], None]) -> Callable[[str], None]:
    """The file is stored: a client must not be told otherwise, or it sends it again."""

    def told(path: str) -> None:
        try:
            landed(path)
        except Exception:
            log.exception("could not tell of a file that landed; the next look finds it", path=path)

    return told


class InboundServers:
    """The configured servers; `landed` is called with the path of each file that is complete, from any thread.

    What partners do goes into `book`, which is kept by somebody else.
    """

    def __init__(
        self,
        config: InboundSettings,
        root: Path,
        state: Path,
        landed: Callable[[str], None],
        book: Book | None = None,
    ) -> None:
        self._config = config
        self._book = book
        self._root = root
        self._state = state
        self._landed = _harmless(landed)
        self._refusals = Refusals()
        self._sftp: SftpServer | None = None
        self._ftp: FtpServer | None = None
        self._accounts: Accounts | None = None

    @property
    def sftp_address(self) -> tuple[str, int] | None:
        """Where SFTP listens, None if it doesn't; tells the port that was given for port 0."""
        return self._sftp.address if self._sftp else None

    @property
    def ftp_address(self) -> tuple[str, int] | None:
        """The same for FTP."""
        return self._ftp.address if self._ftp else None

    async def start(self) -> None:
        """Make the accounts' folders, remove what a kill left behind, listen.

        Raises NeedsOperator or Refused, nothing listening then.
        """
        ends = Ends(await self._book.under_way() if self._book is not None else (), self._note)
        if self._config.sftp is None and self._config.ftp is None:
            ends.of_nobody(set())
            return
        accounts = await asyncio.to_thread(Accounts, self._config.users, self._root)
        ends.of_nobody({account.name for account in accounts.all})
        await _in_each(accounts, partial(_prepare, ends=ends))
        self._accounts = accounts
        try:
            if self._config.sftp is not None:
                self._sftp = SftpServer(
                    self._config.sftp, accounts, self._root, self._state, self._landed, self._refusals, self._note
                )
                await self._sftp.start()
            if self._config.ftp is not None:
                self._ftp = FtpServer(self._config.ftp, accounts, self._root, self._landed, self._refusals, self._note)
                await self._ftp.start()
        except BaseException:
            await self.stop()
            raise

    def _note(self, act: Act) -> None:
        if self._book is not None:
            self._book.note(act)

    async def renew(self, config: InboundSettings) -> tuple[str, ...]:
        """Accounts are as in `config` from now on, and a renewed certificate is shown; uploads under way go on.

        Returns what only a restart takes in.  Raises as `start`, nothing changed then.
        """
        if self._accounts is not None:
            fresh = await asyncio.to_thread(Accounts, config.users, self._root)
            await _in_each(fresh, _make_root)
            self._accounts.renew(fresh)
        is_same_key = await self.look_at_keys()
        is_same = (config.sftp, config.ftp) == (self._config.sftp, self._config.ftp)
        return (
            *(() if is_same else ("[inbound]",)),
            *(() if is_same_key else ("the SFTP server's host key (see the log first)",)),
        )

    async def look_at_keys(self) -> bool:
        """Show a renewed certificate to new FTP sessions; False if the SFTP server's key is no more the one served."""
        if self._ftp is not None:
            await asyncio.to_thread(self._ftp.renew_certificate)
        return self._sftp is None or await asyncio.to_thread(self._sftp.key.is_same)

    async def stop(self) -> None:
        """Close every connection; an upload that is not finished leaves nothing behind.  A second call does nothing."""
        if self._ftp is not None:
            await self._ftp.stop()
        if self._sftp is not None:
            await self._sftp.stop()
        self._sftp, self._ftp = None, None
        self._refusals.tell_rest()


async def _in_each(accounts: Accounts, work: Callable[[Account], None]) -> None:
    """Do it for all accounts at once; one whose folder hangs is told, and left to itself."""
    if not accounts.all:
        return
    threads = ThreadPoolExecutor(len(accounts.all), "inbound-folders")
    calls = {threads.submit(work, account): account for account in accounts.all}
    threads.shutdown(wait=False)
    waiting = [asyncio.wrap_future(call) for call in calls]
    done, slow = await asyncio.wait(waiting, timeout=ANSWERS_WITHIN_S)
    for late in slow:
        late.cancel()
    for call, account in calls.items():
        if not call.done():
            log.error(_SLOW, user=account.name, folder=str(account.root))
            call.add_done_callback(partial(_tell_late, account))
    failed = [error for ended in waiting if ended in done and (error := ended.exception()) is not None]
    if failed:
        raise failed[0]


def _tell_late(account: Account, call: "Future[None]") -> None:
    """In the thread, once the folder answers."""
    error = call.exception()
    if error is None:
        log.info("the folder of a partner answers now", user=account.name, folder=str(account.root))
    else:
        log.error("the folder of a partner can't be used", user=account.name, error=str(error))


def _prepare(account: Account, ends: Ends) -> None:
    """The account's folder, without what a kill left in it, after a look at what became of it."""
    _make_root(account)
    ends.of(account.name)
    try:
        for left in leftovers(account.root):
            left.unlink(missing_ok=True)
    except OSError as problem:
        raise _unusable(account, problem) from problem


def _make_root(account: Account) -> None:
    try:
        account.root.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as problem:
        raise _unusable(account, problem) from problem


def _unusable(account: Account, problem: OSError) -> NeedsOperator:
    return NeedsOperator(
        f"[inbound.users.{account.name}] root: the folder {account.root} can't be used: {problem.strerror}; "
        "let the gateway's user write there, or correct the line"
    )
