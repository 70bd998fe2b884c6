"""Is an item at rest?  Its listing is looked at twice with quiet between, and the kernel is asked who writes."""

from functools import partial
from pathlib import Path

from gateway.channels.scanning import Beat, Listing
from gateway.core.mounts import Mounts
from gateway.language.settings import Empty, Stability
from gateway.runner.services import Services
from gateway.transfer.lease import Writer, probe_writer
from gateway.transfer.stability import (
    NETWORK_S,
    PROVED_S,
    UNPROVED_S,
    Judgement,
    Rule,
    Sight,
    Verdict,
    judge_asking,
)

READY = Judgement(Verdict.READY)


class Quiet:
    """The quiet since a catalogue was looked at, by our clock.  `rule` is that of every file that is sent.  Blocks."""

    def __init__(self, catalogue: Path, services: Services) -> None:
        self._catalogue = catalogue
        self._clock = services.clock
        self._since_s = services.clock.monotonic()
        self.rule = Rule(
            Stability.CLOSED,
            services.configured.stable_for_s,
            age_s=0.0,
            empty=Empty.SEND,
            empty_after_s=0.0,
            network=Mounts.now().is_network(str(catalogue)),
        )

    async def enough(self) -> None:
        """Return once it was quiet long enough where it is proved that nobody writes."""
        await self._until(NETWORK_S if self.rule.network else PROVED_S)

    async def enough_unproved(self) -> None:
        """Return once it was quiet long enough where that can't be proved."""
        await self._until(UNPROVED_S)

    async def _until(self, usual_s: float) -> None:
        needed_s = usual_s if self.rule.quiet_for_s is None else self.rule.quiet_for_s
        missing_s = needed_s - (self._clock.monotonic() - self._since_s)
        if missing_s > 0:
            await self._clock.sleep(missing_s)

    def judge(self, item: str, listing: Listing, known: frozenset[tuple[object, ...]], beat: Beat) -> Judgement:
        """The first reason against the item; `known` are stamps of files that were at rest before.  Blocks."""
        quiet_s = self._clock.monotonic() - self._since_s
        for seen in (*listing.unfinished, *(one for one in listing.files if one[:5] not in known)):
            path = str(self._catalogue / item / seen.relative)
            beat(path)
            judgement = judge_asking(Sight(seen.size, quiet_s), self.rule, partial(self._writer, path))
            if judgement.verdict is not Verdict.READY:
                return Judgement(judgement.verdict, f"{seen.relative}: {judgement.detail}", judgement.again_after_s)
        return READY

    def _writer(self, path: str) -> Writer:
        return Writer.UNKNOWN if self.rule.network else probe_writer(path)
