"""Whole runs with commands at every moment, over SSH and here: their order, and what keeps after_all away."""

from pathlib import Path

from gateway.jobs.model import Moment
from gateway.jobs.working import Working
from gateway.ledger.job_states import AfterAll, JobState
from tests.jobs.engine_stage import job_stage
from tests.jobs.trigger_stage import trigger
from tests.peers.openssh import SshPeer
from tests.runner.harness import Stage


def real(made: Stage) -> Working:
    return Working(settle=made.engine.settling.look)


def over_ssh(root: Path, peer: SshPeer) -> str:
    (root / "key").write_text(peer.key)
    (root / "key").chmod(0o600)
    (root / "far").mkdir()
    return f"""
[endpoints.ssh]
url = "sftp://{peer.user}@{peer.host}:{peer.port}{root}/far"
key = "file:{root}/key"
host_key = "{peer.host_key}"
[[jobs.prices.destinations]]
endpoint = "ssh"
"""


async def test_commands_run_in_their_order_and_after_all_once_everywhere_with_the_source_last(
    tmp_path: Path, sshd: SshPeer
) -> None:
    told = tmp_path / "told"
    triggers = over_ssh(tmp_path, sshd)
    triggers += trigger(Moment.BEFORE_INDEXING, f"echo new >made.csv; echo before >>{told}")
    triggers += trigger(Moment.AFTER_ENDPOINT, f"ls; echo after ${{PWD##*/}} >>{told}")
    triggers += trigger(Moment.AFTER_ALL, f"echo all ${{PWD##*/}} $JOB_ROLE $JOB_OK $JOB_FAILED >>{told}")
    async with job_stage(tmp_path, ["shop1"], triggers, real=real) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all, row.error) == (JobState.FINISHED, AfterAll.DONE, None)
        assert {state for _, _, state in await made.starts(run)} == {"ok"}
    lines = told.read_text().splitlines()
    assert lines[0] == "before"
    assert sorted(lines[1:3]) == ["after far", "after shop1"]
    assert sorted(lines[3:5]) == ["all far RO 2 0", "all shop1 RO 2 0"]
    assert lines[5:] == ["all prices RW 2 0"]
    assert (tmp_path / "far" / "made.csv").read_text() == "new\n"


async def test_where_after_endpoint_fails_after_all_is_not_run_and_a_restart_of_that_destination_completes_the_run(
    tmp_path: Path, sshd: SshPeer
) -> None:
    triggers = over_ssh(tmp_path, sshd)
    triggers += trigger(Moment.AFTER_ENDPOINT, f"test $PWD != {tmp_path}/far || test -e {tmp_path}/mended")
    triggers += trigger(Moment.AFTER_ALL, f"echo x >>{tmp_path}/count")
    async with job_stage(tmp_path, ["shop1"], triggers, real=real) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED_WITH_ERRORS, AfterAll.NOT_RUN)
        assert await made.states(run) == {"shop1": "delivered", "ssh": "error"}
        assert not (tmp_path / "count").exists()
        (tmp_path / "mended").touch()
        await made.jobs.restart(run, "ssh")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED, AfterAll.DONE)
    assert (tmp_path / "count").read_text() == "x\n" * 3


async def test_before_indexing_that_fails_fails_the_run_and_nothing_is_sent(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], trigger(Moment.BEFORE_INDEXING, "exit 3"), real=real) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.error_class) == (JobState.FAILED, "TriggerFailed")
        assert list((tmp_path / "shop1").iterdir()) == []
