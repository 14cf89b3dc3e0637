-- Which commits a pass reads, by the places where the plugin sees them: after a stop it goes on with the same ones.
ALTER TABLE pass ADD COLUMN checkouts TEXT;
