import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "./error.mjs";
import { SDK } from "./project.mjs";

/** What a project without tsconfig.json is checked with. */
const DEFAULTS = {
  strict: true,
  target: "es2022",
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2023", "webworker"],
  types: [],
  skipLibCheck: true,
};

/**
 * Checks the types of what is built, where the project is TypeScript or has a tsconfig.json.
 * Errors come as file:line:column.
 */
export async function typecheck(plugin, work) {
  if (!plugin.typescript && plugin.tsconfig === undefined) {
    return;
  }
  const config = join(work, "tsconfig.json");
  await writeFile(config, JSON.stringify(settings(plugin)));
  const { code, output } = await tsc(["--project", config, "--pretty", "false"], plugin.folder);
  if (code !== 0) {
    // tsc writes file(line,column); most editors and terminals open file:line:column.
    const text = output.replace(/^(\S[^\n(]*)\((\d+),(\d+)\): /gm, "$1:$2:$3: ");
    throw new BuildError(`the types are wrong\n${text.trimEnd()}`);
  }
}

function settings({ entry, folder, tsconfig }) {
  return {
    ...(tsconfig === undefined ? {} : { extends: tsconfig }),
    compilerOptions: {
      ...(tsconfig === undefined ? DEFAULTS : {}),
      noEmit: true,
      paths: {
        "@seawall/sdk": [join(SDK, "src/index.d.ts")],
        "@seawall/sdk/testkit": [join(SDK, "src/testkit.d.ts")],
      },
    },
    // What the component holds, and declarations for it. Tests are the author's own to check.
    files: [entry],
    include: [join(folder, "*.d.ts"), join(folder, "src/**/*.d.ts")],
  };
}

function tsc(args, cwd) {
  const bin = join(SDK, "node_modules/typescript/bin/tsc");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
