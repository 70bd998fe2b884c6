"""Names at the endpoint that are no UTF-8, or would rewrite a screen."""

import os

from gateway.runner.due import Outcome
from tests.runner.harness import Stage


async def test_dir_into_a_file_writes_names_that_are_no_utf8_as_they_are(turned: Stage) -> None:
    turned.far.mkdir(exist_ok=True)
    with open(os.path.join(os.fsencode(turned.far), b"bad\xff\xfe.csv"), "wb") as file:
        file.write(b"x")
    result = await turned.run("DIR * names.txt")
    assert result.outcome is not Outcome.FAILED, result.error
    assert b"bad\xff\xfe.csv\n" in (turned.inbox / "names.txt").read_bytes()
