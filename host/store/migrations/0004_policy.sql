-- Each policy that was ever set; the newest is in force.
CREATE TABLE policy (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
);
