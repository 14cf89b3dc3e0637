-- Each installation of a component: by whom, from where, and the signatures that came with it. The newest of a digest counts.
CREATE TABLE installation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX installation_digest ON installation (digest);
