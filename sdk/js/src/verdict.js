/** The subject keeps the rule. */
export function pass() {
  return { tag: "pass" };
}

/** The subject breaks the rule. */
export function fail(why) {
  return { tag: "fail", val: why };
}

/** The rule does not concern the subject. */
export function notApplicable() {
  return { tag: "not-applicable" };
}
