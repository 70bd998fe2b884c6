"""FTP servers with habits of their own: what they refuse, call differently or answer oddly.

Those in hostile_ftp.py break single calls; these are whole partners.
"""

import os
import time
import warnings
from typing import Any, ClassVar

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.log import logger


class RefusesListing(FTPHandler):
    """Lets files be read by name; a listing of any kind is refused after the session was set to text."""

    def ftp_LIST(self, path: str) -> None:
        self.respond("550 Permission denied.")

    ftp_MLSD = ftp_NLST = ftp_LIST


class NothingFound(FTPHandler):
    """Calls a folder without files an error, as mainframes and some Windows servers do."""

    word = "550 No files found."
    proto_cmds: ClassVar[dict[str, Any]] = {
        name: facts for name, facts in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST")
    }

    def ftp_LIST(self, path: str) -> Any:
        if not os.listdir(path):
            self.respond(self.word)
            return None
        return super().ftp_LIST(path)


class DropOnly(FTPHandler):
    """Takes uploads and nothing else: no list, no look, no rename, no removal."""

    def ftp_SIZE(self, path: str) -> None:
        self.respond("550 Permission denied.")

    ftp_MLST = ftp_MLSD = ftp_LIST = ftp_NLST = ftp_MDTM = ftp_RNFR = ftp_DELE = ftp_MFMT = ftp_SIZE


class OnlyPassive(FTPHandler):
    """Doesn't know EPSV."""

    def ftp_EPSV(self, line: str) -> None:
        self.respond("500 Unknown command.")


class OnlyExtended(FTPHandler):
    """Doesn't know PASV."""

    def ftp_PASV(self, line: str) -> None:
        self.respond("502 Command not implemented.")


class NoAddress(FTPHandler):
    """Names 0.0.0.0 for the data connection."""

    masquerade_address = "0.0.0.0"


class OutOfPorts(FTPHandler):
    """Has no port for the first data connections; `refusals` are how many."""

    refusals = 1

    def ftp_PASV(self, line: str) -> Any:
        if self.refusals:
            type(self).refusals -= 1
            self.respond("425 Can't open passive connection: no free port.")
            return None
        return super().ftp_PASV(line)


class GoesDownInTheMiddle(FTPHandler):
    """Says 421 to the first upload and hangs up."""

    goodbyes = 1

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if self.goodbyes:
            type(self).goodbyes -= 1
            self.respond("421 Service not available, closing control connection.")
            self.close_when_done()
            return None
        return super().ftp_STOR(file, mode)


class Talkative(FTPHandler):
    """Greets, answers and says yes in many lines, some of which look like other replies."""

    banner = "\r\n220-".join(["Welcome", *(f"line {n}: 331 is not meant" for n in range(60)), " 220 nearly there", ""])

    def respond(self, resp: str, logfun: Any = logger.debug) -> None:
        code = resp[:3]
        if code in ("226", "230", "250", "257"):
            self.push(f"{code}-so\r\n 550 is not meant\r\n")
        super().respond(resp, logfun=logfun)


class SpeaksGibberish(FTPHandler):
    """Answers a SIZE with what no client can read."""

    answer = "213 about five"

    def ftp_SIZE(self, path: str) -> None:
        self.push(f"{self.answer}\r\n")

    ftp_MLST = ftp_SIZE


class NamesNoHome(FTPHandler):
    """Answers PWD as few do."""

    answer = "550 Not allowed."

    def ftp_PWD(self, line: str) -> None:
        self.push(f"{self.answer}\r\n")


class RefusesMkdir(FTPHandler):
    """Lets nobody make a folder; one that is there is an error, too."""

    def ftp_MKD(self, path: str) -> None:
        self.respond("550 Permission denied.")


class LocalTime(FTPHandler):
    """Tells times in a zone of its own, and in minutes only where it lists."""

    shift_s = 2 * 3600
    proto_cmds: ClassVar[dict[str, Any]] = {
        name: facts for name, facts in FTPHandler.proto_cmds.items() if name not in ("MLSD", "MLST", "MFMT")
    }

    def ftp_MDTM(self, path: str) -> None:
        told = time.strftime("%Y%m%d%H%M%S", time.gmtime(os.path.getmtime(path) + self.shift_s))
        self.respond(f"213 {told}")


class FillsWithZeros(FTPHandler):
    """Takes REST before STOR, forgets what was there and fills up with zeros."""

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if self._restart_position and mode == "w":
            begin = self._restart_position
            with open(file, "wb") as fresh:
                fresh.truncate(begin)
        return super().ftp_STOR(file, mode)


class AppendsAfterRest(FTPHandler):
    """Takes REST before STOR and appends to the end all the same."""

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if self._restart_position and mode == "w":  # type: ignore[has-type]
            self._restart_position = 0
            return super().ftp_STOR(file, "a")
        return super().ftp_STOR(file, mode)


class SaysItTwice(FTPHandler):
    """Says twice that a transfer is complete."""

    def respond(self, resp: str, logfun: Any = logger.debug) -> None:
        super().respond(resp, logfun=logfun)
        if resp.startswith("226"):
            super().respond(resp, logfun=logfun)


class AnswersAnotherQuestion(FTPHandler):
    """Once, says yes to a STOR and never opens the way for it."""

    strange = 1

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if self.strange:
            type(self).strange -= 1
            self.respond("250 Directory successfully changed.")
            return None
        return super().ftp_STOR(file, mode)
