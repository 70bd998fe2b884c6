"""`gateway retry` for a request whose answer was missed: the answer is waited for again, the request not put again."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import Refused
from gateway.service.alone import Alone
from gateway.service.operations_retry import retry
from tests.runner.harness import START, Stage, stage, tree, write

SCRIPT = "PUT+GET -DEL *.req in/ out/%sourcefilebase%.rsp answers/ Wait=60S"


async def _looked(act: Stage, seconds: float) -> int:
    """Look twice, `seconds` apart; how many answers are still awaited."""
    assert isinstance(act.clock, TurnedClock)
    await act.engine.answers.look()
    await act.clock.turn(timedelta(seconds=seconds))
    return await act.engine.answers.look()


async def test_a_missed_answer_that_comes_late_is_fetched_after_retry_without_a_second_put(tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / "far" / name).mkdir(parents=True)
    async with stage(tmp_path, clock=TurnedClock(START)) as act:
        write(act.outbox / "a.req")
        await act.run(SCRIPT)
        act.engine.actions = type(act.engine.actions)(act.instances, {}, ())
        assert await _looked(act, 70) == 0
        [missed] = await act.deliveries()
        assert missed.state == "failed"
        (act.far / "in/a.req").unlink()
        write(act.far / "out/a.rsp", "late")
        said = await retry(Alone(act.engine), str(missed.id), str(missed.id))
        assert "waited for again" in said.lines[0]
        assert await _looked(act, 6) == 0
        assert tree(act.inbox) == {"answers/a.rsp": "late"}
        assert tree(act.far / "in") == {}, "the request was not put again"
        assert [row.state.value for row in await act.deliveries()] == ["done", "done"]
        with pytest.raises(Refused, match="nothing to try again"):
            await retry(Alone(act.engine), str(missed.id), str(missed.id))
