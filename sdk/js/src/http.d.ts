/** What `fetch` takes, and `json`: a value to send as the body. */
export interface RequestOptions extends RequestInit {
  /** Sent as JSON; the method is then POST unless it is given. */
  json?: unknown;
}

/**
 * The platform's `fetch` with its answers turned into the SDK's errors:
 * 401, 403 `Unauthorized`; 404, 410 `NotFound`; 429, and 403 and 503 with Retry-After, `RateLimited`;
 * 408, 5xx, no answer and one that breaks off `Unavailable`; any other answer that is no success `Failed`.
 * The host attaches credentials and follows no redirects: one is an answer with its own status.
 */
export const http: {
  /**
   * The answer's JSON. A whole body that is none, such as a page for people or an empty one, is `Failed`.
   * Undefined for 204 and 205, which have no body.
   */
  json<T = any>(url: string, options?: RequestOptions): Promise<T>;
  /** The answer itself, for its headers or another content type. */
  send(url: string, options?: RequestOptions): Promise<Response>;
  /**
   * `base` and `path` with one slash between them, and a query; what is undefined or null is left out.
   * Segments of the path are the caller's to escape: `encodeURIComponent`.
   */
  url(base: string, path: string, query?: Record<string, unknown>): string;
};
