/** One change that a page, a delivery or an outcome brings. Made with `upsert` and `remove`. */
export type Change =
  | { type: "upsert"; kind: string; key: string; value: unknown }
  | { type: "delete"; kind: string; key: string };

/** A change outside a pass, with the partition that lists its item. */
export interface LocatedChange {
  partition: string;
  change: Change;
}

/** What follows a page. Made with `more`, `snapshotComplete` and `caughtUp`. */
export type Next =
  | { type: "more"; cursor: string }
  | { type: "snapshot-complete"; cursor: string | undefined }
  | { type: "caught-up"; cursor: string };

/** One page of a partition. Aim for about 1,000 items. */
export interface Page {
  changes: Iterable<Change>;
  next: Next;
}

/**
 * The tool has, or still has, this item.
 * @param kind One of the manifest's kinds.
 * @param key Unique within that kind and partition. One that is empty, or no string and no number, is a `TypeError`.
 * @param value The tool's own JSON object, as its API gives it. The mapping makes entities of it. NaN and Infinity
 *   become null, as `JSON.stringify` writes them.
 */
export function upsert(kind: string, key: string | number | bigint, value: unknown): Change;

/** The tool no longer has this item. Not needed in a pass that ends with `snapshotComplete`. */
export function remove(kind: string, key: string | number | bigint): Change;

/** Says which partition a change belongs to, where it is brought by a webhook or an action. */
export function located(partition: string, change: Change): LocatedChange;

/** One page of a pass: its changes in order, and what follows. */
export function page(changes: Iterable<Change>, next: Next): Page;

/**
 * More pages follow. The host stores this cursor in the transaction that stores the page, so a pass that is cut off
 * goes on from here.
 */
export function more(cursor: string | number): Next;

/**
 * The pass listed everything: what this partition no longer lists is removed.
 * @param cursor Where the next pass goes on (a watch, a feed). Without it the next pass lists everything again.
 */
export function snapshotComplete(cursor?: string | number): Next;

/** The pass is up to date and removes only what it named with `remove`. The next one starts at this cursor. */
export function caughtUp(cursor: string | number): Next;
