"""The ledger's tables of channels and their catalogues; as in `gateway.ledger.tables`.

A detection that finds nothing changed reads one row of the catalogue and one of each channel, however many items.
`catalogue_*` is what a catalogue held when it was last at rest; `channel_item` is what a channel has got of it.
Digests of items are the first 32 digits of a SHA-256.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, false, text

from gateway.ledger.tables import METADATA
from gateway.ledger.words import Words as Text

OPEN_BATCH = text("channel_batch.state IN ('delivering','failed')")
COUNTS_UNNAMED = text("NOT named AND delivered_at IS NULL AND first_at IS NOT NULL AND metadata != '' AND files != ''")
OPEN = "('waiting','review','held','batched')"

# How a catalogue looked when it was looked at last.
catalogue_look = Table(
    "catalogue_look",
    METADATA,
    Column("catalogue", Text, primary_key=True),
    Column("digest", Text),  # of the whole listing; null: something of it was not at rest, or could not be read
    Column("rules", Text),  # digest of the rules that its metadata was hashed by
    Column("items", Integer, nullable=False, default=0),
    Column("looked_at", BigInteger, nullable=False),
    Column("error", Text),
)

# An item as it was when it was last at rest.
catalogue_item = Table(
    "catalogue_item",
    METADATA,
    Column("catalogue", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("look", Text, nullable=False),  # digest of its names, sizes, times and inodes
    Column("metadata", Text, nullable=False),  # digest of its metadata's content, what doesn't count left out
    Column("files", Text, nullable=False),  # of all its other files
    Column("fault", Text),  # why its metadata is not well-formed
    Column("outdated", Boolean, nullable=False, server_default=false()),  # its metadata was told by other rules
    sqlite_with_rowid=False,
)

# And its files.
catalogue_file = Table(
    "catalogue_file",
    METADATA,
    Column("catalogue", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("relative", Text, primary_key=True),  # below the item's folder
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("meta_sha256", Text),  # metadata alone: of what counts in it
    Column("fault", Text),  # why it is not well-formed
    Column("hashed_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What must not be forgotten about a channel.  *_at: the due time that was handled last; none is handled twice.
channel_state = Table(
    "channel_state",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("catalogue", Text, nullable=False, default=""),
    Column("begun_at", BigInteger),  # its first detection, when `start` was decided
    Column("cron_at", BigInteger),
    Column("first_at", BigInteger),
    Column("metadata_at", BigInteger),
    Column("file_at", BigInteger),
    Column("times", Text),  # JSON: the rhythms that *_at were handled by; those of another rhythm count from its change
    Column("released", Boolean, nullable=False, server_default=false()),  # many first deliveries may go
    Column("rules", Text),  # digest of its selection and approvals at the last detection
    Column("filling", Boolean, nullable=False, server_default=false()),  # new items were being written then
    Column("asked", Boolean, nullable=False, server_default=false()),  # a person is to say whether many may go
    Column("settled", Text),  # the catalogue's digest that its queue is up to date with
)

# What a channel has got of an item, or counts as got.  "" as digest: whatever the item comes to rest with counts.
channel_item = Table(
    "channel_item",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("metadata", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("contents", Text, nullable=False),  # JSON [{metadata path: digest}, {file path: digest}]
    Column("first_at", BigInteger),  # null: never delivered nor counted so; what is known of it was dropped by hand
    Column("delivered_at", BigInteger),  # null: counts as delivered only
    Column("gone_at", BigInteger),  # when it was first missing from the catalogue or the selection
    Column("named", Boolean, nullable=False, server_default=false()),  # channel_name has what it counts as got
    Index("channel_items_without_names", "channel", sqlite_where=COUNTS_UNNAMED),
    sqlite_with_rowid=False,
)

# The name at the recipient of a file that counts as got: no batch says it.  The later of both holds.
channel_name = Table(
    "channel_name",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("folded", Text, primary_key=True),  # `final` without upper and lower case
    Column("item", Text, primary_key=True),
    Column("relative", Text, primary_key=True),
    Column("final", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # since when it counts
    sqlite_with_rowid=False,
)

# Something that a channel is to get.
#   waiting | review | held -> batched -> delivered       batched -> waiting | review     its files changed meanwhile
#   review -> waiting  approved       any but batched -> dropped       metadata -> merged: a file delivery had it
#   failed: a copy of one that left its batch after tries that failed
channel_event = Table(
    "channel_event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("kind", Text, nullable=False),  # first, metadata, file
    Column("state", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("contents", Text, nullable=False),
    Column("changed", Text, nullable=False, default="[]"),  # JSON: paths below the item that the channel lacks
    Column("detected_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # the newest change that it stands for
    Column("reason", Text),
    Column("by", Text),  # who approved or dropped it
    Column("batch", ForeignKey("channel_batch.id")),
    Column("ended_at", BigInteger),
    Index(
        "one_open_event",
        "channel",
        "item",
        "kind",
        unique=True,
        sqlite_where=text(f"state IN {OPEN}"),
    ),
    Index("channel_events_by_item", "channel", "item", "id"),
    Index("channel_events_by_batch", "batch", sqlite_where=text("batch IS NOT NULL")),
    Index("channel_events_by_end", "ended_at"),
    sqlite_autoincrement=True,
)

# What goes out together.  delivering -> delivered | failed -> delivering | given_up
channel_batch = Table(
    "channel_batch",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),  # the n-th of that channel and day
    Column("day", Text, nullable=False),  # ISO date in the channel's zone
    Column("freezing", Boolean, nullable=False, server_default=false()),  # not all that goes with it is in it yet
    Column("action_run", ForeignKey("run.id")),
    Column("address", Text),  # where its last try went; null: it was before that was kept, or there was none
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text),
    Column("error_class", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("channel_batches_by_day", "channel", "day", "number", unique=True),
    Index("open_channel_batches", "channel", sqlite_where=text("state IN ('delivering','failed')")),
    Index("channel_batches_by_action_run", "action_run", sqlite_where=text("action_run IS NOT NULL")),
    Index("channel_batches_by_end", "ended_at"),
    sqlite_autoincrement=True,
)

# The frozen payload of a batch.
channel_batch_file = Table(
    "channel_batch_file",
    METADATA,
    Column("batch", ForeignKey("channel_batch.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("event", ForeignKey("channel_event.id")),  # null: the done marker
    Column("source", Text, nullable=False),
    Column("relative", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("inode", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("final", Text, nullable=False),
    Column("folded", Text, nullable=False, server_default=""),  # `final` without upper and lower case
    Column("delivered_at", BigInteger),  # set in the commit that says delivered, whoever brings it to its end
    Column("delivery", Integer),
    Index("channel_batch_files_by_event", "event", sqlite_where=text("event IS NOT NULL")),
    Index("channel_batch_files_by_name", "folded"),
    sqlite_with_rowid=False,
)

# Who changed what of a schedule.
channel_change = Table(
    "channel_change",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("channel", Text, nullable=False),  # "" for the default of all channels
    Column("key", Text, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("outside", Boolean, nullable=False, server_default=false()),  # the file was edited, not saved by the form
    Index("channel_changes_by_channel", "channel", "id"),
    sqlite_autoincrement=True,
)

# What the files said when they were last read or saved: what differs was changed by another hand.
channel_value = Table(
    "channel_value",
    METADATA,
    Column("channel", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text),
    sqlite_with_rowid=False,
)
