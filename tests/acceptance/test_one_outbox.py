"""One gateway for each outbox, also where two have state folders of their own."""

from pathlib import Path

from tests.acceptance.harness import Gateway, gateway_in


def _sends_from(gateway: Gateway, outbox: Path, far: Path) -> None:
    gateway.set("endpoints.far", url=f"file://{far}", outbox=str(outbox))
    gateway.polled("send", "far", "PUT -DEL *.csv")


def test_a_second_service_on_an_outbox_is_refused_and_names_the_first(gateway: Gateway, tmp_path: Path) -> None:
    outbox, far = tmp_path / "outbox", tmp_path / "far"
    far.mkdir()
    _sends_from(gateway, outbox, far)
    gateway.start()
    assert gateway.process is not None
    with gateway_in(tmp_path / "second") as second:
        _sends_from(second, outbox, far)

        refused = second.run("serve")

    assert refused.returncode == 7
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith(f"gateway: {outbox}: another gateway (pid {gateway.process.pid}) sends from this outbox")
    assert gateway.process.poll() is None
