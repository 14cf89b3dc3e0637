/** Writes one line. `fields` is put behind the message as JSON. */
type Line = (message: string, fields?: Record<string, unknown>) => void;

/**
 * Lines for the log of the pass or the run that is calling. `console.*` goes there too, without a level.
 * Rules have no log: they import nothing.
 */
export const log: { debug: Line; info: Line; warn: Line; error: Line };
