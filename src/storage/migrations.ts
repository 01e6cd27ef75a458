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
  },
  {
    // last_seq: of the newest entry; saved_seq: up to which a save has written them. body: JSON, or sealed bytes. key: what
    // tells that an entry came before. capture_saves: what was written, and to which commit it belongs.
    name: "captures",
    sql: `
      CREATE TABLE captures (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tool TEXT NOT NULL,
        agent_session TEXT,
        session_id TEXT,
        cwd TEXT,
        repository TEXT,
        branch TEXT,
        metadata TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at TEXT NOT NULL,
        last_at_millis INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        saved_seq INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        code_changes INTEGER NOT NULL,
        unsaved INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        masked INTEGER NOT NULL,
        cut INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        excluded INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, id, tool, agent_session, session_id, cwd, repository, branch, metadata, state, started_at, last_at_millis, last_seq, saved_seq, messages, code_changes, unsaved, bytes, masked, cut, dropped, excluded)) STORED
      ) STRICT;
      CREATE INDEX captures_of ON captures (tool, agent_session);
      CREATE TABLE capture_entries (
        number INTEGER PRIMARY KEY,
        capture INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        type TEXT NOT NULL,
        at TEXT NOT NULL,
        body ANY NOT NULL,
        cut_bytes INTEGER NOT NULL,
        key TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, capture, seq, type, at, body, cut_bytes, key)) STORED
      ) STRICT;
      CREATE UNIQUE INDEX capture_entries_of ON capture_entries (capture, seq);
      CREATE UNIQUE INDEX capture_entries_once ON capture_entries (capture, key) WHERE key IS NOT NULL;
      CREATE TABLE capture_saves (
        number INTEGER PRIMARY KEY,
        capture TEXT NOT NULL,
        repository TEXT NOT NULL,
        destination TEXT NOT NULL,
        slug TEXT NOT NULL,
        version TEXT NOT NULL,
        file TEXT,
        commit_sha TEXT,
        from_seq INTEGER NOT NULL,
        to_seq INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        code_changes INTEGER NOT NULL,
        saved_at TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, capture, repository, destination, slug, version, file, commit_sha, from_seq, to_seq, messages, code_changes, saved_at)) STORED
      ) STRICT;
      CREATE INDEX capture_saves_of ON capture_saves (commit_sha);
    `
  },
  {
    // methods, files: JSON. fingerprint: how the files were when they were read. processes: modules' processes that run.
    name: "modules",
    sql: `
      CREATE TABLE modules (
        namespace TEXT NOT NULL,
        file TEXT NOT NULL,
        added_at TEXT NOT NULL,
        kind TEXT NOT NULL,
        methods TEXT NOT NULL,
        files TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(namespace, file, added_at, kind, methods, files, fingerprint)) STORED,
        PRIMARY KEY (namespace, file)
      ) STRICT;
      CREATE TABLE module_processes (
        pid INTEGER PRIMARY KEY,
        start_time TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(pid, start_time, boot_id)) STORED
      ) STRICT;
    `
  },
  {
    // `job`: the number of the job as it was then; it may be gone, or replaced by one with another number.
    name: "jobs",
    sql: `
      CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        id TEXT NOT NULL,
        cron TEXT NOT NULL,
        time_zone TEXT,
        work TEXT NOT NULL,
        missed TEXT NOT NULL,
        overlap TEXT NOT NULL,
        guarantee TEXT NOT NULL,
        timeout_millis INTEGER,
        retries INTEGER NOT NULL,
        jitter_millis INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        created_by TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, namespace, id, cron, time_zone, work, missed, overlap, guarantee, timeout_millis, retries, jitter_millis, created_at, created_by)) STORED
      ) STRICT;
      CREATE TABLE job_progress (
        number INTEGER PRIMARY KEY,
        decided TEXT NOT NULL,
        since_millis INTEGER NOT NULL,
        paused INTEGER NOT NULL,
        run_count INTEGER NOT NULL,
        last_run TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, decided, since_millis, paused, run_count, last_run)) STORED
      ) STRICT;
      CREATE TABLE job_runs (
        run INTEGER PRIMARY KEY,
        job INTEGER NOT NULL,
        namespace TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        slot TEXT,
        cause TEXT NOT NULL,
        state TEXT NOT NULL,
        slots INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        decided_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        duration_millis INTEGER,
        exit_code INTEGER,
        output TEXT,
        error TEXT,
        session TEXT,
        bytes INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(run, job, namespace, id, kind, slot, cause, state, slots, attempts, decided_at, started_at, ended_at, duration_millis, exit_code, output, error, session, bytes)) STORED
      ) STRICT;
      CREATE INDEX job_runs_of ON job_runs (namespace, id, run);
      CREATE INDEX job_runs_open ON job_runs (run) WHERE state IN ('queued', 'running');
    `
  },
  {
    // secrets: JSON, a list. told: JSON, what a sender hears that sends it again. A delivery without an outcome waits for its
    // first run. runs: JSON, pairs of a delivery's number and which of its runs was begun.
    name: "webhooks",
    sql: `
      CREATE TABLE webhooks (
        namespace TEXT NOT NULL,
        method TEXT NOT NULL,
        scheme TEXT NOT NULL,
        secrets TEXT NOT NULL,
        retries INTEGER NOT NULL,
        guarantee TEXT NOT NULL,
        timeout_millis INTEGER,
        allowed_millis INTEGER NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(namespace, method, scheme, secrets, retries, guarantee, timeout_millis, allowed_millis)) STORED,
        PRIMARY KEY (namespace, method)
      ) STRICT;
      CREATE TABLE webhook_deliveries (
        number INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        method TEXT NOT NULL,
        sender_id TEXT,
        received_millis INTEGER NOT NULL,
        headers TEXT NOT NULL,
        query TEXT NOT NULL,
        address TEXT NOT NULL,
        body BLOB,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, namespace, method, sender_id, received_millis, headers, query, address, body)) STORED
      ) STRICT;
      CREATE UNIQUE INDEX webhook_deliveries_sender ON webhook_deliveries (namespace, method, sender_id) WHERE sender_id IS NOT NULL;
      CREATE TABLE webhook_outcomes (
        number INTEGER PRIMARY KEY,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        misses INTEGER NOT NULL,
        next_millis INTEGER,
        ended_millis INTEGER,
        error TEXT,
        told TEXT,
        result TEXT,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(number, state, attempts, failures, misses, next_millis, ended_millis, error, told, result)) STORED
      ) STRICT;
      CREATE TABLE webhook_begun (
        batch INTEGER PRIMARY KEY,
        runs TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(batch, runs)) STORED
      ) STRICT;
    `
  },
  {
    // output_offset: up to which output it has been read. progress: JSON.
    name: "agent sessions",
    sql: `
      CREATE TABLE agent_sessions (
        session_id TEXT PRIMARY KEY,
        agent TEXT,
        input TEXT NOT NULL,
        output TEXT NOT NULL,
        idempotency_key TEXT,
        fingerprint TEXT NOT NULL,
        output_offset INTEGER NOT NULL,
        progress TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(session_id, agent, input, output, idempotency_key, fingerprint, output_offset, progress)) STORED
      ) STRICT;
      CREATE UNIQUE INDEX agent_sessions_key ON agent_sessions (idempotency_key) WHERE idempotency_key IS NOT NULL;
    `
  },
  {
    // Tokens of the HTTP API. hash: SHA-256 of the token, in hexadecimal digits. kind: how it has to come.
    name: "tokens",
    sql: `
      CREATE TABLE http_tokens (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL,
        hash TEXT NOT NULL,
        created_millis INTEGER NOT NULL,
        expires_millis INTEGER,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(id, name, scope, kind, hash, created_millis, expires_millis)) STORED
      ) STRICT;
    `
  },
  {
    // What there is to log in with is a secret; here is only of which kind it is.
    name: "upstreams",
    sql: `
      CREATE TABLE upstreams (
        name TEXT PRIMARY KEY,
        uri TEXT NOT NULL,
        user_name TEXT,
        insecure INTEGER NOT NULL,
        ca_file TEXT,
        concurrency INTEGER NOT NULL,
        lifetime_millis INTEGER,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(name, uri, user_name, insecure, ca_file, concurrency, lifetime_millis)) STORED
      ) STRICT;
      CREATE TABLE upstream_credentials (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(name, kind)) STORED
      ) STRICT;
    `
  },
  {
    // changes: JSON, a list: the token of a lease that is over, or a lease as
    // [token, namespace, name, holder, ttl_millis, deadline_millis, acquired at (milliseconds since 1970), secret_hash].
    // What is here goes before what is in `locks`.
    name: "journal of locks",
    sql: `
      CREATE TABLE lock_changes (
        batch INTEGER PRIMARY KEY,
        boot_id TEXT,
        changes TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(batch, boot_id, changes)) STORED
      ) STRICT;
    `
  },
  {
    // The same in rows that are written over: those of the greatest round count, in the order of their slots.
    name: "journal of locks in place",
    sql: `
      CREATE TABLE lock_journal (
        slot INTEGER PRIMARY KEY,
        round INTEGER NOT NULL,
        boot_id TEXT,
        changes TEXT NOT NULL,
        crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(slot, round, boot_id, changes)) STORED
      ) STRICT;
      INSERT INTO lock_journal (slot, round, boot_id, changes)
        SELECT batch - (SELECT min(batch) FROM lock_changes), 1, boot_id, changes FROM lock_changes;
      DROP TABLE lock_changes;
    `
  },
  {
    // A job is replaced and removed by its name.
    name: "jobs by name",
    sql: "CREATE INDEX jobs_of ON jobs (namespace, id);"
  }
]
