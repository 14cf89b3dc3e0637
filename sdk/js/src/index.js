// The whole public face of the SDK. Types and documentation are in the .d.ts files beside each module.
export { catalog } from "./catalog.js";
export { caughtUp, located, more, page, remove, snapshotComplete, upsert } from "./change.js";
export { definePlugin } from "./define.js";
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
export { FileError, files } from "./files.js";
export { http } from "./http.js";
export { log } from "./log.js";
export { failed, operations, running, succeeded } from "./progress.js";
export { fail, notApplicable, pass } from "./verdict.js";
