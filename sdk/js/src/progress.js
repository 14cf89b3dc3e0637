import { Failed, NotFound } from "./failure.js";

/** The work goes on in the tool. */
export function running(state, { pollAfterMs = 1000, label } = {}) {
  return { type: "running", state, pollAfterMs, label };
}

/** The work is done. */
export function succeeded({ outputs = {}, link, changes = [] } = {}) {
  return { type: "succeeded", outputs, link, changes };
}

/** The tool did not do it. */
export function failed(why) {
  return { type: "failed", why };
}

/** One handler for each of the manifest's operations. */
export function operations(handlers) {
  function handler(invocation) {
    const found = Object.hasOwn(handlers, invocation.operation) ? handlers[invocation.operation] : undefined;
    if (found === undefined) {
      throw new NotFound(`this plugin has no operation ${invocation.operation}`);
    }
    return typeof found === "function" ? { start: found } : found;
  }
  function step(invocation, name) {
    const found = handler(invocation);
    if (typeof found[name] !== "function") {
      throw new Failed(`${invocation.operation} ends when it is started: there is nothing to ${name}`);
    }
    return found;
  }
  return {
    start: async (invocation) => step(invocation, "start").start(invocation),
    poll: async (invocation, state) => step(invocation, "poll").poll(invocation, state),
    cancel: async (invocation, state) => step(invocation, "cancel").cancel(invocation, state),
  };
}
