/**
 * Write Seawall plugins in JavaScript or TypeScript: define functions, return plain values, throw errors.
 * @module
 */
export { catalog, type Entity, type EntityRef } from "./catalog.js";
export {
  type Change,
  caughtUp,
  type LocatedChange,
  located,
  more,
  type Next,
  type Page,
  page,
  remove,
  snapshotComplete,
  upsert,
} from "./change.js";
export {
  type Action,
  type Delivery,
  definePlugin,
  type Ingestor,
  type Invocation,
  type Json,
  type Plugin,
  type Rule,
  type Scope,
  type Subject,
  type Webhook,
} from "./define.js";
export {
  CursorExpired,
  Failed,
  InvalidConfig,
  NotFound,
  PluginFailure,
  RateLimited,
  Unauthorized,
  Unavailable,
} from "./failure.js";
export { FileError, type FileKind, files, type Metadata } from "./files.js";
export { http, type RequestOptions } from "./http.js";
export { log } from "./log.js";
export {
  failed,
  type OperationHandler,
  type Outcome,
  operations,
  type Progress,
  running,
  succeeded,
} from "./progress.js";
export { fail, notApplicable, pass, type Verdict } from "./verdict.js";
