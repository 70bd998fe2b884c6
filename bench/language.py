"""How long it takes to read and check scripts: 10,000 lines after start-up, and one script from a cold start."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINES = 10_000

_ONE = "# Orders\n@endpoint  acme\n@schedule  on file polling continuously\n\nPUT -DEL *.csv /in/\n"
_COLD = """
import sys
from gateway.language.check import check
from gateway.language.parse import parse_action
from gateway.language.world import EndpointFacts, World
world = World(endpoints={"acme": EndpointFacts(scheme="sftp")})
sys.exit(bool(check(parse_action(sys.argv[1], "orders.act"), world)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds, the best of a few."""

    parse_s: float
    check_s: float
    cold_script_s: float
    cold_python_s: float

    @property
    def lines_per_s(self) -> float:
        """Lines that are parsed and checked in a second, once the program runs."""
        return LINES / (self.parse_s + self.check_s)


def measure(repeats: int = 3) -> Figures:
    """Measure on this machine, now."""
    from gateway.language.check import check
    from gateway.language.parse import parse_action
    from gateway.language.world import EndpointFacts, World

    world = World(endpoints={"acme": EndpointFacts(scheme="sftp", exec=True, outbox="/g/out", inbox="/g/in")})
    text = "\n".join(script(LINES))
    check(parse_action(_ONE, "orders.act"), world)  # start-up: the grammars are made once
    parse_s, check_s = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        parsed = parse_action(text, "large.act")
        middle = time.perf_counter()
        check(parsed, world)
        parse_s.append(middle - start)
        check_s.append(time.perf_counter() - middle)
    return Figures(
        parse_s=min(parse_s),
        check_s=min(check_s),
        cold_script_s=min(_run([sys.executable, "-c", _COLD, _ONE]) for _ in range(repeats)),
        cold_python_s=min(_run([sys.executable, "-c", "pass"]) for _ in range(repeats)),
    )


def measure_command(repeats: int = 3) -> float:
    """Seconds of a whole `gateway check` of one script, configuration included; the best of a few."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "actions").mkdir()
        (Path(folder) / "actions" / "copy.act").write_text("LCOPY -DEL in/* out/\n")
        (Path(folder) / "gateway.toml").write_text('[gateway]\nactions = ["actions"]\n')
        command = [sys.executable, "-m", "gateway", "--config", f"{folder}/gateway.toml", "check"]
        return min(_run(command) for _ in range(repeats))


def script(lines: int) -> Iterator[str]:
    """The lines of a large script: every common kind, no two alike."""
    yield "@endpoint  acme"
    yield "@schedule  on file polling continuously"
    for number in range(lines // 5):
        yield f'PUT -DEL -REC "out {number}/*.csv" /in/{number}/%sourcefile%'
        yield f"GET -DEL /from/{number}/*.xml"
        yield f"SET retries={number % 9}"
        yield f"LCOPY -DEL [in_{number}.*\\.edi] %outbox%/{number}/"
        yield f"CHECK -FIL logs/{number}/*.log Age=>1D, Count=3 ConditionsMet=Warning"


def _run(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the figures."""
    found = measure()
    print(f"{LINES} lines: parsed in {found.parse_s:.2f} s, checked in {found.check_s:.2f} s")
    print(f"{found.lines_per_s:.0f} lines a second")
    print(f"one script from a cold start: {found.cold_script_s * 1000:.0f} ms")
    print(f"an empty Python: {found.cold_python_s * 1000:.0f} ms")


if __name__ == "__main__":
    main()
