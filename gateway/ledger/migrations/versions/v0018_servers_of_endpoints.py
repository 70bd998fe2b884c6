"""At which server an endpoint's last login worked."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what there is it is not known: the next login says."""
    op.add_column("endpoint_state", sa.Column("server", sa.Text(), nullable=True))
