"""Logs: one JSON object a line under systemd or into a file, a readable line on a terminal (DESIGN §6)."""

import asyncio
import atexit
import logging
import sys
import time
from datetime import datetime
from functools import lru_cache
from typing import TextIO

import structlog

from gateway.core.colour import takes_colour


def configure_logs(*, verbose: bool = False, as_json: bool | None = None, quiet: bool = False) -> None:
    """Send our lines to standard error; `as_json` None decides by whether that is a terminal.

    `quiet`: only what must not be missed, for commands that say themselves what they did.
    """
    to_json = not sys.stderr.isatty() if as_json is None else as_json
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
    lines = Lines(sys.stderr)
    atexit.register(lines.flush)
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if to_json
        else structlog.dev.ConsoleRenderer(
            colors=takes_colour(sys.stderr), pad_event_to=28, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _whole_time if to_json else _short_time,
            structlog.processors.format_exc_info if to_json else _visible,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.ERROR)


def _short_time(
    _logger: structlog.types.WrappedLogger, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    event["timestamp"] = datetime.now().astimezone().strftime("%H:%M:%S")
    return event


def _whole_time(
    _logger: structlog.types.WrappedLogger, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    now = time.time()
    before, behind = _second(int(now))
    event["timestamp"] = f"{before}.{int(now % 1 * 1000):03}{behind}"
    return event


@lru_cache(maxsize=1)
def _second(seconds: int) -> tuple[str, str]:
    """What stands in front of the milliseconds and behind them; many lines are of one second."""
    text = datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]


def _visible(
    _logger: structlog.types.WrappedLogger, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Control characters as their escapes: a file name can't rewrite the terminal that shows it."""
    return {key: _printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


class Lines:
    """Writes log lines; those of one turn of the event loop together, as a thousand files may arrive in one.

    A line that is worse than a warning doesn't wait.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._held: list[str] = []

    def msg(self, line: str) -> None:
        """Write it at the end of this turn; now where no loop runs."""
        self._held.append(line)
        if len(self._held) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()

    debug = info = warning = warn = msg

    def error(self, line: str) -> None:
        """Write it now."""
        self._held.append(line)
        self.flush()

    critical = fatal = failure = err = exception = error

    def flush(self) -> None:
        """Write what is held."""
        held, self._held = self._held, []
        if held:
            self._out.write("\n".join(held) + "\n")
            self._out.flush()
