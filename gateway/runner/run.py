"""A run under way: what its commands share and change."""

from dataclasses import dataclass, field

from gateway.core.errors import GatewayError
from gateway.language.settings import Settings
from gateway.runner.due import Due
from gateway.runner.instance import Instance
from gateway.runner.places import Place
from gateway.runner.services import Services


class CommandFailed(GatewayError):
    """Some files of a command failed; each has its own row in the ledger."""

    def __init__(self, message: str, cause: GatewayError) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(slots=True, kw_only=True)
class Run:
    """One execution of an action.

    `folder` is where relative remote paths start ("" is the endpoint's own folder); `index` is what %index% means
    outside destinations; `settings` hold for the next command; `notes` are what a person should know of this run.
    `command` is the one that it is at, 0 before the first.
    `resumed` is the command that a killed process was at, 0 for a run that starts here: that command may have done
    its work already.  `failure` is the first error of a command.  `moving` is how far files under way are, by delivery.
    """

    id: int
    instance: Instance
    due: Due
    services: Services
    place: Place
    settings: Settings
    folder: str = ""
    index: int = 0
    resumed: int = 0
    command: int = 0
    notes: list[str] = field(default_factory=list)
    files: int = 0
    failed_files: int = 0
    size_bytes: int = 0
    failure: GatewayError | None = None
    moving: dict[int, int] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The action's endpoint.  Only asked by commands that the checker lets have one."""
        if self.instance.endpoint is None:
            raise GatewayError(f"{self.instance.name}: this command needs an endpoint; write @endpoint NAME")
        return self.instance.endpoint

    async def wait(self, seconds: float) -> None:
        """Wait without holding one of the gateway's places."""
        async with self.place.given_back():
            await self.services.clock.sleep(seconds)
