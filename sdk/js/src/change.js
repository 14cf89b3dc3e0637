/** The tool has, or still has, this item. */
export function upsert(kind, key, value) {
  return { type: "upsert", kind, key: named(kind, key), value };
}

/** The tool no longer has this item. */
export function remove(kind, key) {
  return { type: "delete", kind, key: named(kind, key) };
}

/** A field that the tool left out must not become the key "undefined", which all such items would share. */
function named(kind, key) {
  if (typeof key === "bigint" || (typeof key === "number" && Number.isFinite(key))) {
    return String(key);
  }
  if (typeof key !== "string") {
    const found = key === null || typeof key === "number" ? String(key) : typeof key;
    throw new TypeError(`${kind}: the key of an item is a string or a finite number, not ${found}`);
  }
  if (key === "") {
    throw new TypeError(`${kind}: the key of an item is empty`);
  }
  return key;
}

/** Says which partition a change outside a pass belongs to. */
export function located(partition, change) {
  return { partition, change };
}

/** One page of a pass. */
export function page(changes, next) {
  return { changes, next };
}

/** More pages follow; the next call gets this cursor. */
export function more(cursor) {
  return { type: "more", cursor: String(cursor) };
}

/** The pass listed everything. */
export function snapshotComplete(cursor) {
  return { type: "snapshot-complete", cursor: cursor === undefined ? undefined : String(cursor) };
}

/** The pass is up to date and names its removals itself. */
export function caughtUp(cursor) {
  return { type: "caught-up", cursor: String(cursor) };
}
