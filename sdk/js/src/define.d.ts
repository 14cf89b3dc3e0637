import type { Entity } from "./catalog.js";
import type { LocatedChange, Page } from "./change.js";
import type { Progress } from "./progress.js";
import type { Verdict } from "./verdict.js";

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

type Awaitable<T> = T | Promise<T>;

/** What is to be listed: one kind, as the mapping selects it. */
export interface Scope<Config = any> {
  /** The integration's config, checked against the manifest's schema. */
  config: Config;
  kind: string;
  /** What the mapping says of this kind beyond `query`, such as `{"states": ["open"]}`. */
  selector: Record<string, any>;
}

/** Reads a platform tool, one page at a time. */
export interface Ingestor<Config = any> {
  /** Slices of a kind that can be pulled side by side: organisations, clusters, projects. */
  partitions(scope: Scope<Config>): Awaitable<string[]>;
  /** One page of one partition; `cursor` is undefined at the start of a pass. */
  pull(scope: Scope<Config>, partition: string, cursor: string | undefined): Awaitable<Page>;
}

/** One webhook delivery, its signature checked by the host. */
export interface Delivery {
  /** In the order they came, names as they were sent. */
  headers: [string, string][];
  body: Uint8Array;
  /** The first header of this name, in any case. */
  header(name: string): string | undefined;
  /** The body as text. */
  text(): string;
  /** The body as JSON. */
  json(): any;
}

/** Turns deliveries into changes. */
export interface Webhook<Config = any> {
  receive(config: Config, delivery: Delivery): Awaitable<LocatedChange[]>;
}

/** One call of an operation. */
export interface Invocation<Config = any, Inputs = any> {
  /** One of the operations that the manifest declares. */
  operation: string;
  /** The same for every attempt of one run: pass it on where the tool takes an idempotency key. */
  run: string;
  config: Config;
  /** Checked against the operation's schema. */
  inputs: Inputs;
  /** The entity it works on, if the operation has a target. */
  target: Entity | undefined;
}

/** Does something in a platform tool, and follows it to its end. `operations` makes one of a handler by operation. */
export interface Action<Config = any> {
  start(invocation: Invocation<Config>): Awaitable<Progress>;
  poll(invocation: Invocation<Config>, state: any): Awaitable<Progress>;
  cancel(invocation: Invocation<Config>, state: any): Awaitable<void>;
}

/** What a rule judges. */
export interface Subject {
  entity: Entity;
  /** The entities that the rule's manifest entry asks to see. */
  related: Entity[];
  /** The time of evaluation in milliseconds since 1970: rules have no clock. */
  now: number;
}

/** Judges one entity. Same input, same verdict. */
export type Rule<Params = any> = (subject: Subject, params: Params) => Awaitable<Verdict>;

/** A plugin: one member for each of the manifest's roles. */
export interface Plugin<Config = any> {
  ingestor?: Ingestor<Config>;
  webhook?: Webhook<Config>;
  action?: Action<Config>;
  /** The manifest's rules by name; the role is called `rule` there. */
  rules?: Record<string, Rule>;
}

/**
 * Defines the plugin. The entry module exports it as its default.
 * @typeParam Config The integration's config, as the manifest's schema describes it.
 */
export function definePlugin<Config = any>(plugin: Plugin<Config>): Plugin<Config>;
