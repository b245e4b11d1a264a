/// The tables of schema version 1.
///
/// Moments are milliseconds since 1970, UUIDs are 16-byte blobs, enumerations are spelt as in the contract.
/// CHECKs and foreign keys carry what must hold whoever writes: a server in a state has what belongs to that state
/// and nothing else, and an allocated server has exactly one allocation that has not ended. The CHECKs say `a = 'x' OR
/// a = 'y'`: for `a IN ('x', 'y', 'z')` SQLite builds a small table in every statement, which cost a third of an update.
let firstSchema = """
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id BLOB NOT NULL CHECK (length(store_id) = 16),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    -- The last position handed out; survives an empty outbox.
    last_position INTEGER NOT NULL CHECK (last_position >= 0),
    outbox_count INTEGER NOT NULL CHECK (outbox_count >= 0),
    -- The fence: who may commit for the worker.
    worker BLOB CHECK (length(worker) = 16),
    worker_ended_cleanly INTEGER NOT NULL CHECK (worker_ended_cleanly IN (0, 1))
  ) STRICT;

  -- Every epoch of this store, and the last position that was handed out before it: tells of an old position what the
  -- id of its event is.
  CREATE TABLE epochs (
    epoch INTEGER PRIMARY KEY CHECK (epoch >= 1),
    after_position INTEGER NOT NULL CHECK (after_position >= 0)
  ) STRICT;

  CREATE TABLE servers (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    version INTEGER NOT NULL CHECK (version >= 1),
    enrolled_version INTEGER NOT NULL CHECK (enrolled_version BETWEEN 1 AND version),
    name TEXT,
    location_id INTEGER NOT NULL CHECK (location_id >= 1),
    instance_type_id INTEGER NOT NULL CHECK (instance_type_id >= 1),
    state TEXT NOT NULL CHECK (
      state = 'new' OR state = 'backToBaseline' OR state = 'available' OR state = 'allocated'
      OR state = 'isolated' OR state = 'quarantined' OR state = 'decommissioned'),
    previous_state TEXT CHECK (
      previous_state = 'new' OR previous_state = 'backToBaseline' OR previous_state = 'available'
      OR previous_state = 'allocated' OR previous_state = 'isolated' OR previous_state = 'quarantined'
      OR previous_state = 'decommissioned'),
    reason TEXT,
    changed_at INTEGER NOT NULL,
    -- The last entry of its story; from there each entry names the one before.
    history_position INTEGER NOT NULL REFERENCES history (position),
    baseline_id BLOB CHECK (length(baseline_id) = 16),
    -- The position of the change that made it available: who was first is first.
    available_position INTEGER,
    -- Of an isolated server, or of one that was isolated when it was frozen.
    sub_state TEXT CHECK (
      sub_state = 'backToBaseline' OR sub_state = 'excluded' OR sub_state = 'reserved'
      OR sub_state = 'brokenHardware' OR sub_state = 'incompleteData' OR sub_state = 'failedOsInstall'
      OR sub_state = 'unknownError' OR sub_state = 'rentedLegacy'),
    isolation_reason TEXT,
    held_state TEXT CHECK (
      held_state = 'new' OR held_state = 'backToBaseline' OR held_state = 'available'
      OR held_state = 'allocated' OR held_state = 'allocationEnded' OR held_state = 'isolated'),
    -- 0 in a quarantined server: the row of holds that must be there.
    first_hold INTEGER CHECK (first_hold = 0),
    -- 1 where an allocation runs: the row of allocations that must be there.
    live_allocation INTEGER CHECK (live_allocation = 1),
    CHECK ((state = 'backToBaseline') = (baseline_id IS NOT NULL)),
    CHECK ((state = 'available') = (available_position IS NOT NULL)),
    CHECK ((state = 'quarantined') = (held_state IS NOT NULL)),
    CHECK ((state = 'quarantined') = (first_hold IS NOT NULL)),
    CHECK ((state = 'isolated' OR held_state IS 'isolated') = (sub_state IS NOT NULL)),
    CHECK (isolation_reason IS NULL OR sub_state IS NOT NULL),
    CHECK ((state = 'allocated' OR held_state IS 'allocated') = (live_allocation IS NOT NULL)),
    FOREIGN KEY (id, first_hold) REFERENCES holds (server_id, ordinal) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (id, live_allocation) REFERENCES allocations (server_id, live) DEFERRABLE INITIALLY DEFERRED
  ) STRICT;
  CREATE INDEX servers_available ON servers (location_id, instance_type_id, available_position)
    WHERE available_position IS NOT NULL;
  CREATE INDEX servers_location ON servers (location_id);

  CREATE TABLE holds (
    server_id INTEGER NOT NULL REFERENCES servers (id),
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    case_id TEXT,
    PRIMARY KEY (server_id, ordinal)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX holds_case ON holds (server_id, ifnull('=' || case_id, ''));

  -- An allocation is named by its server and by the version of that server that began it.
  CREATE TABLE allocations (
    server_id INTEGER NOT NULL REFERENCES servers (id) DEFERRABLE INITIALLY DEFERRED,
    began_version INTEGER NOT NULL CHECK (began_version >= 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    client_id INTEGER NOT NULL CHECK (client_id >= 1),
    contract_id TEXT CHECK (contract_id <> ''),
    quota_type TEXT NOT NULL CHECK (quota_type IN ('commit', 'onDemand')),
    location_id INTEGER NOT NULL CHECK (location_id >= 1),
    instance_type_id INTEGER NOT NULL CHECK (instance_type_id >= 1),
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT CHECK (
      ended_by = 'deallocate' OR ended_by = 'compensate' OR ended_by = 'unquarantine'),
    -- 1 while it runs: a server has at most one.
    live INTEGER GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 1 END) VIRTUAL,
    PRIMARY KEY (server_id, began_version),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (quota_type = 'onDemand' OR contract_id IS NOT NULL)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX allocations_live ON allocations (server_id, live);
  CREATE INDEX allocations_client ON allocations (client_id);

  -- contract_id '' is on-demand; location 0 and type 0 are caps; client 0 holds the defaults.
  CREATE TABLE quotas (
    client_id INTEGER NOT NULL CHECK (client_id >= 0),
    contract_id TEXT NOT NULL,
    location_id INTEGER NOT NULL CHECK (location_id >= 0),
    instance_type_id INTEGER NOT NULL CHECK (instance_type_id >= 0),
    row_limit INTEGER NOT NULL CHECK (row_limit BETWEEN 0 AND 32767),
    PRIMARY KEY (client_id, contract_id, location_id, instance_type_id),
    CHECK (contract_id = '' OR (client_id > 0 AND location_id > 0 AND instance_type_id > 0)),
    CHECK (location_id > 0 OR instance_type_id = 0)
  ) STRICT, WITHOUT ROWID;

  -- Live allocations per key of a quota row, whether that row exists or not. An on-demand allocation counts three
  -- times: for its location and type, for its location (type 0), and for its client (both 0).
  CREATE TABLE quota_use (
    client_id INTEGER NOT NULL CHECK (client_id >= 1),
    contract_id TEXT NOT NULL,
    location_id INTEGER NOT NULL CHECK (location_id >= 0),
    instance_type_id INTEGER NOT NULL CHECK (instance_type_id >= 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (client_id, contract_id, location_id, instance_type_id)
  ) STRICT, WITHOUT ROWID;

  -- Ids ascend, without gaps but for what was pruned. There is no index by key: senders choose the keys, so each command
  -- would touch a random page of it. See OperationIndex.
  CREATE TABLE operations (
    id INTEGER PRIMARY KEY CHECK (id >= 1),
    key BLOB NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt BETWEEN 1 AND 1000),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    outcome TEXT NOT NULL CHECK (
      outcome = 'applied' OR outcome = 'unchanged' OR outcome = 'rejected'),
    decided_at INTEGER NOT NULL,
    server_id INTEGER,
    server_version INTEGER,
    event_position INTEGER,
    dead_letter_id BLOB CHECK (length(dead_letter_id) = 16),
    reply BLOB
  ) STRICT;

  -- Of each 65,536 ids in a row, once they are all given out, which ones have a key whose hash begins with which 7 bits
  -- (bucket = generation * 128 + those bits), and a filter that says whether a key may be among them.
  CREATE TABLE operation_index (
    bucket INTEGER PRIMARY KEY CHECK (bucket >= 0),
    entries BLOB NOT NULL CHECK (length(entries) % 6 = 0)
  ) STRICT;
  CREATE TABLE operation_generations (
    generation INTEGER PRIMARY KEY CHECK (generation >= 0),
    filter BLOB NOT NULL
  ) STRICT;

  -- Operations that were applied or changed nothing in a store that this one, restored from a backup, replaced: what
  -- the events log told of them. Written by a restore only. Body and attempt are not known any more.
  CREATE TABLE lost_operations (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    outcome TEXT NOT NULL CHECK (outcome = 'applied' OR outcome = 'unchanged'),
    decided_at INTEGER NOT NULL,
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    server_id INTEGER,
    server_version INTEGER,
    -- JSON of the state that an `allocate` left: its sender knows the server from nowhere else.
    data BLOB
  ) STRICT;

  -- Every change of a server (event), and every command rejected because it was quarantined (code). A chain per
  -- server instead of an index: an index by server would touch a random page with every entry. That a version is
  -- changed only once is seen to by the update of the server, which asks for the version before.
  CREATE TABLE history (
    position INTEGER PRIMARY KEY CHECK (position >= 1),
    previous_position INTEGER CHECK (previous_position < position),
    server_id INTEGER NOT NULL CHECK (server_id >= 1),
    version INTEGER NOT NULL CHECK (version >= 1),
    at INTEGER NOT NULL,
    event TEXT,
    code TEXT,
    command TEXT NOT NULL,
    operation TEXT,
    actor TEXT,
    replayed_by TEXT,
    reason TEXT,
    -- `enroll`: when the allocation or availability began, as the sender said.
    since INTEGER,
    -- JSON of the state as that version left it.
    data BLOB,
    CHECK ((event IS NULL) = (code IS NOT NULL)),
    CHECK (event IS NULL OR data IS NOT NULL)
  ) STRICT;

  -- What is still to be published, in commit order.
  CREATE TABLE outbox (
    position INTEGER PRIMARY KEY CHECK (position >= 1),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    at INTEGER NOT NULL,
    routing_key TEXT NOT NULL,
    traceparent TEXT,
    -- NULL: a change of a server, which the history has at the same position.
    body BLOB
  ) STRICT;

  CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    state TEXT NOT NULL CHECK (
      state = 'open' OR state = 'answered' OR state = 'replaying' OR state = 'resolved' OR state = 'discarded'),
    state_since INTEGER NOT NULL,
    command TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    details TEXT NOT NULL,
    server_id INTEGER,
    client_id INTEGER,
    operation TEXT,
    operation_key BLOB,
    attempt INTEGER CHECK (attempt BETWEEN 1 AND 1000),
    actor TEXT,
    received_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    count INTEGER NOT NULL CHECK (count >= 1),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    queue TEXT NOT NULL,
    exchange TEXT NOT NULL,
    routing_key TEXT NOT NULL,
    body BLOB NOT NULL,
    body_size INTEGER NOT NULL CHECK (body_size >= length(body)),
    body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32),
    properties TEXT NOT NULL,
    headers TEXT NOT NULL,
    same_message BLOB NOT NULL CHECK (length(same_message) = 32),
    -- The letter that this one was made from, with another body.
    edited_from BLOB CHECK (length(edited_from) = 16)
  ) STRICT;
  CREATE INDEX dead_letters_state ON dead_letters (state, state_since);
  CREATE INDEX dead_letters_open ON dead_letters (received_at) WHERE state = 'open';
  CREATE INDEX dead_letters_operation ON dead_letters (operation_key) WHERE operation_key IS NOT NULL;
  -- The same message refused again, before its letter is closed, is the same letter.
  CREATE UNIQUE INDEX dead_letters_same_message ON dead_letters (same_message)
    WHERE state IN ('open', 'answered', 'replaying');

  -- Every attempt to replay a letter, in the order in which they were asked for.
  CREATE TABLE replays (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    letter_id BLOB NOT NULL REFERENCES dead_letters (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    state TEXT NOT NULL CHECK (state IN ('asked', 'published', 'succeeded', 'failed', 'givenUp')),
    server_id INTEGER,
    asked_by TEXT NOT NULL,
    reason TEXT,
    asked_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (letter_id, attempt),
    CHECK ((state IN ('asked', 'published')) = (ended_at IS NULL))
  ) STRICT;
  -- One replay per letter at a time, whoever asks.
  CREATE UNIQUE INDEX replays_running ON replays (letter_id) WHERE state IN ('asked', 'published');
  CREATE INDEX replays_asked ON replays (id) WHERE state = 'asked';
  CREATE INDEX replays_published ON replays (id) WHERE state = 'published';
  CREATE INDEX replays_server ON replays (server_id, id) WHERE state IN ('asked', 'published');

  -- Who did what to which letter. Kept when the letter is gone.
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('replay', 'edit', 'discard', 'reopen', 'import')),
    letter_id BLOB NOT NULL CHECK (length(letter_id) = 16),
    attempt INTEGER CHECK (attempt >= 1),
    -- `edit`: the letter with the other body.
    linked_letter BLOB CHECK (length(linked_letter) = 16),
    reason TEXT,
    -- `replay`: how it ended; absent while it runs.
    result TEXT
  ) STRICT;
  CREATE INDEX audit_letter ON audit (letter_id);
  CREATE INDEX audit_linked_letter ON audit (linked_letter) WHERE linked_letter IS NOT NULL;

  -- Snapshots that were asked for and are not yet all published.
  CREATE TABLE snapshot_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL CHECK (
      scope = 'all' OR scope = 'server' OR scope = 'location'),
    scope_id INTEGER,
    operation TEXT,
    actor TEXT,
    replayed_by TEXT,
    traceparent TEXT,
    noted_at INTEGER NOT NULL,
    cursor INTEGER NOT NULL CHECK (cursor >= 0),
    published INTEGER NOT NULL CHECK (published >= 0),
    CHECK ((scope = 'all') = (scope_id IS NULL))
  ) STRICT;

  -- Messages that were being handled when the worker died, and how often in a row.
  CREATE TABLE suspects (
    same_message BLOB PRIMARY KEY CHECK (length(same_message) = 32),
    times INTEGER NOT NULL CHECK (times >= 1),
    noted_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  """
