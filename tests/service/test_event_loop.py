"""A process that serves ends, whatever hangs in its threads."""

import subprocess
import sys

import pytest

_PROGRAM = """
import asyncio, sys, threading
from concurrent.futures import ThreadPoolExecutor
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.service.event_loop import serve_to_end

async def work():
    threads = THREADS
    asyncio.get_running_loop().run_in_executor(threads, threading.Event().wait)
    raise ERROR

try:
    serve_to_end(work())
except GatewayError as error:
    print("gateway:", error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


@pytest.mark.parametrize("threads", ["None", "ThreadPoolExecutor(1)"])  # asyncio's own, and others
@pytest.mark.parametrize(("error", "code"), [("NeedsOperator('no more')", 7), ("ValueError('no more')", 1)])
def test_what_fails_while_a_thread_hangs_ends_all_the_same_and_is_told_once(
    threads: str, error: str, code: int
) -> None:
    program = _PROGRAM.replace("THREADS", threads).replace("ERROR", error)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1].partition(": ")[2]) == (code, "no more")
    assert done.stderr.count(": no more") == 1
