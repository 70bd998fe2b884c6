"""Indexes along which old rows are found and dropped."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BY_TIME = (("runs_by_end", "run", "ended_at"), ("reactions_by_end", "reaction", "ended_at"))
_REFERRING = (
    ("runs_by_owner", "run", "owner"),
    ("deliveries_by_owner", "delivery", "owner"),
    ("awaited_by_answer", "awaited", "answer"),
    ("held_back_by_delivery", "held_back", "delivery"),
    ("reactions_by_run", "reaction", "run"),
    ("reactions_by_delivery", "reaction", "delivery"),
    ("reactions_by_owner", "reaction", "owner"),
)


def upgrade() -> None:
    """Each column that refers to another table gets an index over the rows that do."""
    for name, table, column in _BY_TIME:
        op.create_index(name, table, [column])
    for name, table, column in _REFERRING:
        op.create_index(name, table, [column], sqlite_where=sa.text(f"{column} IS NOT NULL"))
