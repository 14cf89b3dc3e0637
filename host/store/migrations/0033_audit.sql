-- What a removed component asked for, so that an audit of what it did can still be read.
ALTER TABLE plugin ADD COLUMN removed_at INTEGER;
-- The address that was connected to, and the range of the grant that opened it.
ALTER TABLE egress ADD COLUMN address TEXT;
ALTER TABLE egress ADD COLUMN private_range TEXT;
-- What was used of a grant beside requests: directories, the catalog, private ranges.
CREATE TABLE capability_usage (
    digest TEXT NOT NULL,
    integration TEXT NOT NULL,
    capability TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (digest, integration, capability)
) WITHOUT ROWID;
-- An empty list of approvers is everybody, and is left out.
UPDATE policy SET body = json_remove(body, '$.policy.approvers')
WHERE json_array_length(body, '$.policy.approvers') = 0;
