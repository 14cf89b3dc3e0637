import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { bundle } from "./bundle.mjs";
import { cached } from "./cache.mjs";
import { component } from "./component.mjs";
import { link } from "./link.mjs";
import { project } from "./project.mjs";
import { typecheck } from "./typecheck.mjs";

/** The whole build: reads the project, checks types while it bundles, makes the component. */
export async function build({ project: folder, out, world, cache }) {
  const plugin = await project(resolve(folder));
  const work = await mkdtemp(join(tmpdir(), "seawall-js-"));
  try {
    await link(plugin);
    const [entry] = await Promise.all([
      timed("bundle", () => bundle(plugin, work)),
      timed("types", () => typecheck(plugin, work)),
    ]);
    await replace(resolve(out), (partial) =>
      cached(cache, { plugin, entry, world: resolve(world) }, partial, () =>
        timed("component", () => component(plugin, entry, resolve(world), partial)),
      ),
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A reader never sees half a component. */
async function replace(out, write) {
  await mkdir(dirname(out), { recursive: true });
  const partial = `${out}.${process.pid}.tmp`;
  try {
    await write(partial);
    await rename(partial, out);
  } finally {
    await rm(partial, { force: true });
  }
}

async function timed(what, work) {
  const started = performance.now();
  const result = await work();
  process.stderr.write(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return result;
}
