/** Base of the errors that tell the host what to do next. Anything else that is thrown becomes `Failed`. */
export class PluginFailure extends Error {}

/** The operator must change the configuration. Not retried. */
export class InvalidConfig extends PluginFailure {}

/** The tool refused the credential. Not retried until it is replaced. */
export class Unauthorized extends PluginFailure {}

/** What the call names does not exist. Not retried. */
export class NotFound extends PluginFailure {}

/** The tool is failing. Retried with backoff. */
export class Unavailable extends PluginFailure {}

/** Anything else, in words that a person can act on. Not retried. */
export class Failed extends PluginFailure {}

/** Retried after this many milliseconds; no progress is lost. */
export class RateLimited extends PluginFailure {
  constructor(retryAfterMs: number, options?: ErrorOptions);
  readonly retryAfterMs: number;
}

/** The tool no longer knows the cursor that `pull` was given. The next pass starts without one. */
export class CursorExpired extends PluginFailure {
  constructor(options?: ErrorOptions);
}
