// The parts of the build before componentize-js, on projects in a temporary folder.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { bundle } from "../build/bundle.mjs";
import { cached } from "../build/cache.mjs";
import { BuildError } from "../build/error.mjs";
import { project } from "../build/project.mjs";
import { typecheck } from "../build/typecheck.mjs";

const root = await mkdtemp(join(tmpdir(), "seawall-sdk-test-"));
after(() => rm(root, { recursive: true }));
let count = 0;

async function folder(files) {
  count += 1;
  const path = join(root, `p${count}`);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

async function template(source) {
  const read = (name) => readFile(new URL(`../template/${name}`, import.meta.url), "utf8");
  return folder({
    "plugin.yaml": (await read("plugin.yaml")).replaceAll("{{name}}", "demo"),
    "package.json": (await read("package.json.tmpl")).replaceAll("{{name}}", "demo"),
    "tsconfig.json": await read("tsconfig.json"),
    "src/plugin.ts": source ?? (await read("src/plugin.ts")),
  });
}

async function steps(path) {
  const plugin = await project(path);
  const work = await mkdtemp(join(root, "work-"));
  await typecheck(plugin, work);
  return readFile(await bundle(plugin, work), "utf8");
}

function refuses(pattern) {
  return (error) => {
    assert.ok(error instanceof BuildError, error.stack);
    assert.match(error.message, pattern);
    return true;
  };
}

test("the template has right types and exports just the manifest's roles", async () => {
  const code = await steps(await template());
  assert.match(code, /^import \{ write( as \w+)? \} from "seawall:plugin\/log@0.1.0";$/m);
  assert.match(code, /export \{\s+ingestor\d*( as ingestor)?\s+\};/);
  assert.ok(!code.includes("seawall:plugin/catalog"));
});

test("a rule in JavaScript imports nothing", async () => {
  const code = await steps(
    await folder({
      "plugin.yaml": "name: demo\nversion: 0.1.0\nroles: [rule]\n",
      "src/plugin.js":
        'import { definePlugin, pass } from "@seawall/sdk";\nexport default definePlugin({ rules: { a: () => pass() } });\n',
    }),
  );
  assert.ok(!/^import /m.test(code));
  assert.match(code, /export \{\s+rule\d*( as rule)?\s+\};/);
});

test("wrong types fail with file, line and column", async () => {
  const source = (await readFile(new URL("../template/src/plugin.ts", import.meta.url), "utf8")).replace(
    "scope.config.base_url",
    "scope.config.base_uri",
  );
  await assert.rejects(steps(await template(source)), refuses(/src\/plugin\.ts:\d+:\d+: error TS2551: .*base_uri/));
});

test("mistakes are explained", async () => {
  const manifest = "name: demo\nversion: 0.1.0\nroles: [ingestor]\n";
  const cases = [
    [{}, /plugin\.yaml: a plugin needs this manifest/],
    [{ "plugin.yaml": "roles: [\n" }, /plugin\.yaml: .*line 2/],
    [{ "plugin.yaml": "name: demo\n" }, /roles must list/],
    [{ "plugin.yaml": "roles: [ingester]\n" }, /"ingester" is no role; roles are ingestor/],
    [{ "plugin.yaml": manifest }, /no source found; write src\/plugin.ts/],
    [{ "plugin.yaml": manifest, "package.json": '{"main":"a.js"}' }, /main is a.js, which does not exist/],
    [{ "plugin.yaml": manifest, "src/plugin.js": "export const a = 1;\n" }, /export default definePlugin/],
    [{ "plugin.yaml": manifest, "src/plugin.js": 'import "node:fs";\nexport default {};\n' }, /without Node's modules/],
    [{ "plugin.yaml": manifest, "src/plugin.js": 'import "left-pad";\nexport default {};\n' }, /run npm install/],
    [{ "plugin.yaml": manifest, "src/plugin.js": "export default {\n" }, /src\/plugin.js:2:0/],
  ];
  for (const [files, pattern] of cases) {
    await assert.rejects(steps(await folder({ "note.txt": "", ...files })), refuses(pattern));
  }
});

test("files are connected where the manifest asks for them", async () => {
  const manifest = (asks) => `name: demo\nversion: 0.1.0\nroles: [ingestor]\ncapabilities: {files: [${asks}]}\n`;
  const code =
    'import { definePlugin, files } from "@seawall/sdk";\nexport default definePlugin({ ingestor: { files } });\n';
  const built = (asks) => folder({ "plugin.yaml": manifest(asks), "src/plugin.js": code }).then(steps);
  assert.match(await built('{at: /checkout, from: "{path}"}'), /from "wasi:filesystem\/preopens@0.2.12"/);
  assert.ok(!(await built("")).includes('"wasi:filesystem/'));
});

test("a component is made once of the same bundle and world", async () => {
  const world = await folder({ "world.wit": "world plugin {}\n", "deps/a/a.wit": "package a:a;\n" });
  const entry = join(await folder({ "plugin.js": "export const a = 1;\n" }), "plugin.js");
  const kept = join(root, "kept");
  const out = join(root, "out.wasm");
  let made = 0;
  const build = (roles = ["rule"]) =>
    cached(kept, { plugin: { roles }, entry, world }, out, async () => {
      made += 1;
      await writeFile(out, `component ${made}`);
    });
  await build();
  await rm(out);
  await build();
  assert.equal(await readFile(out, "utf8"), "component 1");
  await writeFile(entry, "export const a = 2;\n");
  await build();
  await build(["ingestor"]);
  await writeFile(join(world, "deps/a/a.wit"), "package a:b;\n");
  await build();
  assert.equal(made, 4);
  for (let number = 0; number < 12; number += 1) {
    await writeFile(entry, `export const a = "${number}";\n`);
    await build();
  }
  assert.equal((await readdir(kept)).length, 12);
});
