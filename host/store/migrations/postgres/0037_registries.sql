-- An empty list of registries is anywhere, and is left out. Documents are stored without spaces, and quotes within a text are escaped.
UPDATE policy SET body = replace(body, '"registries":[],', '') WHERE body LIKE '%"registries":[],%';
