"""-MIR deletes at the destination what the source lacks, and nothing that is merely not sent."""

from gateway.runner.due import Outcome
from tests.runner.harness import Stage, tree, write


async def test_mir_spares_names_that_the_source_has_though_they_are_not_sent(turned: Stage) -> None:
    write(turned.outbox / "tree/sent", "new")
    (turned.outbox / "tree/linked").symlink_to(turned.root / "elsewhere")
    write(turned.far / "mir/linked", "what stood there as a file before")
    write(turned.far / "mir/extra", "gone from the source")
    result = await turned.run("@delete_limit 10\nPUT -REC -MIR tree/ mir/")
    assert result.outcome is Outcome.DONE, result.error
    assert tree(turned.far / "mir") == {"linked": "what stood there as a file before", "sent": "new"}
