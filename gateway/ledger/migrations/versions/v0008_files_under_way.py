"""How far a job's files under way are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row for each file that takes longer than a moment, as long as it does; no delivery depends on it."""
    op.create_table(
        "job_moving",
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery"),
    )
