"""Sources that are links: sent where the endpoint says so, and the link itself goes with -DEL."""

from pathlib import Path

from gateway.runner.due import Outcome
from tests.runner.harness import stage, tree, write


async def test_what_a_link_leads_to_is_sent_and_only_the_link_is_removed(tmp_path: Path) -> None:
    async with stage(tmp_path, endpoint="follow_links = true") as act:
        kept = write(tmp_path / "elsewhere" / "data", "content")
        (act.outbox / "a.csv").symlink_to(kept)
        (act.outbox / "b.csv").symlink_to("../elsewhere/data")
        result = await act.run("PUT a.csv copy.csv\nPUT -DEL *.csv")
        assert (result.outcome, result.files) == (Outcome.DONE, 3), result.error
        assert tree(act.far) == {"a.csv": "content", "b.csv": "content", "copy.csv": "content"}
        assert (list(act.outbox.iterdir()), kept.read_text()) == ([], "content")


async def test_a_link_is_not_sent_where_nobody_said_so(tmp_path: Path) -> None:
    async with stage(tmp_path) as act:
        (act.outbox / "a.csv").symlink_to(write(tmp_path / "data"))
        assert (await act.run("PUT -DEL *.csv")).outcome is Outcome.NOTHING
