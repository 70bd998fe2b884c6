"""What partners did at the embedded servers: uploads, downloads, renames, removals."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A row for each thing that a partner did with a file."""
    op.create_table(
        "partner_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("over", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("renamed_to", sa.Text()),
        sa.Column("size", sa.BigInteger()),
        sa.Column("sha256", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("hidden", sa.Text()),
        sa.Column("inode", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("partner_files_by_time", "partner_file", ["started_at"])
    op.create_index("partner_files_by_path", "partner_file", ["path", "id"])
    renamed = sa.text("renamed_to IS NOT NULL")
    op.create_index("partner_files_by_new_name", "partner_file", ["renamed_to", "id"], sqlite_where=renamed)
    op.create_index("partner_files_by_partner", "partner_file", ["partner", "id"])
    op.create_index(
        "uploads_under_way", "partner_file", ["hidden"], unique=True, sqlite_where=sa.text("hidden IS NOT NULL")
    )
