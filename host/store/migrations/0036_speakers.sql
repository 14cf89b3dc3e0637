-- Who created an entity, and who changed it last: a person's name, or that of the source. Null: from before this was kept.
ALTER TABLE entity ADD COLUMN created_by TEXT;
ALTER TABLE entity ADD COLUMN updated_by TEXT;
