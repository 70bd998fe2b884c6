"""The ledger: what is intended, what is done.  SQLite through SQLAlchemy Core; SQL lives on this floor only."""

from sqlalchemy import Connection

from gateway.ledger import channel_tables, job_tables, partner_tables  # noqa: F401 -- tables of the metadata
from gateway.ledger.ledger import Ledger, open_ledger

__all__ = ["Connection", "Ledger", "open_ledger"]
