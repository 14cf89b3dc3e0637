#!/usr/bin/env node
// Builds a plugin's component: node build.mjs --project DIR --out FILE.wasm --world WORLD_DIR [--cache DIR]
import { parseArgs } from "node:util";
import { BuildError } from "./build/error.mjs";
import { build } from "./build/index.mjs";

const USAGE = `usage: build.mjs --project DIR --out FILE.wasm --world WORLD_DIR [--cache DIR]
  --project  the plugin's folder: plugin.yaml, src/plugin.ts or src/plugin.js
  --out      where the component is written
  --world    a folder with world.wit (package author:plugin, world plugin) and deps/
  --cache    where components are kept, so that the same code is not made into one twice`;

try {
  const { values } = parseArgs({
    options: {
      project: { type: "string" },
      out: { type: "string" },
      world: { type: "string" },
      cache: { type: "string" },
    },
  });
  for (const name of ["project", "out", "world"]) {
    if (values[name] === undefined) {
      throw new BuildError(`--${name} is missing\n${USAGE}`);
    }
  }
  await build(values);
} catch (error) {
  const expected = error instanceof BuildError || error.code?.startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`${expected ? `error: ${error.message}` : error.stack}\n`);
  process.exitCode = 1;
}
