/** The WIT's u32. */
const MAX_MS = 0xffff_ffff;

/** Base of the errors that tell the host what to do next. */
export class PluginFailure extends Error {
  get name() {
    return this.constructor.name;
  }
}

function variant(tag) {
  return class extends PluginFailure {
    get failure() {
      return { tag, val: this.message };
    }
  };
}

export class InvalidConfig extends variant("invalid-config") {}
export class Unauthorized extends variant("unauthorized") {}
export class NotFound extends variant("not-found") {}
export class Unavailable extends variant("unavailable") {}
export class Failed extends variant("failed") {}

export class RateLimited extends PluginFailure {
  constructor(retryAfterMs, options) {
    if (typeof retryAfterMs !== "number" || Number.isNaN(retryAfterMs)) {
      throw new TypeError(`RateLimited takes milliseconds, not ${JSON.stringify(retryAfterMs)}`);
    }
    super(`the tool asks to wait ${retryAfterMs} ms`, options);
    this.retryAfterMs = Math.min(Math.max(Math.ceil(retryAfterMs), 0), MAX_MS);
  }
  get failure() {
    return { tag: "rate-limited", val: this.retryAfterMs };
  }
}

export class CursorExpired extends PluginFailure {
  constructor(options) {
    super("the tool no longer knows the cursor", options);
  }
  get failure() {
    return { tag: "cursor-expired" };
  }
}

/** What the platform's `fetch` throws when there is no answer: it does not say why. */
export function isNoAnswer(error) {
  return error instanceof TypeError && /networkerror|fetch failed/i.test(error.message);
}

/** What a person should know about such an error. */
export function noAnswer(request) {
  return (
    `${request}: no answer. Either the host denied the request (the egress records name the rule that was missing and ` +
    "the manifest line that would allow it), or the tool cannot be reached"
  );
}

/**
 * The WIT variant for whatever was thrown.
 * @returns `failure` to hand to the host, and `report` where the author did not expect the error.
 */
export function toFailure(error) {
  if (error instanceof PluginFailure) {
    return { failure: error.failure };
  }
  if (isNoAnswer(error)) {
    return { failure: { tag: "unavailable", val: noAnswer("a request") }, report: trace(error) };
  }
  const message = error instanceof Error ? head(error) : `thrown: ${show(error)}`;
  return { failure: { tag: "failed", val: message }, report: trace(error) };
}

/**
 * The stack with the message on top: SpiderMonkey's stacks lack the message, V8's start with it. The bindings' own
 * frame is left out: its file lived in a temporary folder of the build.
 * @returns what the log of the call should show.
 */
export function trace(error) {
  if (!(error instanceof Error)) {
    return `thrown: ${show(error)}`;
  }
  const first = head(error);
  const plain = `${error.name}: ${error.message}`;
  const given = error.stack ?? "";
  const whole = given.startsWith(plain) ? `${first}${given.slice(plain.length)}` : given;
  const frames = whole.split("\n").filter((frame) => !frame.includes("/sources/initializer.js"));
  const stack = frames.join("\n");
  const cause = error.cause === undefined ? "" : `\ncaused by ${trace(error.cause)}`;
  return `${stack.startsWith(first) ? stack : `${first}\n${stack}`}${cause}`.trimEnd();
}

/** Classes of the author's own seldom set `name`: theirs is the language's, of the class that they extend. */
function head(error) {
  const inherited = /^(Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error$/.test(error.name);
  const name = (inherited && error.constructor?.name) || error.name;
  return `${name}: ${error.message}`;
}

function show(value) {
  try {
    return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value);
  }
}
