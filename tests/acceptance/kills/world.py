"""One gateway and its partners, in a folder of their own: every kind of command whose outcome the promise names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.harness import Gateway
from tests.acceptance.kills.books import Books
from tests.acceptance.kills.contents import Contents, Mixture
from tests.acceptance.kills.lookout import Lookout
from tests.acceptance.kills.recipient import AT_ONCE, NEVER, SOON, LogRecipient, Recipient, Taking, members
from tests.acceptance.kills.routes import Answering, Route
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.vsftpd import FtpPeer, vsftpd

HEADER = "@stable_for 200ms\n@empty send after 1s\n@retry_delay 1s\n"
POLLED = f"@schedule on file polling continuously\n{HEADER}"
CLOCKED = f"@schedule every 1s\n@stability none\n{HEADER.partition(chr(10))[2]}"
LARGE = Mixture(large_every=12, empty_every=11)
FETCHED = Mixture(large_every=12)
LINES = Mixture(middle_bytes=60_000)
LIGHT = Mixture(middle_bytes=50_000)


@dataclass
class World:
    """What is fed, what is watched, and who is killed."""

    gateway: Gateway
    lookout: Lookout
    contents: Contents
    routes: list[Route]
    books: list[Books]
    recipients: list[Recipient | LogRecipient]
    places: dict[str, Path]
    """Where the paths of each endpoint start on this machine."""

    def faults(self) -> list[str]:
        """What must not be, at any moment."""
        if self.lookout.failure is not None:
            return [f"what arrives can't be counted any more: {self.lookout.failure!r}"]
        return [fault for books in self.books for fault in books.faults()]


@contextmanager
def world_in(folder: Path, seed: str) -> Iterator[World]:
    """With an sshd and a vsftpd of its own; nothing runs yet but they."""
    with ExitStack() as stack:
        sshd = stack.enter_context(openssh_sshd(folder / "sshd"))
        ftpd = stack.enter_context(vsftpd(folder / "vsftpd"))
        lookout = stack.enter_context(Lookout())
        gateway = Gateway(folder / "gateway")
        world = World(
            gateway, lookout, Contents(seed), [], [], [], {"": folder, "shell": sshd.folder, "plain": ftpd.folder}
        )
        _endpoints(gateway, sshd, ftpd)
        _sending(world, sshd.folder, ftpd.folder)
        _fetching(world, sshd.folder, ftpd.folder)
        _local(world)
        _asking(world, sshd.folder)
        for route in world.routes:
            route.begin(lookout)
        gateway.write_config()
        yield world


def _endpoints(gateway: Gateway, sshd: SshPeer, ftpd: FtpPeer) -> None:
    gateway.sftp("shell", sshd, sshd.folder, connects_per_minute=0, sessions=4)
    gateway.ftp("plain", ftpd, ftpd.path, connects_per_minute=0, sessions=4)


def _sending(world: World, shell: Path, plain: Path) -> None:
    sent, posted = world.gateway.outbox("shell"), world.gateway.outbox("plain")
    _action(world, "send", "shell", "PUT -DEL send/*.dat in/")
    _add(world, "send", sent / "send", shell / "in", AT_ONCE, mixture=LARGE)
    _action(world, "post", "plain", "PUT -DEL post/*.dat in/")
    _add(world, "post", posted / "post", plain / "in", SOON, mixture=LARGE, lays=True)
    _action(world, "unique", "shell", "PUT -DEL -UNI unique/*.uni same/all.dat")
    _add(world, "unique", sent / "unique", shell / "same", SOON, mixture=LIGHT, extension="uni")
    for name, endpoint, outbox, there in (("append", "shell", sent, shell), ("append_ftp", "plain", posted, plain)):
        _action(world, name, endpoint, f"PUT -DEL -APE {name}/*.ape log/all.log")
        books = _books(world, name)
        log = LogRecipient(there / "log" / "all.log", books, world.lookout)
        world.recipients.append(log)
        world.routes.append(Route(name, outbox / name, log, books, mixture=LINES, extension="ape"))


def _fetching(world: World, shell: Path, plain: Path) -> None:
    for name, endpoint, there, taking in (("fetch", "shell", shell, SOON), ("collect", "plain", plain, AT_ONCE)):
        _action(world, name, endpoint, "GET -DEL out/*.dat", CLOCKED)
        _add(world, name, there / "out", world.gateway.inbox(endpoint), taking, mixture=FETCHED, renames_in=True)


def _local(world: World) -> None:
    here = world.gateway.folder
    _action(world, "zip", None, "LCOPY -DEL -ZIP zip/in/* zip/out/")
    _add(world, "zip", here / "zip" / "in", here / "zip" / "out", NEVER, mixture=LIGHT, reads=True)
    _action(world, "bundle", None, "LCOPY -DEL -ZIP -UNI bundle/in/* bundle/out/all.zip")
    _add(world, "bundle", here / "bundle" / "in", here / "bundle" / "out", SOON, mixture=LIGHT, reads=True)
    _action(world, "unpack", None, "LCOPY -DEL -UNZ unpack/in/*.zip unpack/out/")
    into = here / "unpack" / "out"
    _add(world, "unpack", here / "unpack" / "in", into, AT_ONCE, mixture=LIGHT, extension="zip", packed=4)


def _asking(world: World, shell: Path) -> None:
    command = "PUT+GET -DEL ask/*.ask questions/ answers/%sourcefilebase%.txt told/ Wait=60S"
    _action(world, "ask", "shell", command)
    asked = _add(
        world,
        "ask",
        world.gateway.outbox("shell") / "ask",
        shell / "questions",
        AT_ONCE,
        mixture=LIGHT,
        extension="ask",
    )
    told = _books(world, "answers")
    asked.on_arrival = Answering(shell / "answers", told, world.contents)
    world.recipients.append(Recipient(world.gateway.inbox("shell") / "told", told, world.lookout, SOON))


def _action(world: World, name: str, endpoint: str | None, command: str, header: str = POLLED) -> None:
    where = f"@endpoint {endpoint}\n" if endpoint else ""
    world.gateway.action(name, f"{where}{header}\n{command}\n", quick=False)


def _books(world: World, name: str) -> Books:
    world.books.append(Books(name))
    return world.books[-1]


def _add(
    world: World, name: str, source: Path, into: Path, taking: Taking, *, reads: bool = False, **more: object
) -> Recipient:
    """A route and who gets its files; `reads`: they come in archives."""
    books = _books(world, name)
    recipient = Recipient(into, books, world.lookout, taking, members if reads else None)
    world.recipients.append(recipient)
    world.routes.append(Route(name, source, recipient, books, **more))  # type: ignore[arg-type]
    return recipient
