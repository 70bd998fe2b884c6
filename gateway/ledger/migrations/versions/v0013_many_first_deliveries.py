"""Whether a catalogue was being filled, and whether a person was asked: apart from the digest of the rules."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_WORDS = ("asked", "filling")
"""They stood before the digest, in this order."""


def upgrade() -> None:
    """What stood before the digest of the rules becomes columns."""
    for name in reversed(_WORDS):
        op.add_column("channel_state", sa.Column(name, sa.Boolean(), server_default=sa.text("0"), nullable=False))
    for name in _WORDS:
        rest = f"substr(rules, {len(name) + 2})"
        op.execute(f"UPDATE channel_state SET {name} = 1, rules = {rest} WHERE rules LIKE '{name} %'")
    op.execute("UPDATE channel_state SET rules = NULL WHERE rules = ''")
