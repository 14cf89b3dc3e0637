// Drives the exports as the host does: bytes in, the WIT's shapes out, bare variants thrown.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import * as glue from "../src/glue/index.js";
import * as sdk from "../src/index.js";
import { decode, encode } from "../src/json.js";

const lines = [];
glue.connectLog((level, message) => lines.push([level, message]));
afterEach(() => lines.splice(0));

const scope = { config: encode({ base_url: "http://tool" }), kind: "item", selector: encode({ states: ["open"] }) };

function pulling(pull) {
  return glue.ingestor(sdk.definePlugin({ ingestor: { partitions: () => [], pull } })).pull(scope, "p", undefined);
}

test("an ingestor gets plain values and gives bytes", async () => {
  const seen = [];
  const { partitions, pull } = glue.ingestor({
    ingestor: {
      partitions: async (given) => [given.config.base_url],
      async pull(given, partition, cursor) {
        seen.push([given, partition, cursor]);
        return sdk.page([sdk.upsert("item", 1, { name: "é" }), sdk.remove("item", "2")], sdk.more(7));
      },
    },
  });
  assert.deepEqual(await partitions(scope), ["http://tool"]);
  const { changes, next } = await pull(scope, "p", undefined);
  assert.deepEqual(seen, [
    [{ config: { base_url: "http://tool" }, kind: "item", selector: { states: ["open"] } }, "p", undefined],
  ]);
  assert.equal(changes[0].tag, "upsert");
  assert.deepEqual(changes[0].val.id, { kind: "item", key: "1" });
  assert.equal(new TextDecoder().decode(changes[0].val.value), '{"name":"é"}');
  assert.deepEqual(changes[1], { tag: "delete", val: { kind: "item", key: "2" } });
  assert.deepEqual(next, { tag: "more", val: "7" });
});

test("every way to go on", async () => {
  const cases = [
    [sdk.snapshotComplete(), { tag: "snapshot-complete", val: undefined }],
    [sdk.snapshotComplete("c"), { tag: "snapshot-complete", val: "c" }],
    [sdk.caughtUp("c"), { tag: "caught-up", val: "c" }],
  ];
  for (const [given, next] of cases) {
    assert.deepEqual(await pulling(() => sdk.page(new Set(), given)), { changes: [], next });
  }
});

test("what is thrown reaches the host as the bare variant", async () => {
  await assert.rejects(
    pulling(() => {
      throw new sdk.CursorExpired();
    }),
    (thrown) => {
      assert.deepEqual(thrown, { tag: "cursor-expired" });
      assert.ok(!(thrown instanceof Error));
      return true;
    },
  );
  assert.deepEqual(lines, []);
  await assert.rejects(
    pulling(() => undefined.name),
    (thrown) => thrown.tag === "failed" && thrown.val.startsWith("TypeError: "),
  );
  assert.equal(lines[0][0], "error");
  assert.match(lines[0][1], /glue\.test\.mjs/);
});

