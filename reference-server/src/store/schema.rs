//! The tables, and how those of before are brought up.

use rusqlite::Connection;

use super::open::First;
use super::{governance_rows, rows};

/// The version of the tables below, kept in `PRAGMA user_version`.
pub(super) const SCHEMA_VERSION: i64 = 4;
/// The version that has documents for the first time, and secrets in them.
pub(super) const GOVERNED: i64 = 3;

const SCHEMA: &str = "
CREATE TABLE keys (
    id           BLOB PRIMARY KEY NOT NULL,
    role         TEXT NOT NULL,
    digest       BLOB NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    manager_id   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    active       INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    requests_per_minute INTEGER NOT NULL DEFAULT 1000000000,
    tokens_per_minute   INTEGER NOT NULL DEFAULT 1000000000
) STRICT;
CREATE TABLE events (
    world         INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    request_id    BLOB NOT NULL,
    key_id        BLOB NOT NULL,
    manager_id    TEXT NOT NULL,
    model         TEXT NOT NULL,
    operation     TEXT NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost          TEXT NOT NULL,
    PRIMARY KEY (world, seq)
) STRICT, WITHOUT ROWID;
";

/// What version 1 did not know of a key.
const LIMITS: &str = "
ALTER TABLE keys ADD COLUMN requests_per_minute INTEGER NOT NULL DEFAULT 1000000000;
ALTER TABLE keys ADD COLUMN tokens_per_minute   INTEGER NOT NULL DEFAULT 1000000000;
";

/// What came with version 2.
const RESPONSES: &str = "
CREATE TABLE responses (
    place    INTEGER PRIMARY KEY,
    world    INTEGER NOT NULL,
    id       TEXT NOT NULL,
    key_id   BLOB NOT NULL,
    previous TEXT,
    input    TEXT NOT NULL,
    response TEXT NOT NULL,
    size     INTEGER NOT NULL,
    UNIQUE (world, id)
) STRICT;
CREATE INDEX responses_by_world ON responses (world, place, size);
";

/// What came with version 3. Where no world stands, the rows are the default one's: what others settle ends with them.
const GOVERNANCE: &str = "
CREATE TABLE governance (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    place INTEGER NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE budgets (
    id    BLOB PRIMARY KEY NOT NULL,
    since INTEGER NOT NULL,
    used  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rate_limits (
    id             BLOB PRIMARY KEY NOT NULL,
    requests_since INTEGER,
    requests       INTEGER NOT NULL,
    tokens_since   INTEGER,
    tokens         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    seat   BLOB PRIMARY KEY NOT NULL,
    key_id TEXT NOT NULL,
    ends   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE jobs (
    place       INTEGER PRIMARY KEY,
    world       INTEGER NOT NULL,
    id          TEXT NOT NULL,
    operation   TEXT NOT NULL,
    virtual_key BLOB,
    status      TEXT NOT NULL,
    ttl         INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    completed   INTEGER,
    expires     INTEGER,
    status_code INTEGER,
    body        TEXT,
    size        INTEGER NOT NULL,
    UNIQUE (world, id)
) STRICT;
CREATE TABLE calls (
    world                INTEGER NOT NULL,
    place                INTEGER NOT NULL,
    id                   BLOB NOT NULL,
    at                   INTEGER NOT NULL,
    provider             TEXT,
    model                TEXT NOT NULL,
    object               TEXT NOT NULL,
    status               TEXT NOT NULL,
    status_code          INTEGER,
    latency              INTEGER NOT NULL,
    input_tokens         INTEGER NOT NULL,
    output_tokens        INTEGER NOT NULL,
    thinking_tokens      INTEGER NOT NULL,
    cached_tokens        INTEGER NOT NULL,
    cache_written_tokens INTEGER NOT NULL,
    cost                 TEXT NOT NULL,
    key_id               TEXT,
    key_name             TEXT,
    virtual_key          BLOB,
    virtual_key_name     TEXT,
    rule                 BLOB,
    attempts             INTEGER NOT NULL,
    error                TEXT,
    PRIMARY KEY (world, place),
    UNIQUE (world, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX calls_by_time ON calls (world, at);
";

/// What came with version 4. Before it two documents of a kind could come to stand in one place, where only one of them
/// is found: each gets its own, in the order in which they stand. Of a session of before nobody knows how long it was
/// to stay after its last request; here it is a year, which is the longest. Some files of version 3 have the indexes
/// already.
const PLACES: &str = "
DROP INDEX IF EXISTS governance_places;
UPDATE governance SET place = placed.place FROM
    (SELECT kind, id, row_number() OVER (PARTITION BY kind ORDER BY place, id) AS place
     FROM governance WHERE place > 0) AS placed
    WHERE governance.kind = placed.kind AND governance.id = placed.id;
CREATE UNIQUE INDEX governance_places ON governance (kind, place) WHERE place > 0;
DROP INDEX IF EXISTS jobs_finished;
CREATE INDEX jobs_finished ON jobs (world, virtual_key, completed, expires, size) WHERE completed IS NOT NULL;
ALTER TABLE sessions ADD COLUMN ttl INTEGER NOT NULL DEFAULT 31536000000000;
";

/// Makes all tables, with what a new state begins with.
pub(super) fn create(connection: &Connection, first: First<'_>) -> rusqlite::Result<()> {
    bring_up(connection, &[SCHEMA, RESPONSES, GOVERNANCE, PLACES], first)
}

/// Brings up the tables of an earlier version. What they could not hold begins as in a new state; keys they have, and
/// documents from version 3 on.
pub(super) fn upgrade(connection: &Connection, found: i64, first: First<'_>) -> rusqlite::Result<()> {
    let missing: &[&str] = match found {
        1 => &[LIMITS, RESPONSES, GOVERNANCE, PLACES],
        2 => &[GOVERNANCE, PLACES],
        _ => &[PLACES],
    };
    let documents = if found < GOVERNED { first.documents } else { &[] };
    bring_up(connection, missing, First { keys: &[], documents })
}

fn bring_up(connection: &Connection, missing: &[&str], first: First<'_>) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    for batch in missing {
        transaction.execute_batch(batch)?;
    }
    for key in first.keys {
        rows::save_key(&transaction, key)?;
    }
    for document in first.documents {
        governance_rows::change(&transaction, document)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}
