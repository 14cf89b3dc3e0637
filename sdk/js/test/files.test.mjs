// The machine's files as tests see them, and the same through wasi:filesystem, as Node's implementation of it gives them.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { _addPreopen, preopens } from "@bytecodealliance/preview2-shim/filesystem";
import { toFailure } from "../src/failure.js";
import { connectFiles } from "../src/files.js";
import { sandboxFiles } from "../src/glue/files.js";
import { FileError, files } from "../src/index.js";
import { nativeFiles } from "../src/native-files.js";

const root = await mkdtemp(join(tmpdir(), "seawall-sdk-files-"));
after(() => rm(root, { recursive: true }));
await mkdir(join(root, "b"));
await writeFile(join(root, "b/deep.txt"), "é");
await writeFile(join(root, "b.txt"), new Uint8Array([0xff, 0x21]));
await writeFile(join(root, "a.txt"), "one");
await symlink("b", join(root, "link"));
_addPreopen("/checkout", root);

function refused(reason, words) {
  return (error) => {
    assert.ok(error instanceof FileError, error.stack);
    assert.equal(error.reason, reason);
    assert.match(error.message, words);
    return true;
  };
}

const systems = { native: [nativeFiles, root], sandbox: [sandboxFiles(preopens.getDirectories), "/checkout"] };
for (const [name, [system, at]] of Object.entries(systems)) {
  const check = (what, body) =>
    test(`${name}: ${what}`, () => {
      connectFiles(system);
      body();
    });

  check("a walk sees files and links in order", () => {
    const seen = [...files.walk(`${at}/`)].map(({ path, kind }) => [path.slice(at.length), kind]);
    assert.deepEqual(seen, [
      ["/a.txt", "file"],
      ["/b/deep.txt", "file"],
      ["/b.txt", "file"],
      ["/link", "symlink"],
    ]);
    assert.deepEqual(
      files.readDir(at).map((entry) => entry.name),
      ["a.txt", "b", "b.txt", "link"],
    );
  });

  check("text is read up to a limit", () => {
    assert.deepEqual([...files.read(`${at}/a.txt`, 3)], [111, 110, 101]);
    assert.equal(files.readText(`${at}/b/deep.txt`, 2), "é");
    assert.equal(files.readText(`${at}/b.txt`, 10), "\ufffd!");
    assert.throws(() => files.read(`${at}/a.txt`, 2), refused("too-large", /a\.txt: it is larger than 2 bytes/));
  });

  check("two paths to one place have one identity", () => {
    const found = files.metadata(`${at}/link`);
    assert.equal(found.kind, "directory");
    assert.equal(found.identity, files.metadata(`${at}/b`).identity);
    const { kind, len, modified } = files.metadata(`${at}/a.txt`);
    assert.deepEqual([kind, len], ["file", 3]);
    assert.ok(Math.abs(modified - Date.now()) < 3_600_000, String(modified));
  });

  check("what is not there says so, and ends a call as failed", () => {
    for (const call of [files.readDir, files.metadata, (path) => files.read(path, 1)]) {
      assert.throws(() => call(`${at}/nope`), refused("not-found", /nope: nothing is there/));
    }
    const { failure, report } = toFailure(new FileError("/x", "loop"));
    assert.deepEqual([failure, report], [{ tag: "failed", val: "/x: its links lead in a circle" }, undefined]);
  });
}

test("a path outside of what was granted names the manifest's lines", () => {
  connectFiles(sandboxFiles(() => [[undefined, "/checkout"]]));
  assert.throws(() => files.read("/checkouts/a", 1), refused("not-granted", /capabilities: \{files:/));
});