test("an answer of the wrong shape says what was expected", async () => {
  const cases = [
    [() => undefined, /pull must answer page\(/],
    [() => sdk.page([], undefined), /pull must answer page\(/],
    [() => sdk.page([{ id: 1 }], sdk.snapshotComplete()), /upsert\(kind, key, value\)/],
    [
      () => sdk.page([sdk.upsert("item", "k", undefined)], sdk.snapshotComplete()),
      /item k: undefined is no JSON value/,
    ],
  ];
  for (const [pull, detail] of cases) {
    await assert.rejects(pulling(pull), (thrown) => thrown.tag === "failed" && detail.test(thrown.val));
  }
});

test("a webhook sees the delivery as it came", async () => {
  const { receive } = glue.webhook({
    webhook: {
      receive: (config, delivery) => [
        sdk.located(
          delivery.header("X-Project"),
          sdk.upsert("item", delivery.json().id, { config, text: delivery.text() }),
        ),
      ],
    },
  });
  const [{ partition, change }] = await receive(encode({ a: 1 }), {
    headers: [["x-project", "shop"]],
    body: new TextEncoder().encode('{"id":5}'),
  });
  assert.equal(partition, "shop");
  assert.deepEqual(change.val.id, { kind: "item", key: "5" });
  assert.deepEqual(decode(change.val.value), { config: { a: 1 }, text: '{"id":5}' });
});

const invocation = {
  operation: "deploy",
  run: "r-1",
  config: encode({}),
  inputs: encode({ version: 2 }),
  target: {
    id: { blueprint: "service", identifier: "cart" },
    title: undefined,
    properties: encode({ tier: 1 }),
    relations: [
      { name: "team", target: { blueprint: "team", identifier: "a" } },
      { name: "team", target: { blueprint: "team", identifier: "b" } },
    ],
  },
};

test("an operation runs, is polled with its state, and ends", async () => {
  const plugin = {
    action: sdk.operations({
      deploy: {
        start: ({ inputs, target }) =>
          sdk.running(
            { version: inputs.version, teams: target.relations.team.map((each) => each.identifier) },
            { label: "going" },
          ),
        poll: (_, state) =>
          sdk.succeeded({
            outputs: state,
            link: "http://tool/1",
            changes: [sdk.located("p", sdk.remove("item", "1"))],
          }),
        cancel() {},
      },
    }),
  };
  const { start, poll, cancel } = glue.action(plugin);
  const { tag, val } = await start(invocation);
  assert.deepEqual([tag, val.pollAfterMs, val.label], ["running", 1000, "going"]);
  const ended = await poll(invocation, val.state);
  assert.equal(ended.tag, "succeeded");
  assert.deepEqual(decode(ended.val.outputs), { version: 2, teams: ["a", "b"] });
  assert.equal(ended.val.link, "http://tool/1");
  assert.deepEqual(ended.val.changes, [{ partition: "p", change: { tag: "delete", val: { kind: "item", key: "1" } } }]);
  assert.equal(await cancel(invocation, val.state), undefined);
});

test("an operation that is a function ends when it is started", async () => {
  const { start, poll } = glue.action({ action: sdk.operations({ deploy: () => sdk.failed("not today") }) });
  assert.deepEqual(await start(invocation), { tag: "failed", val: "not today" });
  await assert.rejects(poll(invocation, encode({})), { tag: "failed" });
  await assert.rejects(start({ ...invocation, operation: "toString" }), { tag: "not-found" });
});

test("rules judge each subject in order", async () => {
  const { evaluate } = glue.rule({
    rules: {
      old: ({ entity, related, now }, { days }) => {
        if (related.length === 0) {
          return sdk.notApplicable();
        }
        return now - entity.properties.at > days ? sdk.fail(`${entity.identifier} is old`) : sdk.pass();
      },
      broken: () => true,
    },
  });
  const subject = (at, related = [invocation.target]) => ({
    entity: { ...invocation.target, properties: encode({ at }) },
    related,
    now: 100n,
  });
  assert.deepEqual(await evaluate("old", encode({ days: 10 }), [subject(95), subject(1), subject(1, [])]), [
    { tag: "pass" },
    { tag: "fail", val: "cart is old" },
    { tag: "not-applicable" },
  ]);
  await assert.rejects(evaluate("broken", encode({}), [subject(1)]), (thrown) => /must answer pass\(\)/.test(thrown));
  await assert.rejects(evaluate("young", encode({}), []), (thrown) => /no rule young; it has old, broken/.test(thrown));
});

test("actions read the catalog", () => {
  assert.throws(() => sdk.catalog.get("service", "cart"), /only plugins with the role action/);
  glue.connectCatalog({
    get: ({ identifier }) => (identifier === "cart" ? invocation.target : undefined),
    related: (id, relation) => (relation === "self" ? [{ ...invocation.target, id }] : []),
  });
  assert.deepEqual(sdk.catalog.get("service", "cart").properties, { tier: 1 });
  assert.equal(sdk.catalog.get("service", "none"), undefined);
  assert.equal(sdk.catalog.related("service", "x", "self")[0].identifier, "x");
});

test("definePlugin names the author's mistake", () => {
  assert.throws(() => sdk.definePlugin({ ingestor: { pull() {} } }), /ingestor needs a function partitions/);
  assert.throws(() => sdk.definePlugin({ ingester: {} }), /ingester is no role/);
  assert.throws(() => sdk.definePlugin({ rules: { a: true } }), /rule a must be a function/);
  assert.throws(() => glue.webhook(sdk.definePlugin({})), /plugin.yaml names the role webhook/);
});
