import { Failed, isNoAnswer, NotFound, noAnswer, RateLimited, Unauthorized, Unavailable } from "./failure.js";

/** Where a tool says 429 without a time. */
const DEFAULT_WAIT_MS = 30_000;
/** Methods whose requests have a body, if only an empty one. */
const WITH_BODY = ["POST", "PUT", "PATCH"];
/** Statuses whose answers have none. */
const WITHOUT_BODY = [204, 205];
/** How much of an answer an error message quotes. */
const EXCERPT = 200;

/** Appends a path and a query to a base address, which may have a path of its own and may end with a slash. */
function url(base, path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) {
        parameters.append(name, String(each));
      }
    }
  }
  const tail = parameters.toString();
  return `${base.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}${tail === "" ? "" : `?${tail}`}`;
}

async function send(address, options = {}) {
  const { json: value, headers, ...init } = options;
  const sent = new Headers(headers);
  if (value !== undefined) {
    init.body = JSON.stringify(value);
    init.method ??= "POST";
    if (!sent.has("content-type")) {
      sent.set("content-type", "application/json");
    }
  }
  // Without a body the engine leaves a POST's stream open, and hosts may wait for its end; an empty one it closes.
  // Bytes and not "", which would bring a content type along.
  if (WITH_BODY.includes(init.method?.toUpperCase())) {
    init.body ??= new Uint8Array();
  }
  const request = named(init.method ?? "GET", address);
  let response;
  try {
    response = await fetch(address, { ...init, headers: sent });
  } catch (error) {
    throw isNoAnswer(error) ? new Unavailable(noAnswer(request), { cause: error }) : error;
  }
  if (!response.ok) {
    throw refusal(request, response, beginning(await whole(request, response)));
  }
  return response;
}

async function json(address, options = {}) {
  const headers = new Headers(options.headers);
  if (!headers.has("accept")) {
    headers.set("accept", "application/json");
  }
  const response = await send(address, { ...options, headers });
  const request = named(options.method ?? (options.json === undefined ? "GET" : "POST"), address);
  return parse(request, response.status, await whole(request, response));
}

/** The whole body: bytes, since `text` and `json` say no more of one that breaks off than of one that is no UTF-8. */
async function whole(request, response) {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Unavailable(`${request}: the answer broke off`, { cause: error });
  }
}

/** What messages call a request. Without the query, where some tools take a secret. */
function named(method, address) {
  return `${method} ${String(address).split(/[?#]/)[0]}`;
}

/** The value of a whole body. One that is no JSON would be no other the next time: that is no failure of the network. */
export function parse(request, status, bytes) {
  if (bytes.length === 0 && WITHOUT_BODY.includes(status)) {
    return undefined;
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const begin = beginning(bytes);
    const words = begin === "" ? "it is empty" : `it begins with: ${begin}`;
    throw new Failed(`${request} answered no JSON; ${words}`, { cause: error });
  }
}

/** The error for an answer that is no success. */
export function refusal(request, response, body) {
  const { status } = response;
  const wait = waitMs(response.headers.get("retry-after"), Date.now());
  const message = `${request}: answered ${status}${body === "" ? "" : `: ${body}`}`;
  if (status === 429) {
    return new RateLimited(wait ?? DEFAULT_WAIT_MS);
  }
  // Some tools answer 403 to one that asks too often, and 503 while they restart.
  if ((status === 403 || status === 503) && wait !== undefined) {
    return new RateLimited(wait);
  }
  if (status === 401 || status === 403) {
    return new Unauthorized(message);
  }
  if (status === 404 || status === 410) {
    return new NotFound(message);
  }
  if (status === 408 || status >= 500) {
    return new Unavailable(message);
  }
  return new Failed(message);
}

/** Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds, or a date. Undefined for what is neither. */
export function waitMs(retryAfter, now) {
  const value = retryAfter?.trim() ?? "";
  if (/^\d+$/.test(value)) {
    return Number(value) * 1000;
  }
  const wait = value.endsWith(" GMT") ? Date.parse(value) - now : Number.NaN;
  return Number.isNaN(wait) ? undefined : Math.max(wait, 0);
}

/** How a body begins, on one line. */
function beginning(bytes) {
  const text = new TextDecoder().decode(bytes.subarray(0, 4 * EXCERPT));
  const line = Array.from(text.replace(/\s+/g, " ").trim(), printable);
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT).join("")}…` : line.join("");
}

/** Not every database and terminal takes control characters, such as a zero byte. The engine's regexes lack `\p{Cc}`. */
function printable(character) {
  const code = character.codePointAt(0);
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ? "\ufffd" : character;
}

export const http = { json, send, url };
