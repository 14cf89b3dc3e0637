-- A pass that lists nothing: its partition is one that the tool no longer lists.
ALTER TABLE pass ADD COLUMN closing INTEGER NOT NULL DEFAULT 0;
-- An integration that is being taken away, piece by piece; a start goes on with it.
ALTER TABLE integration ADD COLUMN removing INTEGER NOT NULL DEFAULT 0;
