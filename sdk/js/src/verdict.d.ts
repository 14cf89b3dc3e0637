/** What a rule says of one entity. Made with `pass`, `fail` and `notApplicable`. */
export type Verdict = { tag: "pass" } | { tag: "fail"; val: string } | { tag: "not-applicable" };

/** The subject keeps the rule. */
export function pass(): Verdict;

/** The subject breaks the rule. @param why In words that the owner can act on. */
export function fail(why: string): Verdict;

/** The rule does not concern the subject. */
export function notApplicable(): Verdict;
