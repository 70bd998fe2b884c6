"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From an empty file."""
    op.create_table(
        "action_state",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("action"),
    )
    op.create_table(
        "check_report",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("stamp_size", sa.BigInteger(), nullable=True),
        sa.Column("stamp_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("stamp_inode", sa.BigInteger(), nullable=True),
        sa.Column("stamp_device", sa.BigInteger(), nullable=True),
        sa.Column("stamp_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("action", "path"),
    )
    op.create_table(
        "counter",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "day"),
    )
    op.create_table(
        "endpoint_state",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint"),
    )
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("looks_by_path", "look", ["path", "id"], unique=False)
    op.create_index("looks_by_time", "look", ["at"], unique=False)
    op.create_table(
        "pause",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "seen",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stamp_size", sa.BigInteger(), nullable=True),
        sa.Column("stamp_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("stamp_inode", sa.BigInteger(), nullable=True),
        sa.Column("stamp_device", sa.BigInteger(), nullable=True),
        sa.Column("stamp_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("action", "source"),
    )
    op.create_table(
        "sighting",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("stamp_size", sa.BigInteger(), nullable=True),
        sa.Column("stamp_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("stamp_inode", sa.BigInteger(), nullable=True),
        sa.Column("stamp_device", sa.BigInteger(), nullable=True),
        sa.Column("stamp_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("action", "command", "path"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("script_sha256", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("failed_files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["instance.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("one_run_per_action", "run", ["action"], unique=True, sqlite_where=sa.text("state <> 'ended'"))
    op.create_index("runs_by_action", "run", ["action", "id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=True),
        sa.Column("source_size", sa.BigInteger(), nullable=True),
        sa.Column("source_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("source_inode", sa.BigInteger(), nullable=True),
        sa.Column("source_device", sa.BigInteger(), nullable=True),
        sa.Column("source_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("final", sa.Text(), nullable=False),
        sa.Column("partial", sa.Text(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("remove_source", sa.Boolean(), nullable=False),
        sa.Column("sentbox", sa.Text(), nullable=True),
        sa.Column("sent_as", sa.Text(), nullable=True),
        sa.Column("before_size", sa.BigInteger(), nullable=True),
        sa.Column("before_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("before_inode", sa.BigInteger(), nullable=True),
        sa.Column("before_device", sa.BigInteger(), nullable=True),
        sa.Column("before_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("partial_size", sa.BigInteger(), nullable=True),
        sa.Column("partial_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("partial_inode", sa.BigInteger(), nullable=True),
        sa.Column("partial_device", sa.BigInteger(), nullable=True),
        sa.Column("partial_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("backup", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=True),
        sa.Column("verified", sa.Text(), nullable=True),
        sa.Column("placed", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["instance.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parent"],
            ["delivery.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_by_parent", "delivery", ["parent"], unique=False)
    op.create_index("deliveries_by_run", "delivery", ["run", "command", "n"], unique=False)
    op.create_index("deliveries_by_source", "delivery", ["action", "source"], unique=False)
    op.create_index("deliveries_by_state", "delivery", ["state", "endpoint"], unique=False)
    op.create_index("deliveries_by_time", "delivery", ["started_at"], unique=False)
    op.create_index(
        "one_open_delivery_per_final",
        "delivery",
        ["place", "final"],
        unique=True,
        sqlite_where=sa.text("state IN ('intended','placing','swapping','held')"),
    )
    op.create_table(
        "run_file",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("stamp_size", sa.BigInteger(), nullable=True),
        sa.Column("stamp_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("stamp_inode", sa.BigInteger(), nullable=True),
        sa.Column("stamp_device", sa.BigInteger(), nullable=True),
        sa.Column("stamp_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("run", "command", "n"),
    )
    op.create_table(
        "awaited",
        sa.Column("delivery", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("before_size", sa.BigInteger(), nullable=True),
        sa.Column("before_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("before_inode", sa.BigInteger(), nullable=True),
        sa.Column("before_device", sa.BigInteger(), nullable=True),
        sa.Column("before_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answer"],
            ["delivery.id"],
        ),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("delivery"),
    )
    op.create_table(
        "held_back",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("command", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stamp_size", sa.BigInteger(), nullable=True),
        sa.Column("stamp_mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("stamp_inode", sa.BigInteger(), nullable=True),
        sa.Column("stamp_device", sa.BigInteger(), nullable=True),
        sa.Column("stamp_grain_ns", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("delivery", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("action", "command", "source"),
    )
    op.create_table(
        "reaction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("delivery", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("macros", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["instance.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("reactions_due", "reaction", ["state", "next_at"], unique=False)
    op.create_index(
        "one_open_delivery_per_source",
        "delivery",
        ["action", "command", "source", "source_size", sa.text("coalesce(source_mtime_ns, -1)")],
        unique=True,
        sqlite_where=sa.text("state IN ('intended','placing','swapping','delivered','awaiting','held')"),
    )
