-- A component's bytes: a data folder that has lost its file gets it back, and a backup is whole.
CREATE TABLE component (
    digest TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
);
