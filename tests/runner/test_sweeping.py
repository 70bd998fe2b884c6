"""What failed deliveries leave behind is cleared away once their endpoint lets us."""

from pathlib import Path

from gateway.core.errors import LinkLost, PathRefused
from gateway.runner.sweeping import Sweeping
from tests.runner.harness import stage, tree, write


async def test_a_partial_that_could_not_be_removed_goes_once_the_endpoint_answers(tmp_path: Path) -> None:
    async with stage(tmp_path) as act:
        broken = True

        async def before(call: str, path: str) -> None:
            if broken and call == "remove":
                raise LinkLost("the line is cut")
            if broken and call == "stat" and path.endswith(".part"):
                raise PathRefused("no looking here")

        act.disturb(before)
        write(act.outbox / "a.csv")
        await act.run("@endpoint far\n@retries 0\nPUT -DEL a.csv")
        assert any(name.endswith(".part") for name in tree(act.far))
        sweeping = Sweeping(lambda: act.engine.runner.services)
        await sweeping.look()
        assert any(name.endswith(".part") for name in tree(act.far)), "the link is still cut"
        broken = False
        await sweeping.look()
        assert tree(act.far) == {}
        assert tree(act.outbox) == {"a.csv": "content"}
