import type { LocatedChange } from "./change.js";
import type { Action, Invocation, Json } from "./define.js";

/** What an operation left behind. */
export interface Outcome {
  /** What later steps and people may read. */
  outputs?: Json;
  /** A page in the tool where a person can follow up. */
  link?: string;
  /** What the tool now holds because of this: mapped and stored like a page's. */
  changes?: LocatedChange[];
}

/** How far an operation is. Made with `running`, `succeeded` and `failed`. */
export type Progress =
  | { type: "running"; state: Json; pollAfterMs: number; label: string | undefined }
  | ({ type: "succeeded" } & Outcome)
  | { type: "failed"; why: string };

/**
 * The work goes on in the tool; the host calls `poll` later.
 * @param state JSON that is handed back to `poll` and `cancel`. It survives a restart of the host.
 * @param options.pollAfterMs When to poll; 1000 if absent.
 * @param options.label What a person reads while it runs, such as `waiting for the plan`.
 */
export function running(state: Json, options?: { pollAfterMs?: number; label?: string }): Progress;

/** The work is done. */
export function succeeded(outcome?: Outcome): Progress;

/** The tool did not do it. @param why In words that the person who asked for it understands. */
export function failed(why: string): Progress;

/** What does one operation. An operation that is over when `start` answers needs no more than a function. */
export type OperationHandler<Config = any, Inputs = any, State extends Json = any> =
  | ((invocation: Invocation<Config, Inputs>) => Progress | Promise<Progress>)
  | {
      start(invocation: Invocation<Config, Inputs>): Progress | Promise<Progress>;
      poll?(invocation: Invocation<Config, Inputs>, state: State): Progress | Promise<Progress>;
      cancel?(invocation: Invocation<Config, Inputs>, state: State): void | Promise<void>;
    };

/** The action role from one handler for each of the manifest's operations, by name. */
export function operations(handlers: Record<string, OperationHandler>): Action;
