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
  const request = `${init.method ?? "GET"} ${address}`;
  let response;
  try {
    response = await fetch(address, { ...init, headers: sent });
  } catch (error) {
    throw isNoAnswer(error) ? new Unavailable(noAnswer(request), { cause: error }) : error;
  }
  if (!response.ok) {
    throw refusal(request, response, await excerpt(response));
  }
  return response;
}

async function json(address, options = {}) {
  const headers = new Headers(options.headers);
  if (!headers.has("accept")) {
    headers.set("accept", "application/json");
  }
  const response = await send(address, { ...options, headers });
  const request = `${options.method ?? (options.json === undefined ? "GET" : "POST")} ${address}`;
  let bytes;
  try {
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Unavailable(`${request}: the answer broke off`, { cause: error });
  }
  return parse(request, response.status, bytes);
}

/** The value of a whole body. One that is no JSON would be no other the next time: that is no failure of the network. */
export function parse(request, status, bytes) {
  if (bytes.length === 0 && (WITHOUT_BODY.includes(status) || !request.startsWith("GET "))) {
    return undefined;
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const begin =
      bytes.length === 0 ? "it is empty" : shorten(new TextDecoder().decode(bytes.subarray(0, 4 * EXCERPT)));
    throw new Failed(`${request}: the answer is no JSON: ${begin}`, { cause: error });
  }
}

/** The error for an answer that is no success. */
export function refusal(request, response, body) {
  const { status } = response;
  const retryAfter = response.headers.get("retry-after");
  const message = `${request}: answered ${status}${body === "" ? "" : `: ${body}`}`;
  if (status === 429 || (status === 403 && retryAfter !== null)) {
    return new RateLimited(waitMs(retryAfter, Date.now()));
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

/** Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds, or a date. */
export function waitMs(retryAfter, now) {
  if (retryAfter === null || retryAfter.trim() === "") {
    return DEFAULT_WAIT_MS;
  }
  const seconds = Number(retryAfter);
  const wait = Number.isNaN(seconds) ? Date.parse(retryAfter) - now : seconds * 1000;
  return Number.isNaN(wait) ? DEFAULT_WAIT_MS : Math.max(wait, 0);
}

async function excerpt(response) {
  try {
    return shorten(await response.text());
  } catch {
    return "";
  }
}

function shorten(text) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line;
}

export const http = { json, send, url };
