/** A step of the store's schema. Once released, a step is never changed: stores were made by it. */
export interface Migration {
  readonly name: string
  readonly sql: string
}

/**
 * Every step, in order, of all concerns: step n brings the store to version n. Tables are `STRICT` and end with a
 * column `crc` (see rowCrc.ts); values have their unit in their name; instants are ISO 8601 in UTC.
 */
export const migrations: ReadonlyArray<Migration> = [
  {
    name: "daemon runs",
    sql: `
      CREATE TABLE daemon_runs (
        id INTEGER PRIMARY KEY,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        how TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(id, pid, version, started_at, ended_at, how)) STORED
      ) STRICT;
    `
  },
  {
    name: "logs of claude-sessions",
    sql: `
      CREATE TABLE claude_sessions_logs (
        session_id TEXT PRIMARY KEY,
        file_bytes INTEGER NOT NULL,
        output_offset INTEGER NOT NULL,
        input_offset INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(session_id, file_bytes, output_offset, input_offset, complete)) STORED
      ) STRICT;
    `
  },
  {
    name: "events of channels",
    // `previous`: the position of the channel's event before, or of what was dropped before it: shows that one is missing.
    sql: `
      CREATE TABLE channel_events (
        position INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        channel TEXT NOT NULL,
        previous INTEGER NOT NULL,
        at_millis INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        message TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(position, namespace, channel, previous, at_millis, bytes, message)) STORED
      ) STRICT;
      CREATE INDEX channel_events_of ON channel_events (namespace, channel, position);
      CREATE TABLE channel_drops (
        namespace TEXT NOT NULL,
        channel TEXT NOT NULL,
        position INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(namespace, channel, position)) STORED,
        PRIMARY KEY (namespace, channel)
      ) STRICT;
      CREATE TABLE channel_epochs (
        epoch INTEGER PRIMARY KEY,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(epoch)) STORED
      ) STRICT;
    `
  },
  {
    // deadline_millis is on the monotonic clock of boot_id. secret_hash: of a lock bound to a connection.
    name: "locks",
    sql: `
      CREATE TABLE locks (
        token INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        holder TEXT NOT NULL,
        ttl_millis INTEGER NOT NULL,
        deadline_millis INTEGER NOT NULL,
        boot_id TEXT,
        acquired_at TEXT NOT NULL,
        secret_hash TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash)) STORED
      ) STRICT;
      CREATE TABLE lock_tokens (
        id INTEGER PRIMARY KEY,
        ceiling INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(id, ceiling)) STORED
      ) STRICT;
    `
  }
]
