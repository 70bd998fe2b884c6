"""The ledger's tables.  Invariants are indexes; each change of state is commented with its arrow.

Times are integers: nanoseconds since the epoch, UTC (SQLite keeps no zone).  A stamp is five columns with a prefix.
Ids are never given twice (`sqlite_autoincrement`), also not after the newest rows were dropped.  Each column that
refers to another table has an index: without it, dropping one old row reads the whole table.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, false, text

from gateway.ledger.words import Words as Text

METADATA = MetaData()


def _referring(name: str, column: str) -> Index:
    """An index over the rows that refer to something: few of a table that is mostly over."""
    return Index(name, column, sqlite_where=text(f"{column} IS NOT NULL"))


def _stamp(prefix: str) -> list[Column[int]]:
    return [
        Column(f"{prefix}_size", BigInteger),
        Column(f"{prefix}_mtime_ns", BigInteger),
        Column(f"{prefix}_inode", BigInteger),
        Column(f"{prefix}_device", BigInteger),
        Column(f"{prefix}_grain_ns", BigInteger),
    ]


# A process that owns runs and deliveries.  ended_at is null while it lives; a killed one is found by its lock.
instance = Table(
    "instance",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("boot", Text, nullable=False),
    Column("what", Text, nullable=False),  # serve, run, ...
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    sqlite_autoincrement=True,
)

# One execution of an action.  running -> waiting (next_at, gives its place back) -> running -> ended (outcome).
run = Table(
    "run",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),  # the instance's name: orders, prices@shop001
    Column("endpoint", Text),
    Column("trigger", Text, nullable=False),  # poll, schedule, hand, catch_up, job, batch N (of a channel)
    Column("state", Text, nullable=False),  # running, waiting, ended
    Column("outcome", Text),  # done, nothing, failed, stopped
    Column("owner", ForeignKey("instance.id")),
    Column("command", Integer, nullable=False, default=0),  # number of the command it is at, from 1
    Column("script_sha256", Text, nullable=False, default=""),  # the text that was planned
    Column("skip_wait", Boolean, nullable=False, server_default=false()),  # run --now
    Column("approved", Boolean, nullable=False, server_default=false()),  # run --approve
    Column("next_at", BigInteger),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("files", Integer, nullable=False, default=0),
    Column("failed_files", Integer, nullable=False, default=0),
    Column("bytes", BigInteger, nullable=False, default=0),
    Column("notes", Text, nullable=False, default="[]"),  # JSON: what a person should know of this run
    Column("error", Text),
    Column("error_class", Text),
    Index("one_run_per_action", "action", unique=True, sqlite_where=text("state <> 'ended'")),
    Index("runs_by_action", "action", "id"),
    Index("runs_by_end", "ended_at"),
    _referring("runs_by_owner", "owner"),
    sqlite_autoincrement=True,
)

# The frozen file list of one command of a run: what was judged, nothing else is sent.
run_file = Table(
    "run_file",
    METADATA,
    Column("run", ForeignKey("run.id"), primary_key=True),
    Column("command", Integer, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("relative", Text, nullable=False),  # path below the source folder: what -REC keeps
    *_stamp("stamp"),
    Column("note", Text),  # "not judged: run --now"
)

# One file on its way within a run.
#   intended -> placing -> delivered -> done            the ordinary way
#   placing -> intended                                  given up before the rename: the partial is no more ours to keep
#   placing -> held | swapping -> delivered              settle found something in the way
#   delivered -> delete_failed                           sent, source still there
#   intended -> failed | parked | skipped                the end without delivery
#   delivered -> awaiting -> done | failed               PUT+GET waits for its answer
delivery = Table(
    "delivery",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id")),
    Column("parent", ForeignKey("delivery.id")),
    Column("action", Text, nullable=False),
    Column("command", Integer, nullable=False),
    Column("verb", Text, nullable=False),  # PUT, GET, PUT+GET, LCOPY
    Column("n", Integer, nullable=False, default=1),
    Column("of", Integer, nullable=False, default=1),
    Column("endpoint", Text, nullable=False),  # the named endpoint; "" for LCOPY of an action without one
    Column("place", Text, nullable=False),  # where the final stands: the endpoint's name, or "" for this machine
    Column("source", Text, nullable=False),
    Column("sources", Text),  # JSON [[path, name, size, mtime_ns, inode, device]] where one delivery has many (-ZIP)
    *_stamp("source"),
    Column("final", Text, nullable=False),
    Column("partial", Text, nullable=False),
    Column("starts", Integer, nullable=False, default=0),  # starts from zero; part of the partial's name
    Column("mode", Text, nullable=False),  # replace, hold, fail, unique, append
    Column("how", Text, nullable=False, default="{}"),  # JSON: the rest of the intent (gateway.ledger.intent)
    Column("remove_source", Boolean, nullable=False, default=False),
    Column("sentbox", Text),  # the folder that takes the source instead of its removal
    Column("sent_as", Text),  # where the source waits there
    *_stamp("before"),  # what stood under the final name at 1; before_size null = nothing
    *_stamp("partial"),  # what the finished partial showed at 5
    Column("backup", Text),  # swapping: where the old final waits
    Column("size", BigInteger),
    Column("sha256", Text),
    Column("offset", BigInteger),  # append: where this file's bytes begin
    Column("verified", Text),  # size, hash, readback, none
    Column("placed", Text),  # what settle saw under the final: same, other, gone
    Column("state", Text, nullable=False),
    Column("owner", ForeignKey("instance.id")),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", BigInteger),
    Column("started_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("error", Text),
    Column("error_class", Text),
    Column("notes", Text, nullable=False, default="[]"),  # JSON: warnings that belong on the receipt
    Index("deliveries_by_run", "run", "command", "n"),
    Index("deliveries_by_source", "action", "source"),
    Index("deliveries_by_parent", "parent"),
    Index("deliveries_by_state", "state", "endpoint"),
    Index("deliveries_by_time", "started_at"),
    _referring("deliveries_by_owner", "owner"),
    Index(
        "one_open_delivery_per_source",
        "action",
        "command",
        "source",
        "source_size",
        text("coalesce(source_mtime_ns, -1)"),
        unique=True,
        sqlite_where=text("state IN ('intended','placing','swapping','delivered','awaiting','held')"),
    ),
    Index(
        "one_open_delivery_per_final",
        "place",
        "final",
        unique=True,
        sqlite_where=text("state IN ('intended','placing','swapping','held')"),
    ),
    sqlite_autoincrement=True,
)

# PUT+GET: an answer that is waited for, with its own deadline.  noted -> waiting -> found | missed
awaited = Table(
    "awaited",
    METADATA,
    Column("delivery", ForeignKey("delivery.id"), primary_key=True),
    Column("action", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("response", Text, nullable=False),
    Column("local", Text, nullable=False),
    *_stamp("before"),  # what stood there before the PUT: only another one is the answer
    Column("deadline_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", ForeignKey("delivery.id")),
    _referring("awaited_by_answer", "answer"),
)

# A source after a failed run.  held_back -> parked | (gone: freed by a new stamp, retry, or success)
held_back = Table(
    "held_back",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("command", Integer, primary_key=True),
    Column("source", Text, primary_key=True),
    *_stamp("stamp"),
    Column("state", Text, nullable=False),  # held_back, parked, skipped
    Column("failures", Integer, nullable=False),
    Column("first_failed_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),
    Column("delivery", ForeignKey("delivery.id")),
    Column("error", Text, nullable=False),
    Column("error_class", Text, nullable=False),
    _referring("held_back_by_delivery", "delivery"),
)

# What -NEW and baseline know as delivered.  Kept as long as the file is there, and for a time after that.
seen = Table(
    "seen",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("command", Integer, primary_key=True),  # which delivered it; 0: it counts for all
    *_stamp("stamp"),
    Column("sha256", Text),
    Column("at", BigInteger, nullable=False),
    Column("gone_at", BigInteger),  # when the file was first found missing
)

# The first sight of a remote file with this stamp (GET): kept from run to run.
sighting = Table(
    "sighting",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("command", Integer, primary_key=True),
    Column("path", Text, primary_key=True),
    *_stamp("stamp"),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
)

# A verdict that changed: for `gateway why`.
look = Table(
    "look",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("size", BigInteger),
    Index("looks_by_path", "path", "id"),
    Index("looks_by_time", "at"),
    sqlite_autoincrement=True,
)

# How an endpoint is doing.
endpoint_state = Table(
    "endpoint_state",
    METADATA,
    Column("endpoint", Text, primary_key=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("failing_since", BigInteger),
    Column("next_at", BigInteger),  # no login before
    Column("error", Text),
    Column("error_class", Text),
    Column("digest", Text),  # of the settings that failed: others are tried at once
    Column("profile", Text),  # JSON, from probe
    Column("server", Text),  # where the last login worked; null: none did since that is kept
)

# What the scheduler must not forget about an action.
action_state = Table(
    "action_state",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("scheduled_at", BigInteger),  # the last due time that was run or skipped
    Column("failing_since", BigInteger),
    Column("failure", Text),  # fingerprint of the failure that was told
    Column("told_at", BigInteger),
)

# action:NAME, endpoint:NAME or all
pause = Table(
    "pause",
    METADATA,
    Column("scope", Text, primary_key=True),
    Column("until", BigInteger),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# A reaction that is due: written in the commit of the outcome that causes it.  waiting -> running -> done | failed
reaction = Table(
    "reaction",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("run.id")),
    Column("delivery", ForeignKey("delivery.id")),
    Column("action", Text, nullable=False),
    Column("event", Text, nullable=False),  # on_send ...
    Column("text", Text, nullable=False),  # as written in the header
    Column("macros", Text, nullable=False),  # JSON: the values for this event
    Column("state", Text, nullable=False),
    Column("owner", ForeignKey("instance.id")),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("output", Text),
    Column("error", Text),
    Index("reactions_due", "state", "next_at"),
    _referring("reactions_by_run", "run"),
    _referring("reactions_by_delivery", "delivery"),
    _referring("reactions_by_owner", "owner"),
    Index("reactions_by_end", "ended_at"),
    sqlite_autoincrement=True,
)

# When a CHECK last reported a file.
check_report = Table(
    "check_report",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    *_stamp("stamp"),
    Column("reported_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("next_at", BigInteger),
)

# What another process asks of the one that serves.  asked -> taken -> done | failed
request = Table(
    "request",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("arguments", Text, nullable=False, default="{}"),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", Text),
    Column("ended_at", BigInteger),
    sqlite_autoincrement=True,
)

# %index%: counts per endpoint and day
counter = Table(
    "counter",
    METADATA,
    Column("endpoint", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
