"""The guarantee, with real processes: killed at random moments, nothing is lost, nothing comes twice, nothing is torn.

KILLS, SEED and LANES in the environment make a longer test of it (`make torture`); LANE=2 repeats one lane alone.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.ledger.delivery_row import State
from tests.acceptance.arrivals import Arrivals, arrivals_in
from tests.acceptance.feeding import Feeder
from tests.acceptance.harness import Gateway, until
from tests.acceptance.kills.lane import Lane, run_lane
from tests.acceptance.kills.tally import Tally, shown, total
from tests.acceptance.mortal_sshd import mortal_sshd
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

KILLS = int(os.environ.get("KILLS", "25"))
SEED = int(os.environ.get("SEED", "2"))
LANES = min(int(os.environ.get("LANES", "2")), KILLS)
LANE = os.environ.get("LANE")


def lanes(folder: Path) -> list[Lane]:
    """Gateways side by side, each killed its share of times."""
    shares = [KILLS // LANES + (number < KILLS % LANES) for number in range(LANES)]
    wanted = range(LANES) if LANE is None else [int(LANE)]
    return [Lane(number, SEED, shares[number], folder / f"lane{number}") for number in wanted]


@pytest.mark.timeout(1000 + 8 * KILLS)
@pytest.mark.usefixtures("sshd", "plain_vsftpd")  # each lane has its own: these say whether there are any
def test_a_service_killed_at_random_moments_loses_nothing_and_sends_nothing_twice(tmp_path: Path) -> None:
    tally = killed(lanes(tmp_path))
    print(shown(tally))  # noqa: T201

    assert tally.faults == []
    assert tally.delivered == tally.fed > tally.kills
    assert tally.not_hit == [], "the kills must come in the middle of something"


def killed(wanted: list[Lane]) -> Tally:
    """What came of all lanes; each is a process of its own, so that none holds up another's kills."""
    with ProcessPoolExecutor(len(wanted), multiprocessing.get_context("spawn")) as pool:
        return total(pool.map(run_lane, wanted))


@dataclass
class Route:
    """From an outbox to a watched folder."""

    outbox: Path
    arrivals: Arrivals
    expected: dict[str, str] = field(default_factory=dict)

    def is_over(self) -> bool:
        """Everything has arrived and the sources are gone."""
        assert self.arrivals.torn == []
        return set(self.expected) <= set(self.arrivals.counts) and not any(self.outbox.iterdir())

    def prove(self) -> None:
        """Whole, once, and nothing else."""
        assert self.arrivals.torn == []
        assert {name: n for name, n in self.arrivals.counts.items() if n != 1} == {}
        assert self.arrivals.digests == self.expected
        assert [path.name for path in self.arrivals.folder.iterdir() if path.name.startswith(".")] == []

    def missing(self) -> str:
        """What has not come, for the message."""
        left = sorted(path.name for path in self.outbox.iterdir())
        return f"missing {sorted(set(self.expected) - set(self.arrivals.counts))}, left in the outbox {left}"


@pytest.fixture
def routes(gateway: Gateway, sshd: SshPeer, plain_vsftpd: FtpPeer, tmp_path: Path) -> Iterator[tuple[Route, Route]]:
    """One route over sshd, whose recipient takes every file at once, and one over vsftpd, where they stay."""
    with ExitStack() as stack:
        shell = stack.enter_context(arrivals_in(sshd.folder / tmp_path.name, tmp_path / "taken"))
        plain = stack.enter_context(arrivals_in(plain_vsftpd.folder / tmp_path.name))
        gateway.sftp("shell", sshd, shell.folder)
        gateway.ftp("plain", plain_vsftpd, f"{plain_vsftpd.path}/{tmp_path.name}")
        for endpoint in ("shell", "plain"):
            gateway.polled(f"to_{endpoint}", endpoint, "PUT -DEL *", "@retry_delay 1s\n")
        yield Route(gateway.outbox("shell"), shell), Route(gateway.outbox("plain"), plain)


def test_a_service_told_to_stop_finishes_what_is_under_way_and_leaves_nothing_half(
    gateway: Gateway, routes: tuple[Route, Route]
) -> None:
    feeder = _feed(routes, 60, 3.0)
    gateway.start()
    until(lambda: len(routes[0].arrivals.counts) > 3, gateway.told)

    assert gateway.stop() == 0

    assert {row.state for row in gateway.deliveries()} == {State.DONE}
    feeder.finish()
    gateway.start()
    _all_over(gateway, routes)
    _proved(gateway, routes)


def test_a_server_killed_and_restarted_costs_only_time(gateway: Gateway, tmp_path: Path) -> None:
    with mortal_sshd(tmp_path / "sshd") as server, arrivals_in(server.peer.folder, tmp_path / "taken") as arrivals:
        gateway.sftp("shell", server.peer, arrivals.folder)
        gateway.polled("to_shell", "shell", "PUT -DEL *", "@retry_delay 1s\n@retries 8\n")
        route = Route(gateway.outbox("shell"), arrivals)
        gateway.start()
        feeder = _feed((route,), 100, 4.0)
        until(lambda: len(arrivals.counts) > 20, gateway.told)
        server.kill()
        server.start_again()
        feeder.finish()
        _all_over(gateway, (route,))
        _proved(gateway, (route,))


def _feed(routes: tuple[Route, ...], count: int, over_s: float) -> Feeder:
    """Start feeding; what is fed is what is expected."""
    feeder = Feeder([route.outbox for route in routes], count, SEED, over_s=over_s)
    for route in routes:
        route.expected = feeder.digests[route.outbox]
    return feeder.start()


def _all_over(gateway: Gateway, routes: tuple[Route, ...]) -> None:
    for route in routes:
        until(route.is_over, lambda route=route: f"{route.missing()}\n{gateway.told()}")  # type: ignore[misc]


def _proved(gateway: Gateway, routes: tuple[Route, ...]) -> None:
    """By the recipients' folders, and the ledger says the same."""
    until(lambda: all(row.state in (State.DONE, State.FAILED) for row in gateway.deliveries()), gateway.told)
    for route in routes:
        route.prove()
    done = [row.intent.source for row in gateway.deliveries(state=State.DONE)]
    assert len(done) == len(set(done)) == sum(len(route.expected) for route in routes)
    assert gateway.stop() == 0
