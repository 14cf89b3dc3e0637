-- What clients say of entities is a contribution too: their source is an integration without a plugin, whose one
-- partition has an item for each entity that they speak of.
ALTER TABLE integration ADD COLUMN client INTEGER NOT NULL DEFAULT 0;

-- What the host computes of an entity, beside what its sources say. JSON; null: nothing.
ALTER TABLE entity ADD COLUMN derived TEXT;
