import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { SDK } from "./project.mjs";

/** Components that are kept: each has some 13 MB. */
const KEPT = 12;

/**
 * Writes the component to `out`: a kept one of the same bundle and world, or what `make` writes, which is then kept.
 * The bundle is all that the component has of the author's code and of the SDK's, so nothing stale can come of it.
 */
export async function cached(folder, input, out, make) {
  if (folder === undefined) {
    return make();
  }
  const kept = join(folder, `${await key(input)}.js.wasm`);
  try {
    await copyFile(kept, out);
    const now = new Date();
    await utimes(kept, now, now);
    process.stderr.write("component: as it was built before\n");
    return;
  } catch {
    await make();
  }
  try {
    await mkdir(folder, { recursive: true });
    const partial = `${kept}.${process.pid}.tmp`;
    await copyFile(out, partial);
    await rename(partial, kept);
    await drop(folder);
  } catch (error) {
    process.stderr.write(`note: ${folder}: the component was not kept (${error.code})\n`);
  }
}

async function key({ plugin, entry, world }) {
  const hash = createHash("sha256");
  const add = (part) => hash.update(`${part.length}:`).update(part);
  add(await readFile(entry));
  add(plugin.roles.join());
  // The packages that make the component, and how they are called.
  for (const file of ["package.json", "build/component.mjs", "build/component-worker.mjs"]) {
    add(await readFile(join(SDK, file)));
  }
  const files = await readdir(world, { recursive: true, withFileTypes: true });
  for (const path of files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath ?? file.path, file.name))
    .sort()) {
    add(path.slice(world.length));
    add(await readFile(path));
  }
  return hash.digest("hex").slice(0, 32);
}

/** Those that were not asked for the longest. */
async function drop(folder) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".js.wasm"));
  const aged = await Promise.all(names.map(async (name) => [(await stat(join(folder, name))).mtimeMs, name]));
  aged.sort(([a], [b]) => b - a);
  await Promise.all(aged.slice(KEPT).map(([, name]) => rm(join(folder, name), { force: true })));
}
