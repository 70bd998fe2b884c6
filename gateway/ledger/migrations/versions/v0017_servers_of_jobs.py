"""At which server a place of jobs is, and from which one a job's remote source was collected."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what there is it is not known: the next contact says."""
    op.add_column("place", sa.Column("address", sa.Text(), nullable=True))
    op.create_table(
        "staging",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job"),
    )
