"""A gateway goes on while a file server hangs: it stops when it is told to, and starts."""

from functools import partial
from pathlib import Path

import pytest

from gateway.ledger import channel_states
from tests.acceptance.harness import Gateway, until
from tests.peers.hung_mount import hung_mount


@pytest.mark.parametrize("asked", ["detect", "deliver-now"])
def test_a_gateway_whose_catalogue_hangs_can_be_stopped_and_started(
    gateway: Gateway, tmp_path: Path, asked: str
) -> None:
    titles, far = tmp_path / "titles", tmp_path / "far"
    far.mkdir()
    (titles / "978").mkdir(parents=True)
    (titles / "978" / "book.epub").write_text("text")
    gateway.set("gateway", stable_for="0s")
    gateway.set("endpoints.far", url=f"file://{far}")
    gateway.set("catalogues.titles", path=str(titles), metadata=["*.xml"])
    gateway.set("channels.shop", endpoint="far", catalogue="titles", start="all")
    gateway.start()
    state = partial(channel_states.get, channel="shop")
    until(lambda: gateway.read(state).begun_at is not None, gateway.told, 20)
    with hung_mount(titles):
        asking = gateway.begin("channel", asked, "shop", log=tmp_path / "asked.log")
        until(lambda: hangs(gateway), gateway.told, 20)
        assert gateway.stop() == 0
        assert asking.wait(20) != 0
        gateway.start()
        assert gateway.stop() == 0


def hangs(gateway: Gateway) -> bool:
    """True while one of its threads waits for a server that is gone."""
    assert gateway.process is not None
    threads = Path(f"/proc/{gateway.process.pid}/task").iterdir()
    return any("fuse" in (one / "wchan").read_text() for one in threads)
