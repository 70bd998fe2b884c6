"""Logs: one JSON object a line under systemd or into a file, a readable line on a terminal (DESIGN §6)."""

import logging
import sys
from datetime import datetime

import structlog


def configure_logs(*, verbose: bool = False, as_json: bool | None = None, quiet: bool = False) -> None:
    """Send our lines to standard error; `as_json` None decides by whether that is a terminal.

    `quiet`: only what must not be missed, for commands that say themselves what they did.
    """
    to_json = not sys.stderr.isatty() if as_json is None else as_json
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if to_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=28, exception_formatter=structlog.dev.plain_traceback
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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
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
    event["timestamp"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return event


def _visible(
    _logger: structlog.types.WrappedLogger, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Control characters as their escapes: a file name can't rewrite the terminal that shows it."""
    return {key: _printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
