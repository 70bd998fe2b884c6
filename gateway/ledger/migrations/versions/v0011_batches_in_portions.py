"""A channel's batch is frozen in portions."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Those that there are were frozen at once."""
    op.add_column("channel_batch", sa.Column("freezing", sa.Boolean(), server_default=sa.text("0"), nullable=False))
