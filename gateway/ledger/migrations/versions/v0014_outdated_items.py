"""Whether what counts in an item's metadata was told by other rules: apart from the digest of its listing."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What stood before the digest becomes a column."""
    op.add_column("catalogue_item", sa.Column("outdated", sa.Boolean(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE catalogue_item SET outdated = 1, look = substr(look, 2) WHERE look LIKE '~%'")
