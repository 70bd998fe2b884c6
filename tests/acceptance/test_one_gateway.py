"""One gateway for each state folder, and a state folder that can be written."""

from pathlib import Path

from tests.acceptance.harness import Gateway, gateway_in, without_override


def test_a_second_service_on_a_state_folder_is_refused_and_names_the_first(gateway: Gateway, tmp_path: Path) -> None:
    gateway.start()
    assert gateway.process is not None
    with gateway_in(tmp_path / "second") as second:
        second.set("gateway", state=str(gateway.state))

        refused = second.run("serve")

    assert refused.returncode == 7
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith(f"gateway: {gateway.state}: `gateway serve` (pid {gateway.process.pid}, started ")
    assert "end it first, or give this gateway a state folder of its own" in said
    assert gateway.process.poll() is None
    gateway.kill()
    assert gateway.start().stop() == 0


def test_a_ledger_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    with gateway_in(tmp_path / "gateway", before=without_override()) as gateway:
        gateway.start()
        assert gateway.stop() == 0
        ledger = gateway.state / "ledger.sqlite"
        try:
            for path in gateway.state.iterdir():
                path.chmod(0o400 if path.is_file() else 0o500)
            gateway.state.chmod(0o500)

            refused = gateway.run("serve")
        finally:
            gateway.state.chmod(0o700)
            for path in gateway.state.iterdir():
                path.chmod(0o700)

    assert refused.returncode == 7
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith(f"gateway: {ledger}: the ledger can't be written")
    assert "give our user access" in said
