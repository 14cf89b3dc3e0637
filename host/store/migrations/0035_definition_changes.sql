-- Who changed which definition. Grants and the policy are kept by `decision` and `policy` too, which are in force.
CREATE TABLE definition_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    author TEXT,
    body TEXT NOT NULL
);
CREATE INDEX definition_change_of ON definition_change (kind, name, id);
