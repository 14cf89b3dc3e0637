import type { Entity } from "./catalog.js";
import type { LocatedChange } from "./change.js";
import type { Plugin } from "./define.js";

/** Which kind to list. */
interface TestScope {
  config: unknown;
  kind: string;
  selector?: Record<string, unknown>;
}

/** Walks one pass over a partition, page by page, and collects its items by key. */
export function walk(
  plugin: Plugin<any>,
  scope: TestScope,
  partition: string,
  options?: { maxPages?: number },
): Promise<{ items: Map<string, any>; pages: number; next: { tag: string; val: string | undefined } }>;

/** The partitions of a kind. */
export function partitions(plugin: Plugin<any>, scope: TestScope): Promise<string[]>;

/** Starts an operation and polls it until it ends. */
export function run(
  plugin: Plugin<any>,
  invocation: {
    operation: string;
    run?: string;
    config: unknown;
    inputs: unknown;
    target?: Pick<Entity, "blueprint" | "identifier"> & Partial<Entity>;
  },
): Promise<
  | { type: "failed"; why: string }
  | { type: "succeeded"; outputs: any; link: string | undefined; changes: LocatedChange[] }
>;

/** What the host would be told of a call that failed: the variant's name, and what it carries. */
export class HostFailure extends Error {
  tag: string;
  detail: string | number | undefined;
}
