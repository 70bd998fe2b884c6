"""PUT+GET, the request's side: what stood under the answer's name before the PUT is noted with the request."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.errors import NotThere
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import PutGet
from gateway.ledger import Connection, answers
from gateway.ledger.answers import Awaited
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.jobs import Job
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded_path, target_values


class Requests:
    """The answers that the requests of one PUT+GET wait for."""

    def __init__(self, run: Run, command: PutGet) -> None:
        self._run = run
        self._command = command
        self._before: dict[str, tuple[str, str, Stamp | None]] = {}

    async def prepare(self, jobs: Sequence[Job]) -> list[Job]:
        """Look at each answer's name before anything is put; the jobs that then await an answer."""
        async with self._run.services.pool.session(self._run.endpoint) as peer:
            for job in jobs:
                if job.delivery is None:
                    response = join_remote(self._run.folder, self._expanded(job, self._command.response.value))
                    local = self._local(job, response)
                    self._before[job.intent.source] = (response, local, await _stamp(peer, response))
        return [replace(job, intent=replace(job.intent, awaits_answer=True)) for job in jobs]

    def _expanded(self, job: Job, text: str) -> str:
        return expanded_path(text, target_values(self._run, text, job.name, job.n))

    def _local(self, job: Job, response: str) -> str:
        """Where the answer goes: a folder keeps the answer's own name."""
        text = self._command.local.value if self._command.local is not None else ""
        path = self._run.instance.inbox / self._expanded(job, text)
        if not text or text.endswith(("/", "\\")) or path.is_dir():
            path = path / response.rpartition("/")[2]
        return str(path)

    def noted(self, connection: Connection, row: DeliveryRow) -> None:
        """In the commit that intends the request."""
        response, local, before = self._before[row.intent.source]
        answers.note(
            connection,
            Awaited(
                delivery=row.id,
                action=row.intent.action,
                endpoint=row.intent.endpoint,
                response=response,
                local=local,
                before=before,
                deadline_at=0,
            ),
        )


async def _stamp(peer: Endpoint, path: str) -> Stamp | None:
    try:
        return (await peer.stat(path)).stamp
    except NotThere:
        return None
