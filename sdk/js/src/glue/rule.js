import { entity } from "../catalog.js";
import { trace } from "../failure.js";
import { decode } from "../json.js";
import { member } from "./guard.js";

const VERDICTS = ["pass", "fail", "not-applicable"];

export function rule(plugin) {
  const rules = member(plugin, "rule", "rules");
  return {
    // The WIT's error is a string here: a rule has no log to write a stack to.
    async evaluate(name, params, subjects) {
      try {
        return await evaluate(rules, name, decode(params), subjects);
      } catch (error) {
        throw trace(error);
      }
    },
  };
}

async function evaluate(rules, name, params, subjects) {
  if (!Object.hasOwn(rules, name)) {
    throw new TypeError(`this plugin has no rule ${name}; it has ${Object.keys(rules).join(", ")}`);
  }
  const verdicts = [];
  for (const subject of subjects) {
    const verdict = await rules[name](
      { entity: entity(subject.entity), related: subject.related.map(entity), now: Number(subject.now) },
      params,
    );
    if (!VERDICTS.includes(verdict?.tag)) {
      throw new TypeError(`the rule ${name} must answer pass(), fail(why) or notApplicable()`);
    }
    verdicts.push(verdict);
  }
  return verdicts;
}
