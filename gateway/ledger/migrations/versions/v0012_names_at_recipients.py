"""Which names at a recipient are taken by files of other items."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Found by name, in whatever case; of those before by what SQLite knows of cases."""
    name = sa.Column("folded", sa.Text(), server_default="", nullable=False)
    op.add_column("channel_batch_file", name)
    op.execute("UPDATE channel_batch_file SET folded = lower(final)")
    op.create_index("channel_batch_files_by_name", "channel_batch_file", ["folded"])
