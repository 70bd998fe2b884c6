"""Telling programs of job runs: by webhook, by command, or both; again until it was heard (docs/JOB_EVENTS.md)."""

import asyncio
import json
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Refused
from gateway.core.moments import iso
from gateway.core.pauses import pause_after_ns
from gateway.jobs.frozen import thaw
from gateway.jobs.model import Notify
from gateway.jobs.report import Report, place_fields, read_report, run_fields
from gateway.language.command_line import is_allowed
from gateway.ledger import Ledger, job_runs, job_tellings
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_tellings import Telling
from gateway.runner.services import Services
from gateway.runner.system import run_program

log = structlog.get_logger(__name__)

VERSION = 1
_LOOK_EVERY_S = 1.0
_ATTEMPTS = 8
_AT_ONCE, _OF_ONE_JOB = 16, 4
"""Each is a thread or a process, and a receiver may serve many jobs."""


class NotHeard(GatewayError):
    """Nobody took what was told."""


class Tellings:
    """Tells what has happened since it was last told, whichever process saw it happen."""

    def __init__(self, loaded: Callable[[], Loaded], services: Callable[[], Services]) -> None:
        self._loaded = loaded
        self._services = services
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled."""
        ledger, clock, version, due_at = self._ledger, self._services().clock, None, None
        while True:
            now = ledger.version()
            if now != version:  # what is to be told again is known until somebody writes
                due_at = await ledger.read(job_tellings.next_due)
            if now != version or (due_at is not None and due_at <= ledger.now_ns()):
                version = now
                await self.look()
            await clock.sleep(_LOOK_EVERY_S)

    async def look(self) -> None:
        """Tell what is to be told now, some at once; what nobody hears is tried again later.

        Where one event of a job is not heard the others, which go to the same receiver, are put off without a try.
        """
        async with self._one_at_a_time:
            tried, silent = set[Telling](), set[str]()
            while True:
                waiting = [one for one in await self._due() if one not in tried]
                await self._put_off([one for one in waiting if one.job in silent])
                some = bite([one for one in waiting if one.job not in silent])
                if not some:
                    return
                tried.update(some)
                heard = await asyncio.gather(*(self._tell(one) for one in some))
                silent.update(one.job for one, was in zip(some, heard, strict=True) if not was)

    async def _due(self) -> Sequence[Telling]:
        """With what has happened just now."""
        ledger = self._ledger
        if await ledger.read(partial(job_tellings.news, now=ledger.now_ns())):
            await ledger.write(partial(job_tellings.gather, wants=_wants, now=ledger.now_ns()))
        return await ledger.read(partial(job_tellings.due, now=ledger.now_ns()))

    async def _put_off(self, some: Sequence[Telling]) -> None:
        if some:
            next_at = self._ledger.now_ns() + pause_after_ns(1)
            await self._ledger.write(partial(job_tellings.put_off, some=some, next_at=next_at))

    @property
    def _ledger(self) -> Ledger:
        return self._services().ledger

    async def _tell(self, one: Telling) -> bool:
        """False where nobody heard it."""
        report = await self._ledger.read(partial(read_report, found=one.run))
        notify = thaw(report.run.text).notify if report is not None else None
        if report is None or notify is None:
            return True
        try:
            await self._send(notify, one, report)
        except GatewayError as error:
            await self._not_heard(one, report, str(error))
            return False
        await self._ledger.write(partial(job_tellings.told, one=one))
        return True

    async def _not_heard(self, one: Telling, report: Report, why: str) -> None:
        attempts, ledger = one.attempts + 1, self._ledger
        next_at = ledger.now_ns() + pause_after_ns(attempts) if attempts < _ATTEMPTS else None
        log.warning("job event not told", job=report.run.job, run=one.run, told=one.event, error=why)
        await ledger.write(partial(job_tellings.not_told, one=one, error=why, next_at=next_at))
        if next_at is None:
            said = f"{one.event} could not be told: {why}"
            await ledger.write(partial(job_runs.note, row=report.run, text=said))

    async def _send(self, notify: Notify, one: Telling, report: Report) -> None:
        """By both ways; where one of them fails both are gone again, so receivers look at `id`."""
        body = json.dumps(event_fields(one, report, self._loaded()), ensure_ascii=False).encode("utf-8", "replace")
        if notify.webhook is not None:
            await self._post(notify.webhook, body, notify.timeout.total_seconds())
        if notify.command:
            await self._run(notify, one, report, body)

    async def _post(self, webhook: str, body: bytes, limit_s: float) -> None:
        is_kept = webhook.startswith(("env:", "file:", "cred:"))
        address = await asyncio.to_thread(self._loaded().secret, webhook) if is_kept else webhook
        try:
            async with asyncio.timeout(limit_s * 2):  # a peer that trickles outlives the limit of a single read
                await asyncio.to_thread(_post, address, body, limit_s)
        except TimeoutError:
            raise NotHeard(f"the webhook did not answer within {limit_s:g} s") from None

    async def _run(self, notify: Notify, one: Telling, report: Report, body: bytes) -> None:
        services = self._services()
        if not is_allowed(notify.command, services.configured.allow):
            raise Refused(f"notify: {notify.command[0]} is not in [system] allow")
        with tempfile.TemporaryDirectory(prefix="job-event-") as folder:
            file = Path(folder) / "event.json"
            await asyncio.to_thread(file.write_bytes, body)
            ended = await run_program(
                notify.command,
                folder=self._loaded().root,
                environment=_environment(one, report, file),
                hidden=services.configured.hidden,
                time_limit_s=notify.timeout.total_seconds(),
            )
        if ended.exit_code:
            raise NotHeard(f"{notify.command[0]} ended with exit code {ended.exit_code}: {ended.output.strip()!r}")


def bite(waiting: Sequence[Telling]) -> list[Telling]:
    """The next ones, in their order; a job with many leaves room for others."""
    of_job: Counter[str] = Counter()
    some: list[Telling] = []
    for one in waiting:
        if of_job[one.job] < _OF_ONE_JOB and len(some) < _AT_ONCE:
            of_job[one.job] += 1
            some.append(one)
    return some


def event_fields(one: Telling, report: Report, loaded: Loaded) -> dict[str, object]:
    """The object that is told; its fields are a promise (docs/JOB_EVENTS.md)."""
    run, zone = report.run, loaded.zone()
    place = next((place for place in report.places if place.row.endpoint == one.endpoint), None)
    return {
        "version": VERSION,
        "id": f"{run.id}/{one.event}" + (f"/{one.endpoint}" if one.endpoint else ""),
        "event": one.event,
        "at": iso(one.at, zone),
        "endpoint": one.endpoint or None,
        "error": (place_fields(place)["error"] if place is not None else None) if one.endpoint else run.error,
        "started_at": iso(run.started_at, zone),
        "ended_at": iso(run.ended_at, zone),
        **run_fields(report),
    }


def _environment(one: Telling, report: Report, file: Path) -> dict[str, str]:
    return {
        "JOB_EVENT": one.event,
        "JOB_EVENT_FILE": str(file),
        "JOB_NAME": report.run.job,
        "JOB_RUN_ID": str(one.run),
        "JOB_STATE": report.run.state.value,
        "JOB_ENDPOINT": one.endpoint,
    }


def _wants(row: JobRunRow) -> tuple[str, ...]:
    notify = thaw(row.text).notify
    return notify.on if notify is not None else ()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere would become a GET without its body."""

    def redirect_request(self, *_: object) -> None:
        return None


def _post(address: str, body: bytes, limit_s: float) -> None:
    """Raises NotHeard unless the answer is a 2xx; the address, which may hold a secret, is not told."""
    if not address.startswith(("http://", "https://")):
        raise Refused("notify: what webhook names holds no http(s):// address")
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "file-transfer-gateway"}
    request = urllib.request.Request(address, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=limit_s) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        with error:
            raise NotHeard(f"the webhook answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NotHeard(f"the webhook can't be reached: {reason}") from error
