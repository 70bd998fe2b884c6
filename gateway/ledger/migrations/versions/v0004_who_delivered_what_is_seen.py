"""What counts as delivered is known by command, and since when it is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STAMP = ("stamp_size", "stamp_mtime_ns", "stamp_inode", "stamp_device", "stamp_grain_ns")


def upgrade() -> None:
    """What is known already holds for every command."""
    op.rename_table("seen", "seen_before")
    op.create_table(
        "seen",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _STAMP),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("action", "source", "command"),
    )
    columns = ", ".join(("action", "source", *_STAMP, "sha256", "at"))
    op.execute(f"INSERT INTO seen (command, {columns}) SELECT 0, {columns} FROM seen_before")
    op.drop_table("seen_before")
