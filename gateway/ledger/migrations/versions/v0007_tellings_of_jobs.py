"""What is told of job runs, and whether it was heard."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row an event: it is told again until it was heard, also by another process."""
    op.create_table(
        "job_telling",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("run", "event", "endpoint"),
        sa.ForeignKeyConstraint(["run"], ["job_run.id"]),
        sqlite_with_rowid=False,
    )
    op.create_index("job_tellings_due", "job_telling", ["next_at"], sqlite_where=sa.text("state = 'due'"))
