"""The ledger's tables of distribution jobs; as in `gateway.ledger.tables`.

A second start with nothing changed writes a handful of rows, however many files there are: the manifest is that of the
run before, what each destination has stands in `place_content`, and `job_file` names only what is not `unchanged`.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, text

from gateway.ledger.tables import METADATA
from gateway.ledger.words import Words as Text

ENDED = "('finished','finished_with_errors','failed','aborted','timed_out','skipped')"

# What must not be forgotten about a job between its runs.
job_state = Table(
    "job_state",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("saved_at", BigInteger, nullable=False),  # `every` counts from the midnight before, unless `start` is said
    Column("digest", Text, nullable=False),  # of the schedule: with another one nothing was missed
    Column("scheduled_at", BigInteger),  # the last start that was run or skipped
    Column("held", Boolean, nullable=False, default=False),  # saved with --no-start
)

# What a job's source held: frozen, one for all runs that found the same.
manifest = Table(
    "manifest",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("job", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # over its entries, in order
    Column("files", Integer, nullable=False),
    Column("folders", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("skipped", Text, nullable=False, default="[]"),  # JSON: links, temporary names … and why
    Column("created_at", BigInteger, nullable=False),
    Index("one_manifest_for_one_content", "job", "sha256", unique=True),
    sqlite_autoincrement=True,
)

manifest_entry = Table(
    "manifest_entry",
    METADATA,
    Column("manifest", ForeignKey("manifest.id"), primary_key=True),
    Column("n", Integer, primary_key=True),  # from 1, in the order of the relative paths
    Column("relative", Text, nullable=False),
    Column("kind", Text, nullable=False),  # file, folder (only empty ones)
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("mode", Integer, nullable=False),  # of the permission bits the executable one counts
    Column("sha256", Text),
    Column("digest", Text),  # by the job's hash, where that is another one
    sqlite_with_rowid=False,
)

# What each file of a source hashed to, with the stamp that it had then: written while hashing, kept over runs.
source_content = Table(
    "source_content",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("relative", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("digest", Text),
    Column("hashed_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a source looked like when its manifest was made: as long as it looks so, nothing is read file by file.
source_look = Table(
    "source_look",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of all stamps, and of what decides what is taken
    Column("manifest", ForeignKey("manifest.id"), nullable=False),
    Column("hashed_at", BigInteger, nullable=False),  # of the file that was hashed the longest ago
    Index("source_looks_by_manifest", "manifest"),
)

# Where the files come from that the folder holds into which a job's remote source is collected.
staging = Table(
    "staging",
    METADATA,
    Column("job", Text, primary_key=True),
    Column("address", Text, nullable=False),
)

# A folder of an endpoint that jobs write: macros and tags put in, from the server's root or the login folder.
place = Table(
    "place",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("address", Text),  # of the server that it was at last; null: no contact since that is kept
    Index("one_place", "endpoint", "folder", unique=True),
    sqlite_autoincrement=True,
)

# What a place has: what was delivered there, or `gateway baseline` found, with the size and time that it showed then.
place_content = Table(
    "place_content",
    METADATA,
    Column("place", ForeignKey("place.id"), primary_key=True),
    Column("relative", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger),
    Column("grain_ns", BigInteger, nullable=False, default=1),
    Column("sha256", Text, nullable=False),
    Column("digest", Text),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a place looked like when it was found to have everything: gone as soon as `place_content` changes.
place_look = Table(
    "place_look",
    METADATA,
    Column("place", ForeignKey("place.id"), primary_key=True),
    Column("digest", Text, nullable=False),  # of its listing, and of what was wanted there
)

# One execution of a job; arrows: gateway.ledger.job_states.
job_run = Table(
    "job_run",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("job", Text, nullable=False),
    Column("text", Text, nullable=False),  # the job as it was, JSON: a live run knows no other
    Column("digest", Text, nullable=False),
    Column("trigger", Text, nullable=False),  # schedule, catch_up, hand, saved, restart
    Column("asked_by", Text),
    Column("state", Text, nullable=False),
    Column("terminal", Boolean, nullable=False, default=False),
    Column("paused_in", Text),  # the state that a paused run goes on in
    Column("owner", ForeignKey("instance.id")),
    Column("restarted_from", ForeignKey("job_run.id")),
    Column("manifest", ForeignKey("manifest.id")),
    Column("priority", Integer, nullable=False),
    Column("wall", Text),  # with zone = "each": the time that every destination's own clock must show
    Column("due_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("since", BigInteger, nullable=False),  # of this state
    Column("deadline_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("rehash", Boolean, nullable=False, default=False),
    Column("hashed_files", Integer, nullable=False, default=0),
    Column("kept_hashes", Integer, nullable=False, default=0),
    Column("source_bytes_read", BigInteger, nullable=False, default=0),  # by hashing and by sending
    Column("after_all", Text, nullable=False, default="none"),
    Column("after_all_note", Text),  # "not run (shop017 offline)"
    Column("cleaned", Text, nullable=False, default="none"),  # none, waiting, done, failed, not_run
    Column("notes", Text, nullable=False, default="[]"),  # JSON
    Column("error", Text),
    Column("error_class", Text),
    Index("one_active_run_per_job", "job", unique=True, sqlite_where=text("terminal = 0 AND state <> 'scheduled'")),
    Index("job_runs_by_job", "job", "id"),
    Index("job_runs_by_end", "ended_at"),
    Index("job_runs_by_owner", "owner", sqlite_where=text("owner IS NOT NULL")),
    Index("job_runs_by_origin", "restarted_from", sqlite_where=text("restarted_from IS NOT NULL")),
    Index("job_runs_by_manifest", "manifest", sqlite_where=text("manifest IS NOT NULL")),
    sqlite_autoincrement=True,
)

# One destination of a job run: the membership, frozen.
job_destination = Table(
    "job_destination",
    METADATA,
    Column("run", ForeignKey("job_run.id"), primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("begins_at", BigInteger),  # not before: its own clock, or the end of a pause
    Column("action_run", ForeignKey("run.id")),  # its latest run: deliveries stand below it
    Column("begun", Integer, nullable=False, default=0),  # how often it began: `restart --destination` raises it
    Column("required", Boolean, nullable=False, default=True),
    Column("excluded", Boolean, nullable=False, default=False),  # offline for too long: nobody waits for it
    Column("approved", Boolean, nullable=False, default=False),  # to delete more than the limit
    Column("failures", Integer, nullable=False, default=0),
    Column("next_at", BigInteger),
    Column("failing_since", BigInteger),
    Column("error", Text),
    Column("error_class", Text),
    Column("files", Integer, nullable=False, default=0),  # that it is to have: delivered + unchanged + skipped + failed
    Column("bytes", BigInteger, nullable=False, default=0),  # of those that it lacked
    Column("delivered", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("deleted", Integer, nullable=False, default=0),
    Column("bytes_sent", BigInteger, nullable=False, default=0),
    Column("ended_at", BigInteger),
    Index("job_destinations_by_place", "place"),
    Index("job_destinations_by_action_run", "action_run", sqlite_where=text("action_run IS NOT NULL")),
)

# What became of one file at one destination; a file of the manifest without a row is unchanged, or not come to yet.
job_file = Table(
    "job_file",
    METADATA,
    Column("run", ForeignKey("job_run.id"), primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("relative", Text, primary_key=True),
    Column("state", Text, nullable=False),  # delivered, skipped, failed, deleted; unchanged but for the executable bit
    Column("size", BigInteger, nullable=False, default=0),
    Column("reason", Text),
    Column("delivery", ForeignKey("delivery.id")),
    Column("at", BigInteger, nullable=False),
    Index("job_files_by_delivery", "delivery", sqlite_where=text("delivery IS NOT NULL")),
    sqlite_with_rowid=False,
)

# How far files under way are that take longer than a moment: for people who look on.  No delivery depends on it.
job_moving = Table(
    "job_moving",
    METADATA,
    Column("delivery", Integer, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)

# One start of a command.  due -> started -> ok | again | warned | failed | unknown; due -> not_run (-> due: a person)
job_trigger = Table(
    "job_trigger",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("job_run.id"), nullable=False),
    Column("moment", Text, nullable=False),  # before_indexing, after_endpoint, after_all
    Column("place", Text, nullable=False),  # the endpoint, "" for this machine
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("line", Text, nullable=False),  # as it is run, macros put in
    Column("owner", ForeignKey("instance.id")),
    Column("due_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("exit_code", Integer),
    Column("output", Text),
    Column("error", Text),
    # after_all: one start for each place and run, whoever asks, unless the one before ended and said `again`
    Index("one_start_of_each_attempt", "run", "moment", "place", "attempt", unique=True),
    Index(
        "one_unended_start",
        "run",
        "moment",
        "place",
        unique=True,
        sqlite_where=text("state IN ('due','started','unknown')"),
    ),
    Index("job_triggers_by_owner", "owner", sqlite_where=text("owner IS NOT NULL")),
    sqlite_autoincrement=True,
)

# What is told of a run to whoever wants to know: once for each event, and for `error` once for each destination.
job_telling = Table(
    "job_telling",
    METADATA,
    Column("run", ForeignKey("job_run.id"), primary_key=True),
    Column("event", Text, primary_key=True),  # finished, failed, error
    Column("endpoint", Text, primary_key=True),  # "" but for error
    Column("state", Text, nullable=False),  # none (nobody wants to know), due, told, given_up
    Column("at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", BigInteger),
    Column("error", Text),
    Index("job_tellings_due", "next_at", sqlite_where=text("state = 'due'")),
    sqlite_with_rowid=False,
)
