"""PUT+GET, the request's side: what stood under the answer's name before the PUT is noted with the request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.core.errors import Refused
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import PutGet
from gateway.ledger import Connection, answers
from gateway.ledger.answers import Awaited
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.intents import Planned
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.runner.targets import join_remote, require_no_collision
from gateway.runner.texts import expanded_path, target_values
from gateway.transfer.blocking import in_thread
from gateway.transfer.intent import Intent
from gateway.transfer.way import stamp_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """The answer to one request: where the peer puts it, where it goes here, and what stood there before."""

    response: str
    local: str
    before: Stamp | None = None


class Requests:
    """The answers that the requests of one PUT+GET wait for."""

    def __init__(self, run: Run, command: PutGet) -> None:
        self._run = run
        self._command = command
        self._wanted: dict[str, Wanted] = {}

    async def prepare(self, planned: Sequence[Planned]) -> list[Intent]:
        """Look at each answer's name before anything is put; the intents, which then await an answer.

        Raises Refused where two requests would have one answer, or two answers one name here.
        """
        wanted = await in_thread(
            self._run.instance.inbox,
            self._run.services.clock,
            lambda _: {one.intent.source: self._wanted_by(one) for one in planned},
        )
        self._require_own_answers(wanted)
        self._wanted = await asked(self._run, lambda peer: _looked_at(peer, wanted))
        return [replace(one.intent, awaits_answer=True) for one in planned]

    def _wanted_by(self, planned: Planned) -> Wanted:
        response = join_remote(self._run.folder, self._expanded(planned, self._command.response.value))
        return Wanted(response, self._local(planned, response))

    def _expanded(self, planned: Planned, text: str) -> str:
        name = planned.intent.source.rpartition("/")[2]
        return expanded_path(text, target_values(self._run, text, name, planned.index))

    def _local(self, planned: Planned, response: str) -> str:
        """Where the answer goes: a folder keeps the answer's own name."""
        text = self._command.local.value if self._command.local is not None else ""
        path = self._run.instance.inbox / self._expanded(planned, text)
        if not text or text.endswith(("/", "\\")) or path.is_dir():
            path = path / response.rpartition("/")[2]
        return str(path)

    def _require_own_answers(self, wanted: dict[str, Wanted]) -> None:
        command = self._command
        by_response: dict[str, str] = {}
        for source, one in wanted.items():
            other = by_response.setdefault(one.response, source)
            if other != source:
                raise Refused(
                    f"{command.span}: PUT+GET: {other} and {source} would wait for one answer, {one.response}; "
                    "put a macro of the request into its name, such as %sourcefilebase%"
                )
        if not command.unique and not command.append:
            what = f"{command.span}: PUT+GET: the answers to"
            require_no_collision(what, {source: one.local for source, one in wanted.items()})

    def noted(self, connection: Connection, rows: Sequence[DeliveryRow]) -> None:
        """In the commit that intends the requests."""
        for row in rows:
            self._note(connection, row)

    def _note(self, connection: Connection, row: DeliveryRow) -> None:
        wanted = self._wanted[row.intent.source]
        answers.note(
            connection,
            Awaited(
                delivery=row.id,
                action=row.intent.action,
                endpoint=row.intent.endpoint,
                response=wanted.response,
                local=wanted.local,
                before=wanted.before,
                deadline_at=0,
            ),
        )


async def _looked_at(peer: Endpoint, wanted: dict[str, Wanted]) -> dict[str, Wanted]:
    return {source: replace(one, before=await stamp_at(peer, one.response)) for source, one in wanted.items()}
