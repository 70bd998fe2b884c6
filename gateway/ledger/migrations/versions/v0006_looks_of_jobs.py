"""What a job's source, and each of its places, looked like when all was known of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Without them everything is compared file by file."""
    op.create_table(
        "source_look",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Integer(), nullable=False),
        sa.Column("hashed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job"),
        sa.ForeignKeyConstraint(["manifest"], ["manifest.id"]),
    )
    op.create_index("source_looks_by_manifest", "source_look", ["manifest"])
    op.create_table(
        "place_look",
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
        sa.ForeignKeyConstraint(["place"], ["place.id"]),
    )
