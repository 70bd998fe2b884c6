"""Where a channel's batch was sent last."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those that there are it is not known: as before, they go by the name of their endpoint."""
    op.add_column("channel_batch", sa.Column("address", sa.Text(), nullable=True))
