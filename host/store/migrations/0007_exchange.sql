-- What is made of a credential's secret before it reaches a tool; absent: it is attached as it is.
ALTER TABLE credential ADD COLUMN exchange TEXT;
