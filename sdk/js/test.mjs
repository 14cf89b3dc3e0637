#!/usr/bin/env node
// Runs a plugin's own tests (test/*.test.ts, .js, .mjs) with node --test: node test.mjs --project DIR
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { ALIAS } from "./build/bundle.mjs";

const { values } = parseArgs({ options: { project: { type: "string", default: "." } } });
const project = resolve(values.project);
const folder = join(project, "test");
const tests = existsSync(folder) ? readdirSync(folder).filter((name) => /\.test\.([mc]?ts|m?js)$/.test(name)) : [];
if (tests.length === 0) {
  process.stderr.write(`error: ${folder} has no *.test.ts or *.test.js\n`);
  process.exit(1);
}

// Node 20 reads no TypeScript, so tests are bundled first.
const work = await mkdtemp(join(tmpdir(), "seawall-js-test-"));
try {
  const modules = join(project, "node_modules");
  if (existsSync(modules)) {
    await symlink(modules, join(work, "node_modules"), "dir");
  }
  await build({
    entryPoints: tests.map((name) => join(folder, name)),
    outdir: work,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    alias: ALIAS,
    logLevel: "warning",
  });
  const bundles = tests.map((name) => join(work, `${basename(name).replace(/\.[^.]+$/, "")}.mjs`));
  process.exitCode = await run(["--enable-source-maps", "--test", ...bundles]);
} catch (error) {
  if (error.errors === undefined) {
    throw error;
  }
  process.exitCode = 1; // esbuild has shown them
} finally {
  await rm(work, { recursive: true, force: true });
}

function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: project, stdio: "inherit" });
    child.on("close", (code) => done(code ?? 1));
  });
}
