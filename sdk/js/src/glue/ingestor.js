import { decode } from "../json.js";
import { change } from "./change.js";
import { guard, member } from "./guard.js";

export function ingestor(plugin) {
  const author = member(plugin, "ingestor");
  return {
    partitions: guard(async (scope) => partitions(await author.partitions(decodeScope(scope)))),
    pull: guard(async (scope, partition, cursor) =>
      page(await author.pull(decodeScope(scope), partition, cursor ?? undefined)),
    ),
  };
}

function decodeScope({ config, kind, selector }) {
  return { config: decode(config), kind, selector: decode(selector) };
}

function partitions(given) {
  if (!Array.isArray(given) || !given.every((name) => typeof name === "string")) {
    throw new TypeError("partitions must answer a list of strings");
  }
  return given;
}

const NEXT = ["more", "snapshot-complete", "caught-up"];

function page(given) {
  if (given === undefined || !NEXT.includes(given.next?.type)) {
    throw new TypeError("pull must answer page(changes, more(cursor) | snapshotComplete() | caughtUp(cursor))");
  }
  const { type, cursor } = given.next;
  return { changes: Array.from(given.changes, change), next: { tag: type, val: cursor } };
}
