-- Who is told of changes by webhook. `position` is the change up to which each message was taken or has a letter.
CREATE TABLE subscription (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    -- Secrets and headers as JSON, sealed; see src/seal.rs.
    sealed BLOB NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    -- Why the host paused it, or what it could not do.
    problem TEXT,
    position INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    -- Changes that retention took before they were told.
    lost INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER,
    owner TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

-- Messages that were not taken at once, and those behind them of the same entity.
CREATE TABLE letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription INTEGER NOT NULL REFERENCES subscription (id),
    position INTEGER NOT NULL,
    -- BLUEPRINT/IDENTIFIER: those of one are sent in order.
    entity TEXT NOT NULL,
    -- waiting, dead
    state TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    error TEXT,
    due INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    tried_at INTEGER,
    UNIQUE (subscription, position)
);
CREATE INDEX letter_entity ON letter (subscription, state, entity, position);
