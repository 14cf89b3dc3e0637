import { toFailure } from "../failure.js";
import { log } from "../log.js";

/**
 * Hands errors to the host as the WIT's `failure`. An error that escaped would trap, and its text would be lost.
 * What is thrown must be the bare variant: bindings take it for the result's error.
 */
export function guard(call) {
  return async (...parameters) => {
    try {
      return await call(...parameters);
    } catch (error) {
      const { failure, report } = toFailure(error);
      if (report !== undefined) {
        log.error(report);
      }
      throw failure;
    }
  };
}

/** The plugin's member for a role that the manifest names. */
export function member(plugin, role, name = role) {
  if (plugin?.[name] === undefined) {
    throw new TypeError(`plugin.yaml names the role ${role}, but definePlugin was given no ${name}`);
  }
  return plugin[name];
}
