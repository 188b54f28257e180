"""All SQL of the store. One row a record, and one number each for the version of the last batch and for the format."""

FORMAT = 1
"""Of tables and records. A store with a higher number was written by a newer swarmlite and is left alone."""

SETTINGS = (
    "PRAGMA locking_mode = EXCLUSIVE",  # one daemon a store; also spares WAL its shared memory
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 16777216",
)

CHECK = "PRAGMA quick_check(1)"

TABLES = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS record"
    " (kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id))",
    f"INSERT OR IGNORE INTO meta VALUES ('format', {FORMAT}), ('version', 0)",
)

HAS_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'"

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"

GET_META = "SELECT value FROM meta WHERE name = ?"
ADVANCE = "UPDATE meta SET value = :to WHERE name = 'version' AND value = :from"

ALL = "SELECT kind, body FROM record"
PUT = "INSERT INTO record (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body"
DELETE = "DELETE FROM record WHERE kind = ? AND id = ?"
