-- What every peer keeps: dedup, state, history and outbox, as Ostler does.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS operations (
  command TEXT NOT NULL, uuid TEXT NOT NULL, server_id INTEGER NOT NULL, outcome TEXT NOT NULL, decided_at TEXT NOT NULL,
  PRIMARY KEY (uuid, command, server_id)
);
CREATE TABLE IF NOT EXISTS servers (
  id INTEGER PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, sub_state TEXT, reason TEXT,
  changed_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS history (
  position INTEGER PRIMARY KEY, server_id INTEGER NOT NULL, version INTEGER NOT NULL, command TEXT NOT NULL,
  at TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_server ON history (server_id, version);
CREATE TABLE IF NOT EXISTS outbox (
  position INTEGER PRIMARY KEY, routing_key TEXT NOT NULL, body TEXT NOT NULL
);
