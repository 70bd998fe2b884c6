"""An error says who acts next.

GatewayError
├── Retryable            we try again
│   ├── LinkLost         the connection broke, timed out or could not be made   (endpoint)
│   ├── PeerBusy         the peer asks us to come later: 421, too many sessions (endpoint)
│   ├── NoSpace          a disk or quota is full                                (endpoint)
│   └── SourceChanged    the source is no longer the file that was judged
├── NeedsOperator        a person must change something
│   ├── PathRefused      permission denied
│   │   └── FolderRefused a folder takes no new file from us
│   ├── NameTaken        other content stands under the final name
│   ├── VerifyFailed     what arrived is not what was sent
│   ├── LoginRefused     user, password or key not accepted                     (endpoint)
│   └── HostKeyRefused   unknown or changed host key, certificate not trusted   (endpoint)
├── NotThere             an answer: nothing stands under that name
├── AlreadyThere         an answer: something stands under that name
├── Unknown              a command line names an action, endpoint … that there is not
└── Refused              the script or configuration is wrong (with its place)

Those marked (endpoint) are about the whole endpoint, not about one file: they end the command.
A message names the thing, what was found, and the remedy.  Exit codes: DESIGN §6.
"""

from typing import ClassVar


class GatewayError(Exception):
    """The root: every error that crosses a floor is one of these."""

    exit_code: ClassVar[int] = 1
    concerns_endpoint: ClassVar[bool] = False


class Retryable(GatewayError):
    """Trying again later can help."""

    exit_code = 5


class LinkLost(Retryable):
    """The connection broke, timed out or could not be made."""

    concerns_endpoint = True


class PeerBusy(Retryable):
    """The peer asks us to come later."""

    concerns_endpoint = True


class NoSpace(Retryable):
    """A disk or quota is full, here or there."""

    concerns_endpoint = True


class SourceChanged(Retryable):
    """The source is no longer the file that was judged; it is judged anew."""


class NeedsOperator(GatewayError):
    """Trying again cannot help until a person has changed something."""

    exit_code = 7


class PathRefused(NeedsOperator):
    """Permission denied for a path."""


class FolderRefused(PathRefused):
    """A folder takes no new file from us: what is meant for it waits, and goes once somebody gives the right back."""


class NameTaken(NeedsOperator):
    """Other content stands under the final name, and replacing it is not allowed."""


class VerifyFailed(NeedsOperator):
    """What arrived is not what was sent."""

    exit_code = 22


class LoginRefused(NeedsOperator):
    """User, password or key not accepted."""

    exit_code = 21
    concerns_endpoint = True


class HostKeyRefused(NeedsOperator):
    """The peer could not prove who it is: unknown or changed host key, untrusted certificate."""

    exit_code = 20
    concerns_endpoint = True


class NotThere(GatewayError):
    """An answer: nothing stands under that name."""

    exit_code = 3


class Unknown(GatewayError):
    """A name on a command line that stands for nothing here; the message says what there is."""

    exit_code = 3


class AlreadyThere(GatewayError):
    """An answer: something stands under that name already."""


class Refused(GatewayError):
    """The script or the configuration is wrong; the message holds file:line:col where it is known."""

    exit_code = 2


def fault_text(fault: Exception) -> str:
    """What is told of an error that is none of ours: nobody meant it to happen."""
    return f"this is a fault of the gateway, please report it: {type(fault).__name__}: {fault}"
