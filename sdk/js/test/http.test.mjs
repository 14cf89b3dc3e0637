import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { parse, waitMs } from "../src/http.js";
import * as sdk from "../src/index.js";
import { encode } from "../src/json.js";

const { http } = sdk;
const requests = [];
let server;
let base;

/** Answers as the path says: /STATUS, with the header and body of the query. */
before(async () => {
  server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://tool");
    const body = [];
    for await (const chunk of request) {
      body.push(chunk);
    }
    requests.push({ method: request.method, headers: request.headers, body: Buffer.concat(body).toString() });
    for (const [name, value] of JSON.parse(searchParams.get("headers") ?? "[]")) {
      response.setHeader(name, value);
    }
    response.statusCode = Number(pathname.slice(1));
    if (searchParams.has("cut")) {
      response.setHeader("content-length", 1000);
      response.write('{"half":');
      setImmediate(() => response.destroy());
    } else {
      response.end(searchParams.get("body") ?? "");
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

function answer(status, body, headers = []) {
  return http.url(base, `/${status}`, { body, headers: JSON.stringify(headers) });
}

test("json gives the answer's value and asks for JSON", async () => {
  assert.deepEqual(await http.json(answer(200, '{"a":["é"]}')), { a: ["é"] });
  assert.equal(requests.at(-1).headers.accept, "application/json");
  assert.equal(await http.json(answer(204, "")), undefined);
});

test("json sends a value", async () => {
  await http.json(answer(200, "1"), { json: { on: true } });
  const { method, headers, body } = requests.at(-1);
  assert.deepEqual([method, headers["content-type"], body], ["POST", "application/json", '{"on":true}']);
  await http.json(answer(200, "1"), {
    json: {},
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
  });
  assert.deepEqual(
    [requests.at(-1).method, requests.at(-1).headers["content-type"]],
    ["PATCH", "application/merge-patch+json"],
  );
});

test("a POST without a body has an empty one, and no content type", async () => {
  await http.send(answer(200, ""), { method: "POST" });
  const { headers, body } = requests.at(-1);
  assert.deepEqual([headers["content-length"], headers["content-type"], body], ["0", undefined, ""]);
});

test("answers that are no success become the error that fits", async () => {
  const cases = [
    [401, sdk.Unauthorized],
    [403, sdk.Unauthorized],
    [404, sdk.NotFound],
    [410, sdk.NotFound],
    [408, sdk.Unavailable],
    [500, sdk.Unavailable],
    [502, sdk.Unavailable],
    [503, sdk.Unavailable],
    [400, sdk.Failed],
    [422, sdk.Failed],
    [304, sdk.Failed],
  ];
  for (const [status, kind] of cases) {
    await assert.rejects(http.json(answer(status, status === 304 ? undefined : "the  reason\n")), (error) => {
      assert.ok(error instanceof kind, `${status} became ${error.name}`);
      assert.match(
        error.message,
        new RegExp(`^GET http://.*: answered ${status}${status === 304 ? "" : ": the reason"}$`),
      );
      return true;
    });
  }
});

test("429, and 403 and 503 with a time, say how long to wait", async () => {
  const cases = [
    [429, [["retry-after", "3"]], 3_000],
    [429, [], 30_000],
    [403, [["retry-after", "1"]], 1_000],
    [503, [["retry-after", "2"]], 2_000],
  ];
  for (const [status, headers, ms] of cases) {
    await assert.rejects(http.json(answer(status, "", headers)), (error) => {
      assert.ok(error instanceof sdk.RateLimited);
      assert.equal(error.retryAfterMs, ms);
      return true;
    });
  }
});

test("Retry-After is seconds or a date", () => {
  const now = Date.UTC(2026, 0, 1, 0, 0, 0);
  assert.equal(waitMs("120", now), 120_000);
  assert.equal(waitMs("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
  assert.equal(waitMs("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  for (const neither of ["soon", "", "-5", "1.5", "1 May 2027", null]) {
    assert.equal(waitMs(neither, now), undefined, String(neither));
  }
});

test("an answer that is no JSON is quoted, and one that breaks off is unavailable", async () => {
  await assert.rejects(http.json(answer(200, "<html>log in</html>")), (error) => {
    assert.ok(error instanceof sdk.Failed);
    assert.match(
      error.message,
      /^GET http:\/\/127\.0\.0\.1:\d+\/200 answered no JSON; it begins with: <html>log in<\/html>$/,
    );
    return true;
  });
  for (const status of [200, 404, 500]) {
    await assert.rejects(http.json(http.url(base, `/${status}`, { cut: 1 })), sdk.Unavailable);
  }
});

test("a whole body that is no JSON has failed, whatever its bytes", () => {
  for (const [bytes, begins] of [
    [[], "it is empty"],
    [[0, 0], "it begins with: \ufffd\ufffd"],
    [[0x7b, 0x22, 0xe9, 0x22, 0x7d], 'it begins with: {"\ufffd"}'],
    [[0xff, 0xfe, 0x5b, 0, 0x5d, 0], "it begins with: \ufffd\ufffd[\ufffd]\ufffd"],
  ]) {
    for (const request of ["GET x", "POST x"]) {
      assert.throws(
        () => parse(request, 200, new Uint8Array(bytes)),
        (error) => {
          assert.ok(error instanceof sdk.Failed);
          assert.equal(error.message, `${request} answered no JSON; ${begins}`);
          return true;
        },
      );
    }
  }
  assert.equal(parse("GET x", 204, new Uint8Array()), undefined);
  assert.deepEqual(parse("GET x", 200, new TextEncoder().encode("\ufeff[1]")), [1]);
});

test("an item's key is a string or a number", () => {
  assert.equal(sdk.upsert("k", 7, {}).key, "7");
  assert.equal(sdk.upsert("k", 7n, {}).key, "7");
  assert.throws(() => sdk.upsert("k", undefined, {}), /^TypeError: k: the key of an item is .*, not undefined$/);
  for (const key of [undefined, null, "", Number.NaN, {}]) {
    assert.throws(() => sdk.upsert("k", key, {}), TypeError);
    assert.throws(() => sdk.remove("k", key), TypeError);
  }
});

test("half of a surrogate pair becomes a replacement character", () => {
  const text = new TextDecoder().decode(encode({ a: "x\ud83d", b: "\\ud83d", c: "\u{1f600}" }, "item"));
  assert.equal(text, '{"a":"x\\ufffd","b":"\\\\ud83d","c":"\u{1f600}"}');
});

test("no answer is unavailable, and says that the host may have denied it", async () => {
  const closed = createServer();
  await new Promise((ready) => closed.listen(0, "127.0.0.1", ready));
  const { port } = closed.address();
  await new Promise((done) => closed.close(done));
  await assert.rejects(http.json(`http://127.0.0.1:${port}/`), (error) => {
    assert.ok(error instanceof sdk.Unavailable);
    assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/: no answer.*denied/);
    return true;
  });
});

test("url joins with one slash and leaves out what is absent", () => {
  assert.equal(http.url("https://a/b/", "/c"), "https://a/b/c");
  assert.equal(
    http.url("https://a", "c", { x: 1, y: undefined, z: null, s: "a b&c", l: ["p", "q"] }),
    "https://a/c?x=1&s=a+b%26c&l=p&l=q",
  );
});
