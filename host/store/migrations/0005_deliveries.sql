-- Deliveries of webhooks: stored before they are answered, given to the plugin in the order of their ids.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    integration INTEGER NOT NULL,
    -- What tells it from another, where the tool says so.
    dedupe TEXT,
    -- waiting, done, dead, dropped
    state TEXT NOT NULL,
    -- JSON; both null once it is done or dropped.
    headers TEXT,
    body BLOB,
    bytes INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    due INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE UNIQUE INDEX delivery_dedupe ON delivery (integration, dedupe) WHERE dedupe IS NOT NULL;
CREATE INDEX delivery_state ON delivery (integration, state, id);
