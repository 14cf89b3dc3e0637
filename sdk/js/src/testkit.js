// For an author's own tests in Node: drives a plugin through the same glue that the component uses, so that what is
// tested is what crosses to the host.
import { connectFiles } from "./files.js";
import * as glue from "./glue/index.js";
import { decode, encode } from "./json.js";
import { nativeFiles } from "./native-files.js";

connectFiles(nativeFiles);

/** Walks one pass over a partition and collects its items. */
export async function walk(plugin, { config, kind, selector = {} }, partition, { maxPages = 1000 } = {}) {
  const { pull } = glue.ingestor(plugin);
  const scope = { config: encode(config), kind, selector: encode(selector) };
  const items = new Map();
  const seen = new Set();
  let cursor;
  for (let pages = 1; pages <= maxPages; pages += 1) {
    const { changes, next } = await pull(scope, partition, cursor).catch(rethrow);
    for (const { tag, val } of changes) {
      if (tag === "upsert") {
        items.set(val.id.key, decode(val.value));
      } else {
        items.delete(val.key);
      }
    }
    if (next.tag !== "more") {
      return { items, pages, next };
    }
    if (seen.has(next.val)) {
      throw new Error(`${kind} in ${partition}: the cursor ${next.val} was given twice`);
    }
    seen.add(next.val);
    cursor = next.val;
  }
  throw new Error(`${kind} in ${partition}: more than ${maxPages} pages`);
}

/** The partitions of a kind. */
export async function partitions(plugin, { config, kind, selector = {} }) {
  return glue
    .ingestor(plugin)
    .partitions({ config: encode(config), kind, selector: encode(selector) })
    .catch(rethrow);
}

/** Starts an operation and polls it until it ends. */
export async function run(plugin, { operation, run: id = "test-run", config, inputs, target }) {
  const role = glue.action(plugin);
  const invocation = { operation, run: id, config: encode(config), inputs: encode(inputs), target: entity(target) };
  let progress = await role.start(invocation).catch(rethrow);
  while (progress.tag === "running") {
    const { state, pollAfterMs } = progress.val;
    await new Promise((resolve) => setTimeout(resolve, pollAfterMs));
    progress = await role.poll(invocation, state).catch(rethrow);
  }
  if (progress.tag === "failed") {
    return { type: "failed", why: progress.val };
  }
  const { outputs, link, changes } = progress.val;
  return { type: "succeeded", outputs: decode(outputs), link, changes: changes.map(locatedChange) };
}

/** What the host would be told, as an error that test runners can show. */
export class HostFailure extends Error {
  constructor(failure) {
    super(`${failure.tag}: ${failure.val ?? ""}`);
    this.tag = failure.tag;
    this.detail = failure.val;
  }
}

function rethrow(failure) {
  throw failure instanceof Error ? failure : new HostFailure(failure);
}

function locatedChange({ partition, change: { tag, val } }) {
  return tag === "upsert"
    ? { partition, change: { type: tag, kind: val.id.kind, key: val.id.key, value: decode(val.value) } }
    : { partition, change: { type: tag, kind: val.kind, key: val.key } };
}

function entity(given) {
  if (given === undefined) {
    return undefined;
  }
  const relations = Object.entries(given.relations ?? {}).flatMap(([name, targets]) =>
    targets.map((target) => ({ name, target })),
  );
  return {
    id: { blueprint: given.blueprint, identifier: given.identifier },
    title: given.title ?? undefined,
    properties: encode(given.properties ?? {}),
    relations,
  };
}
