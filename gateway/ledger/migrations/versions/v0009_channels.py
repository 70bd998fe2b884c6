"""Channels: their catalogues, what each has got, what waits for it, and what went out together."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None of them was there before."""
    op.create_table(
        "catalogue_file",
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("meta_sha256", sa.Text()),
        sa.Column("fault", sa.Text()),
        sa.Column("hashed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue", "item", "relative"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalogue_item",
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("look", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text()),
        sa.PrimaryKeyConstraint("catalogue", "item"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalogue_look",
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text()),
        sa.Column("rules", sa.Text()),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("catalogue"),
    )
    op.create_table(
        "channel_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("old", sa.Text()),
        sa.Column("new", sa.Text()),
        sa.Column("outside", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("channel_changes_by_channel", "channel_change", ["channel", "id"])
    op.create_table(
        "channel_item",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger()),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("gone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("channel", "item"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "channel_state",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger()),
        sa.Column("cron_at", sa.BigInteger()),
        sa.Column("first_at", sa.BigInteger()),
        sa.Column("metadata_at", sa.BigInteger()),
        sa.Column("file_at", sa.BigInteger()),
        sa.Column("times", sa.Text()),
        sa.Column("released", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("rules", sa.Text()),
        sa.Column("settled", sa.Text()),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "channel_value",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text()),
        sa.PrimaryKeyConstraint("channel", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "channel_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("action_run", sa.Integer()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("error_class", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["action_run"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "channel_batches_by_action_run", "channel_batch", ["action_run"], sqlite_where=sa.text("action_run IS NOT NULL")
    )
    op.create_index("channel_batches_by_day", "channel_batch", ["channel", "day", "number"], unique=True)
    op.create_index("channel_batches_by_end", "channel_batch", ["ended_at"])
    op.create_index(
        "open_channel_batches", "channel_batch", ["channel"], sqlite_where=sa.text("state IN ('delivering','failed')")
    )
    op.create_table(
        "channel_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("detected_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("by", sa.Text()),
        sa.Column("batch", sa.Integer()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["channel_batch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("channel_events_by_batch", "channel_event", ["batch"], sqlite_where=sa.text("batch IS NOT NULL"))
    op.create_index("channel_events_by_end", "channel_event", ["ended_at"])
    op.create_index("channel_events_by_item", "channel_event", ["channel", "item", "id"])
    op.create_index(
        "one_open_event",
        "channel_event",
        ["channel", "item", "kind"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting','review','held','batched')"),
    )
    op.create_table(
        "channel_batch_file",
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("event", sa.Integer()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("final", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("delivery", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["batch"],
            ["channel_batch.id"],
        ),
        sa.ForeignKeyConstraint(
            ["event"],
            ["channel_event.id"],
        ),
        sa.PrimaryKeyConstraint("batch", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "channel_batch_files_by_event", "channel_batch_file", ["event"], sqlite_where=sa.text("event IS NOT NULL")
    )
