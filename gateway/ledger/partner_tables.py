"""The ledger's table of what partners did at the embedded servers; as in `gateway.ledger.tables`."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, text

from gateway.ledger.tables import METADATA
from gateway.ledger.words import Words as Text

# One thing that a partner did with a file.  An upload: under_way -> whole | cut | failed | unknown; all else is over.
partner_file = Table(
    "partner_file",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("partner", Text, nullable=False),  # the account's name; "" for what could not be noted
    Column("address", Text, nullable=False),
    Column("over", Text, nullable=False),  # sftp, ftp, ftps
    Column("kind", Text, nullable=False),  # upload, download, rename, remove, mkdir; lost: so many were not noted
    Column("path", Text, nullable=False),  # on this machine
    Column("renamed_to", Text),
    Column("size", BigInteger),
    Column("sha256", Text),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("hidden", Text),  # under_way: the name that its bytes have until it is whole
    Column("inode", BigInteger),  # and their inode, which stays
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("partner_files_by_time", "started_at"),
    Index("partner_files_by_path", "path", "id"),
    Index("partner_files_by_new_name", "renamed_to", "id", sqlite_where=text("renamed_to IS NOT NULL")),
    Index("partner_files_by_partner", "partner", "id"),
    Index("uploads_under_way", "hidden", unique=True, sqlite_where=text("hidden IS NOT NULL")),
    sqlite_autoincrement=True,
)
