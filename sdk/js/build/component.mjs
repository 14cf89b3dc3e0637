import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { BuildError } from "./error.mjs";

const WORKER = fileURLToPath(new URL("component-worker.mjs", import.meta.url));

/** A rule imports nothing, so that the same input gives the same verdict. */
const PURE = ["stdio", "random", "clocks", "http", "fetch-event"];
/** Plugins send requests and serve none; left on, it would export an HTTP server. */
const TOOL = ["fetch-event"];

/**
 * Makes the component of a bundled module and writes it to `out`.
 *
 * In a process of its own, since V8 takes this flag only at start: componentize-js grows its memory thousands of
 * times, V8 collects garbage each time, and doing so on several threads costs two thirds of the whole build's CPU.
 */
export function component({ roles }, entry, world, out) {
  const options = {
    sourcePath: entry,
    witPath: world,
    worldName: "plugin",
    disableFeatures: roles.every((role) => role === "rule") ? PURE : TOOL,
  };
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, { execArgv: ["--single-threaded-gc"] });
    let failure = "it ended without a word";
    child.on("message", ({ error }) => {
      failure = error;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (failure === undefined && code === 0) {
        resolve();
      } else {
        const why = failure ?? `exit code ${code ?? signal}`;
        reject(new BuildError(`the component could not be made\n${why}`));
      }
    });
    child.send({ options, out });
  });
}
