import { join } from "node:path";
import { build, formatMessages } from "esbuild";
import { BuildError } from "./error.mjs";
import { glue } from "./glue.mjs";
import { SDK } from "./project.mjs";

/** The SDK's modules, wherever the project lies: an author needs no node_modules for them. */
export const ALIAS = {
  "@seawall/sdk/glue": join(SDK, "src/glue/index.js"),
  "@seawall/sdk/testkit": join(SDK, "src/testkit.js"),
  "@seawall/sdk": join(SDK, "src/index.js"),
};

/** Bundles the author's module and the generated entry into one file. @returns its path. */
export async function bundle(plugin, work) {
  const outfile = join(work, "plugin.js");
  const { warnings } = await build({
    stdin: {
      contents: glue(plugin.entry, plugin.roles, plugin.files),
      resolveDir: plugin.folder,
      sourcefile: "(entry)",
      loader: "js",
    },
    absWorkingDir: plugin.folder,
    bundle: true,
    outfile,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import", "default"],
    target: "es2022",
    external: ["seawall:*", "wasi:*"],
    alias: ALIAS,
    logLevel: "silent",
  }).catch(async (error) => {
    throw new BuildError(await explain(error));
  });
  for (const text of await formatMessages(warnings, { kind: "warning" })) {
    process.stderr.write(text);
  }
  return outfile;
}

async function explain(error) {
  if (error.errors === undefined) {
    return error.message;
  }
  const hints = error.errors.map(({ text }) => hint(text)).filter((each) => each !== undefined);
  const messages = await formatMessages(error.errors, { kind: "error" });
  return ["the plugin could not be bundled", ...messages, ...new Set(hints)].join("\n").trimEnd();
}

function hint(text) {
  if (text.includes('"default"')) {
    return "hint: the module must end with: export default definePlugin({ … })";
  }
  if (/Could not resolve "node:|Could not resolve "(fs|path|http|https|crypto|os|net)"/.test(text)) {
    return "hint: a plugin runs in a sandbox without Node's modules; use fetch, URL, TextEncoder and the SDK";
  }
  if (text.startsWith("Could not resolve")) {
    return "hint: run npm install in the plugin's folder if the package is one of its dependencies";
  }
  return undefined;
}
