"""The tables of distribution jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None of them was there before."""
    op.create_table(
        "job_state",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job"),
    )
    op.create_table(
        "manifest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("folders", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("one_manifest_for_one_content", "manifest", ["job", "sha256"], unique=True)
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("one_place", "place", ["endpoint", "folder"], unique=True)
    op.create_table(
        "source_content",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("hashed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", "relative"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("terminal", sa.Boolean(), nullable=False),
        sa.Column("paused_in", sa.Text(), nullable=True),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("restarted_from", sa.Integer(), nullable=True),
        sa.Column("manifest", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("wall", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("rehash", sa.Boolean(), nullable=False),
        sa.Column("hashed_files", sa.Integer(), nullable=False),
        sa.Column("kept_hashes", sa.Integer(), nullable=False),
        sa.Column("source_bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("after_all", sa.Text(), nullable=False),
        sa.Column("after_all_note", sa.Text(), nullable=True),
        sa.Column("cleaned", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["manifest"],
            ["manifest.id"],
        ),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["instance.id"],
        ),
        sa.ForeignKeyConstraint(
            ["restarted_from"],
            ["job_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_runs_by_end", "job_run", ["ended_at"], unique=False)
    op.create_index("job_runs_by_job", "job_run", ["job", "id"], unique=False)
    op.create_index(
        "job_runs_by_manifest", "job_run", ["manifest"], unique=False, sqlite_where=sa.text("manifest IS NOT NULL")
    )
    op.create_index(
        "job_runs_by_origin",
        "job_run",
        ["restarted_from"],
        unique=False,
        sqlite_where=sa.text("restarted_from IS NOT NULL"),
    )
    op.create_index("job_runs_by_owner", "job_run", ["owner"], unique=False, sqlite_where=sa.text("owner IS NOT NULL"))
    op.create_index(
        "one_active_run_per_job",
        "job_run",
        ["job"],
        unique=True,
        sqlite_where=sa.text("terminal = 0 AND state <> 'scheduled'"),
    )
    op.create_table(
        "manifest_entry",
        sa.Column("manifest", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("manifest", "n"),
        sa.ForeignKeyConstraint(["manifest"], ["manifest.id"]),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "place_content",
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("grain_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", "relative"),
        sa.ForeignKeyConstraint(["place"], ["place.id"]),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_destination",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=True),
        sa.Column("action_run", sa.Integer(), nullable=True),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("bytes_sent", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["action_run"],
            ["run.id"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["job_run.id"],
        ),
        sa.PrimaryKeyConstraint("run", "endpoint"),
    )
    op.create_index(
        "job_destinations_by_action_run",
        "job_destination",
        ["action_run"],
        unique=False,
        sqlite_where=sa.text("action_run IS NOT NULL"),
    )
    op.create_index("job_destinations_by_place", "job_destination", ["place"], unique=False)
    op.create_table(
        "job_trigger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("moment", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["instance.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["job_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "job_triggers_by_owner", "job_trigger", ["owner"], unique=False, sqlite_where=sa.text("owner IS NOT NULL")
    )
    op.create_index("one_start_of_each_attempt", "job_trigger", ["run", "moment", "place", "attempt"], unique=True)
    op.create_index(
        "one_unended_start",
        "job_trigger",
        ["run", "moment", "place"],
        unique=True,
        sqlite_where=sa.text("state IN ('due','started','unknown')"),
    )
    op.create_table(
        "job_file",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("relative", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "endpoint", "relative"),
        sa.ForeignKeyConstraint(["run"], ["job_run.id"]),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"]),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "job_files_by_delivery", "job_file", ["delivery"], unique=False, sqlite_where=sa.text("delivery IS NOT NULL")
    )
