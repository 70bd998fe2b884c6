"""What a person said when he started a run by hand: a restart goes on with it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of before were asked for nothing special."""
    op.add_column("run", sa.Column("skip_wait", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("run", sa.Column("approved", sa.Boolean(), nullable=False, server_default=sa.false()))
