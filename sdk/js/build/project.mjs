import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { BuildError } from "./error.mjs";

/** The SDK's own folder. */
export const SDK = dirname(dirname(fileURLToPath(import.meta.url)));

const ROLES = ["ingestor", "webhook", "action", "rule"];
const ENTRIES = ["src/plugin.ts", "src/plugin.js", "src/plugin.mjs", "plugin.ts", "plugin.js", "plugin.mjs"];

/**
 * What the build needs to know of a plugin's folder.
 * @returns {Promise<{folder: string, entry: string, roles: string[], files: boolean, typescript: boolean, tsconfig?: string}>}
 */
export async function project(folder) {
  const { roles, files } = await manifest(join(folder, "plugin.yaml"));
  const entry = await entryFile(folder);
  const tsconfig = join(folder, "tsconfig.json");
  return {
    folder,
    entry,
    roles,
    files,
    typescript: /\.[mc]?ts$/.test(entry),
    tsconfig: existsSync(tsconfig) ? tsconfig : undefined,
  };
}

/** The manifest is checked in full elsewhere; here only its roles matter, and whether it asks for files. */
async function manifest(file) {
  const text = await readFile(file, "utf8").catch((error) => {
    throw new BuildError(`${file}: ${error.code === "ENOENT" ? "a plugin needs this manifest" : error.message}`);
  });
  let read;
  try {
    read = parse(text);
  } catch (error) {
    throw new BuildError(`${file}: ${error.message}`);
  }
  const roles = read?.roles;
  if (!Array.isArray(roles) || roles.length === 0) {
    throw new BuildError(`${file}: roles must list what the plugin is, for example: roles: [ingestor]`);
  }
  for (const role of roles) {
    if (!ROLES.includes(role)) {
      throw new BuildError(`${file}: ${JSON.stringify(role)} is no role; roles are ${ROLES.join(", ")}`);
    }
  }
  // A rule imports nothing, whatever it asks for.
  const files = read.capabilities?.files?.length > 0 && roles.some((role) => role !== "rule");
  return { roles, files };
}

async function entryFile(folder) {
  const file = join(folder, "package.json");
  if (existsSync(file)) {
    const { main } = JSON.parse(await readFile(file, "utf8"));
    if (main !== undefined) {
      if (!existsSync(join(folder, main))) {
        throw new BuildError(`${file}: main is ${main}, which does not exist`);
      }
      return join(folder, main);
    }
  }
  const found = ENTRIES.find((entry) => existsSync(join(folder, entry)));
  if (found === undefined) {
    throw new BuildError(
      `${folder}: no source found; write ${ENTRIES[0]} or ${ENTRIES[1]}, or set main in package.json`,
    );
  }
  return join(folder, found);
}
