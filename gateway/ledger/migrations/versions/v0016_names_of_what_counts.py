"""Which names at a recipient are taken by what counts as delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What counted before gets its names from [place] as it is now, before the next delivery."""
    op.create_table(
        "channel_name",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("final", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "folded", "item", "relative"),
        sqlite_with_rowid=False,
    )
    op.add_column("channel_item", sa.Column("named", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    counts = "delivered_at IS NULL AND first_at IS NOT NULL AND metadata != '' AND files != ''"
    unnamed = sa.text(f"NOT named AND {counts}")
    op.create_index("channel_items_without_names", "channel_item", ["channel"], sqlite_where=unnamed)
