import { lstat, mkdir, readlink, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SDK } from "./project.mjs";

/**
 * Points node_modules/@seawall/sdk at this SDK, so that editors and an author's own tests find its types and modules.
 * The build itself does not need it: where a folder cannot be written, it goes on without.
 */
export async function link({ folder }) {
  const place = join(folder, "node_modules/@seawall/sdk");
  try {
    const there = await lstat(place).catch(() => undefined);
    if (there !== undefined) {
      if (!there.isSymbolicLink() || (await readlink(place)) === SDK) {
        return;
      }
      await rm(place);
    }
    await mkdir(dirname(place), { recursive: true });
    await symlink(SDK, place, "dir");
  } catch (error) {
    process.stderr.write(`note: ${place} was not linked, so editors may not find the SDK's types (${error.code})\n`);
  }
}
