"""Blocks of files that were freed are used again."""

import subprocess
import sys

_FAULTS = """
import resource, sys
from gateway.core.heap import keep_freed_blocks

def carry():
    for _ in range(20):
        blocks = [bytearray(1024 * 1024) for _ in range(4)]
        del blocks

if sys.argv[1:]:
    keep_freed_blocks()
carry()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
carry()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_blocks_that_were_freed_cost_no_new_pages() -> None:
    assert _faults("kept") < 100 < 1000 < _faults()


def _faults(*words: str) -> int:
    line = [sys.executable, "-c", _FAULTS, *words]
    return int(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
