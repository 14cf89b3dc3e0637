// What the generated entry of a component calls: turns a plugin's plain functions into the WIT's exports.
import { connectCatalog } from "../catalog.js";
import { connectFiles } from "../files.js";
import { connectLog } from "../log.js";
import { sandboxFiles } from "./files.js";

export { action } from "./action.js";
export { ingestor } from "./ingestor.js";
export { rule } from "./rule.js";
export { webhook } from "./webhook.js";
export { connectCatalog, connectLog };

/** Used by the generated entry. */
export function connectSandbox(getDirectories) {
  connectFiles(sandboxFiles(getDirectories));
}
