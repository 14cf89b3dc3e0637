-- Times are milliseconds since 1970. Row ids of entities, items and changes come from `sequence`, so that none is
-- ever used twice. Tables WITHOUT ROWID are narrow: with bodies in them an entity took four times the space.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO sequence (name, value) VALUES ('entity', 0), ('item', 0), ('change', 0);

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Blueprints, plugins, grants ----------------------------------------------------------------------------------------

CREATE TABLE blueprint (
    identifier TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    source TEXT NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE plugin (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    installed_at INTEGER NOT NULL
);

CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX decision_digest ON decision (digest);

-- Integrations -------------------------------------------------------------------------------------------------------

CREATE TABLE integration (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    stopped TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE credential (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    attach TEXT,
    -- Envelope: see src/seal.rs.
    sealed BLOB,
    updated_at INTEGER NOT NULL
);

CREATE TABLE partition (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    integration INTEGER NOT NULL REFERENCES integration (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    cursor TEXT,
    due INTEGER NOT NULL DEFAULT 0,
    items INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (integration, kind, name)
);

CREATE TABLE pass (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL REFERENCES partition (id),
    state TEXT NOT NULL,
    counts TEXT NOT NULL,
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX pass_partition ON pass (partition);

-- Ids of the items that a page of an open pass listed, as a roaring treemap. Dropped when the pass ends.
CREATE TABLE pass_page (
    id INTEGER PRIMARY KEY,
    pass INTEGER NOT NULL REFERENCES pass (id),
    items BLOB NOT NULL
);
CREATE INDEX pass_page_pass ON pass_page (pass);

-- Items that a change outside the pass removed while it was open: a late page must not bring them back.
CREATE TABLE pass_deleted (
    pass INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (pass, key)
) WITHOUT ROWID;

-- Items --------------------------------------------------------------------------------------------------------------

-- `live_pass` is the pass that was open when a change outside it brought the item; that pass leaves it alone.
CREATE TABLE item (
    partition INTEGER NOT NULL,
    key TEXT NOT NULL,
    id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    live_pass INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (partition, key)
) WITHOUT ROWID;

-- The tool's JSON, zstd.
CREATE TABLE item_value (
    id INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL
);

CREATE TABLE rejected (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    item INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX rejected_item ON rejected (item);

-- Entities -----------------------------------------------------------------------------------------------------------

CREATE TABLE blueprint_name (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- `version` is the position of the last change, from which `change.previous` leads back through the history.
CREATE TABLE entity (
    id INTEGER PRIMARY KEY,
    blueprint INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (blueprint, identifier)
);

-- Removed entities: names for the change log, and where their history ends.
CREATE TABLE entity_gone (
    id INTEGER PRIMARY KEY,
    blueprint INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX entity_gone_name ON entity_gone (blueprint, identifier, version);

-- In order of precedence. `body` is null for a sole contributor: the entity's body is what it says.
CREATE TABLE contribution (
    entity INTEGER NOT NULL,
    integration INTEGER NOT NULL,
    item INTEGER NOT NULL,
    body TEXT,
    PRIMARY KEY (entity, integration, item)
) WITHOUT ROWID;
CREATE INDEX contribution_item ON contribution (item);

-- kind: 1 created, 2 updated, 3 deleted. `previous` is the position of the change before, of the same entity or of one
-- that had its name. `diff` is null but for updates.
CREATE TABLE change (
    position INTEGER PRIMARY KEY,
    entity INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    diff TEXT
);

-- Egress, runs, verdicts ---------------------------------------------------------------------------------------------

CREATE TABLE egress (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    integration TEXT NOT NULL,
    digest TEXT NOT NULL,
    method TEXT NOT NULL,
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    path TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    rule TEXT,
    reason TEXT,
    status INTEGER,
    sent INTEGER NOT NULL,
    received INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    credential TEXT
);

CREATE TABLE egress_usage (
    digest TEXT NOT NULL,
    integration TEXT NOT NULL,
    rule TEXT NOT NULL,
    method TEXT NOT NULL,
    host TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    received INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (digest, integration, rule, method, host, allowed)
) WITHOUT ROWID;

CREATE TABLE run (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    integration TEXT NOT NULL,
    operation TEXT NOT NULL,
    target_blueprint TEXT,
    target_identifier TEXT,
    inputs TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    state TEXT NOT NULL,
    label TEXT,
    progress BLOB,
    poll_at INTEGER,
    outputs TEXT,
    link TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX run_open ON run (seq) WHERE state IN ('requested', 'running');

CREATE TABLE run_log (
    run INTEGER NOT NULL REFERENCES run (seq),
    line INTEGER NOT NULL,
    at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run, line)
) WITHOUT ROWID;

CREATE TABLE verdict (
    rule TEXT NOT NULL,
    blueprint TEXT NOT NULL,
    identifier TEXT NOT NULL,
    verdict TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (rule, blueprint, identifier)
) WITHOUT ROWID;
CREATE INDEX verdict_entity ON verdict (blueprint, identifier);
