import { encode } from "../json.js";

/** A change in the WIT's shape. */
export function change(given) {
  if (given?.type === "upsert") {
    const { kind, key, value } = given;
    return { tag: "upsert", val: { id: { kind, key }, value: encode(value, `${kind} ${key}`) } };
  }
  if (given?.type === "delete") {
    return { tag: "delete", val: { kind: given.kind, key: given.key } };
  }
  throw new TypeError("a change must be made with upsert(kind, key, value) or remove(kind, key)");
}

/** A located change in the WIT's shape. */
export function locatedChange(given) {
  if (typeof given?.partition !== "string") {
    throw new TypeError("a change outside a pass must be made with located(partition, change)");
  }
  return { partition: given.partition, change: change(given.change) };
}
