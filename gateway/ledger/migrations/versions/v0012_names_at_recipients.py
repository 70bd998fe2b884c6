"""Which names at a recipient are taken by files of other items."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Found by name, in whatever case."""
    op.create_index("channel_batch_files_by_final", "channel_batch_file", [sa.text('final COLLATE "NOCASE"')])
