import { entity } from "../catalog.js";
import { decode, encode } from "../json.js";
import { locatedChange } from "./change.js";
import { guard, member } from "./guard.js";

export function action(plugin) {
  const author = member(plugin, "action");
  return {
    start: guard(async (invocation) => progress(await author.start(decodeInvocation(invocation)))),
    poll: guard(async (invocation, state) => progress(await author.poll(decodeInvocation(invocation), decode(state)))),
    cancel: guard(async (invocation, state) => {
      await author.cancel(decodeInvocation(invocation), decode(state));
    }),
  };
}

function decodeInvocation({ operation, run, config, inputs, target }) {
  return {
    operation,
    run,
    config: decode(config),
    inputs: decode(inputs),
    target: target === undefined || target === null ? undefined : entity(target),
  };
}

function progress(given) {
  switch (given?.type) {
    case "running": {
      const { state, pollAfterMs, label } = given;
      return { tag: "running", val: { state: encode(state, "the state"), pollAfterMs, label } };
    }
    case "succeeded": {
      const { outputs, link, changes } = given;
      return {
        tag: "succeeded",
        val: { outputs: encode(outputs ?? {}, "the outputs"), link, changes: (changes ?? []).map(locatedChange) },
      };
    }
    case "failed":
      return { tag: "failed", val: String(given.why) };
    default:
      throw new TypeError("an operation must answer running(state), succeeded(outcome) or failed(why)");
  }
}
