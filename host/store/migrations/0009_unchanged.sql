-- Requests that the tool answered with 304, and the host from what it had kept: they cost no quota.
ALTER TABLE egress ADD COLUMN unchanged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE egress_usage ADD COLUMN unchanged INTEGER NOT NULL DEFAULT 0;
