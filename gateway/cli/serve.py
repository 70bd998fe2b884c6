"""`gateway serve`."""

from typing import Annotated

import typer

VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log every step of every delivery, too.")]
JsonLogsOption = Annotated[
    bool | None, typer.Option("--json-logs/--readable-logs", help="By default JSON unless a terminal reads.")
]


def serve(verbose: VerboseOption = False, json_logs: JsonLogsOption = None) -> None:
    """Run the gateway: scheduler and embedded servers, until SIGTERM or Ctrl-C; SIGHUP reloads."""
    from gateway.cli.why_answer import answer_why
    from gateway.config.load import load
    from gateway.core.clock import SystemClock
    from gateway.service.event_loop import serve_to_end
    from gateway.service.logs import configure_logs
    from gateway.service.serve import serve as serve_until_told

    configure_logs(verbose=verbose, as_json=json_logs)
    loaded = load()
    serve_to_end(serve_until_told(loaded, SystemClock(), tellers={"why": answer_why}))
