-- Which of its rule's path patterns a request matched; empty in totals of before this, and for refusals.
ALTER TABLE egress ADD COLUMN pattern TEXT;
CREATE TABLE egress_usage_by_pattern (
    digest TEXT NOT NULL,
    integration TEXT NOT NULL,
    rule TEXT NOT NULL,
    pattern TEXT NOT NULL,
    method TEXT NOT NULL,
    host TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    received INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (digest, integration, rule, pattern, method, host, allowed)
) WITHOUT ROWID;
INSERT INTO egress_usage_by_pattern
    SELECT digest, integration, rule, '', method, host, allowed, count, sent, received, first_at, last_at FROM egress_usage;
DROP TABLE egress_usage;
ALTER TABLE egress_usage_by_pattern RENAME TO egress_usage;
