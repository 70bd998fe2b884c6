"""How the requests of an SFTP session are read, where asyncssh's own reader would not do."""

import asyncssh
from asyncssh.constants import FXP_WRITE
from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPServerHandler

from gateway.inbound.sftp_files import ConfinedSFTP

_VERSION = 3


class Requests(SFTPServerHandler):
    """Tells the files that the session is over before they are closed, and takes writes as OpenSSH does."""

    def __init__(
        self, files: ConfinedSFTP, reader: "asyncssh.SSHReader[bytes]", writer: "asyncssh.SSHWriter[bytes]"
    ) -> None:
        super().__init__(files, reader, writer, _VERSION)
        self._files = files
        self._packet_handlers = {**self._packet_handlers, FXP_WRITE: lambda _, packet: self._write(packet)}

    async def _write(self, packet: SSHPacket) -> int:
        """Bytes behind the data are ignored: a widespread client library (pkg/sftp 1.13, in rclone) sends some."""
        file_obj = self._file_handles.get(packet.get_string())
        offset, data = packet.get_uint64(), packet.get_string()
        if file_obj is None:
            raise asyncssh.SFTPInvalidHandle("Invalid file handle")
        return await self._files.write(file_obj, offset, data)

    async def _cleanup(self, exc: Exception | None) -> None:
        self._files.cut = True
        await super()._cleanup(exc)
