import assert from "node:assert/strict";
import { test } from "node:test";
import { toFailure } from "../src/failure.js";
import * as sdk from "../src/index.js";

test("an author's own class keeps its name, and a wait is a number", () => {
  class Own extends Error {}
  class Narrow extends RangeError {}
  class Named extends Error {
    name = "Given";
  }
  assert.deepEqual(toFailure(new Own("why")).failure, { tag: "failed", val: "Own: why" });
  assert.equal(toFailure(new Narrow("why")).failure.val, "Narrow: why");
  assert.equal(toFailure(new Named("why")).failure.val, "Given: why");
  assert.match(toFailure(new Own("why")).report, /^Own: why\n +at /);
  assert.throws(() => new sdk.RateLimited("soon"), /takes milliseconds, not "soon"/);
});

test("each error class is one of the WIT's variants", () => {
  const cases = [
    [new sdk.InvalidConfig("why"), { tag: "invalid-config", val: "why" }],
    [new sdk.Unauthorized("why"), { tag: "unauthorized", val: "why" }],
    [new sdk.NotFound("why"), { tag: "not-found", val: "why" }],
    [new sdk.RateLimited(1500), { tag: "rate-limited", val: 1500 }],
    [new sdk.CursorExpired(), { tag: "cursor-expired" }],
    [new sdk.Unavailable("why"), { tag: "unavailable", val: "why" }],
    [new sdk.Failed("why"), { tag: "failed", val: "why" }],
  ];
  for (const [error, failure] of cases) {
    assert.deepEqual(toFailure(error), { failure });
    assert.ok(error instanceof sdk.PluginFailure);
    assert.ok(error instanceof Error);
  }
});

test("an error that the author did not expect fails with its message, and its stack goes to the log", () => {
  const { failure, report } = toFailure(new RangeError("too far", { cause: new Error("the map ended") }));
  assert.deepEqual(failure, { tag: "failed", val: "RangeError: too far" });
  assert.match(report, /^RangeError: too far\n.*failure\.test\.mjs/s);
  assert.match(report, /caused by Error: the map ended/);
});

test("whatever else is thrown fails with what it was", () => {
  assert.deepEqual(toFailure("no").failure, { tag: "failed", val: "thrown: no" });
  assert.deepEqual(toFailure({ code: 7 }).failure, { tag: "failed", val: 'thrown: {"code":7}' });
  assert.deepEqual(toFailure(undefined).failure, { tag: "failed", val: "thrown: undefined" });
  const circular = {};
  circular.self = circular;
  assert.equal(toFailure(circular).failure.tag, "failed");
});

test("the engine's bare NetworkError says that the host may have denied the request", () => {
  const { failure } = toFailure(new TypeError("NetworkError when attempting to fetch resource"));
  assert.equal(failure.tag, "unavailable");
  assert.match(failure.val, /the host denied the request/);
});

test("a wait fits the WIT's u32", () => {
  assert.equal(new sdk.RateLimited(1e12).retryAfterMs, 0xffff_ffff);
  assert.equal(new sdk.RateLimited(-5).retryAfterMs, 0);
  assert.equal(new sdk.RateLimited(0.2).retryAfterMs, 1);
});
