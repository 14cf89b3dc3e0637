// JSON crosses to the host as bytes: a string crosses about five times as slowly.
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @returns UTF-8 of the value's JSON. */
export function encode(value, what) {
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`${what}: ${typeof value} is no JSON value`);
  }
  return encoder.encode(wellFormed(text));
}

/** Half of a surrogate pair is no text, and hosts take no JSON that has one: U+FFFD stands in for it, as in UTF-8. */
function wellFormed(text) {
  // JSON.stringify escapes halves, and nothing else of this form but a backslash's own escape.
  return text.includes("\\ud")
    ? text.replace(/\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/g, (whole, escaped) => (escaped.length > 1 ? "\\ufffd" : whole))
    : text;
}

/** @returns the value of JSON bytes that the host gave. */
export function decode(bytes) {
  return JSON.parse(decoder.decode(bytes));
}
