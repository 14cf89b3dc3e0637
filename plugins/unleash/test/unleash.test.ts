// Against a real Unleash, which UNLEASH_URL names; `tests/servers/unleash.sh` starts one. Without it these tests are
// skipped and say so. The server keeps what they make, so each test makes flags of its own names.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, it } from "node:test";
import { HostFailure, partitions, run, walk } from "@seawall/sdk/testkit";
import plugin from "../src/plugin.js";

const url = process.env.UNLEASH_URL;
const token = process.env.UNLEASH_TOKEN ?? "*:*.unleash-test-token";
const config = { base_url: url ?? "" };
const project = "default";

/** What the host's door does: attaches the credential to requests of the plugin. */
let credential = token;
const requests: string[] = [];
const direct = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("authorization", credential);
  requests.push(`${init?.method ?? "GET"} ${input}`);
  return direct(input, { ...init, headers });
};

async function admin(method: string, path: string, body?: unknown) {
  const response = await direct(`${url}/api/admin${path}`, {
    method,
    headers: { authorization: token, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
}

async function newFlag(prefix: string) {
  const name = `${prefix}-${randomUUID().slice(0, 8)}`;
  await admin("POST", `/projects/${project}/features`, { name, type: "release", description: "made by a test" });
  return name;
}

function target(name: string) {
  return {
    blueprint: "unleashFeatureFlag",
    identifier: name,
    relations: { project: [{ blueprint: "unleashProject", identifier: project }] },
  };
}

function switching(name: string, environment: string, enabled: boolean) {
  return run(plugin, { operation: "switch-flag", config, inputs: { environment, enabled }, target: target(name) });
}

describe("unleash", { skip: url === undefined ? "UNLEASH_URL is not set" : false }, () => {
  before(() => admin("GET", "/projects"));

  it("lists projects", async () => {
    assert.deepEqual(await partitions(plugin, { config, kind: "project" }), ["all"]);
    const { items, next } = await walk(plugin, { config, kind: "project" }, "all");
    assert.equal(next.tag, "snapshot-complete");
    assert.equal(items.get(project).name, "Default");
    assert.equal(items.get(project).__url, `${url}/projects/default`);
  });

  it("lists environments", async () => {
    const { items } = await walk(plugin, { config, kind: "environment" }, "all");
    assert.equal(items.get("production").type, "production");
    assert.equal(items.get("development").enabled, true);
  });

  it("lists flags by project", async () => {
    const name = await newFlag("listed");
    assert.ok((await partitions(plugin, { config, kind: "feature-flag" })).includes(project));
    const { items } = await walk(plugin, { config, kind: "feature-flag" }, project);
    const flag = items.get(name);
    assert.equal(flag.__project, project);
    assert.equal(flag.__url, `${url}/projects/default/features/${name}`);
    assert.deepEqual(
      flag.environments.map((each: { name: string; enabled: boolean }) => [each.name, each.enabled]),
      [
        ["development", false],
        ["production", false],
      ],
    );
    const again = await walk(plugin, { config, kind: "feature-flag" }, project);
    assert.deepEqual(again.items.get(name), flag, "an unchanged flag gives the same item");
  });

  it("lists a whole project, and no longer lists what is archived", async () => {
    const names: string[] = [];
    for (let i = 0; i < 120; i += 1) {
      names.push(await newFlag("many"));
    }
    const [archived, ...kept] = names;
    await admin("DELETE", `/projects/${project}/features/${archived}`);
    const { items, next } = await walk(plugin, { config, kind: "feature-flag" }, project);
    assert.equal(next.tag, "snapshot-complete");
    assert.deepEqual(
      kept.filter((name) => !items.has(name)),
      [],
    );
    assert.ok(!items.has(archived as string));
  });

  it("switches a flag, reads it back, and may be run again", async () => {
    const name = await newFlag("switched");
    for (const enabled of [true, true, false]) {
      const outcome = await switching(name, "development", enabled);
      assert.equal(outcome.type, "succeeded");
      assert.ok(outcome.type === "succeeded");
      assert.deepEqual(outcome.outputs, { flag: name, project, environment: "development", enabled });
      assert.equal(outcome.link, `${url}/projects/default/features/${name}`);
      const { items } = await walk(plugin, { config, kind: "feature-flag" }, project);
      assert.deepEqual(outcome.changes, [
        { partition: project, change: { type: "upsert", kind: "feature-flag", key: name, value: items.get(name) } },
      ]);
      const states = items
        .get(name)
        .environments.map((each: { name: string; enabled: boolean }) => [each.name, each.enabled]);
      assert.deepEqual(Object.fromEntries(states), { development: enabled, production: false });
    }
  });

  it("says what does not exist", async () => {
    const name = await newFlag("known");
    await assert.rejects(switching("no-such-flag", "development", true), fails("not-found", /no-such-flag/));
    await assert.rejects(switching(name, "moon", true), fails("not-found", /moon/));
    await assert.rejects(
      run(plugin, { operation: "paint-flag", config, inputs: {}, target: target(name) }),
      fails("not-found", /paint-flag/),
    );
  });

  it("says that a token is refused", async () => {
    credential = "wrong";
    try {
      await assert.rejects(walk(plugin, { config, kind: "project" }, "all"), fails("unauthorized", /401/));
    } finally {
      credential = token;
    }
  });

  it("says that an address is not Unleash's, or not there", async () => {
    const wrong = { base_url: `${url}/api` };
    await assert.rejects(walk(plugin, { config: wrong, kind: "project" }, "all"), fails("not-found", /404/));
    const dead = { base_url: "http://127.0.0.1:1" };
    await assert.rejects(walk(plugin, { config: dead, kind: "project" }, "all"), fails("unavailable", /no answer/));
  });

  it("sends nothing that its manifest does not ask for", () => {
    const allowed = [
      /^GET \S+\/api\/admin\/(projects|environments|projects\/[^/]+\/features)$/,
      /^POST \S+\/api\/admin\/projects\/[^/]+\/features\/[^/]+\/environments\/[^/]+\/(on|off)$/,
    ];
    const sent = requests.filter((each) => each.includes(`${url}/api/admin`));
    assert.ok(sent.length > 0);
    assert.deepEqual(
      sent.filter((each) => !allowed.some((rule) => rule.test(each))),
      [],
    );
  });
});

function fails(tag: string, detail: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HostFailure, String(error));
    assert.equal(error.tag, tag);
    assert.match(String(error.detail), detail);
    return true;
  };
}
