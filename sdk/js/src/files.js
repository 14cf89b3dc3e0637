import { Failed } from "./failure.js";

const WORDS = {
  "not-found": "nothing is there",
  denied: "it leads out of the granted directory, or may not be read",
  loop: "its links lead in a circle",
  "not-granted":
    "no granted directory holds it; the manifest asks for one with `capabilities: {files: [{at: …, from: …}]}`",
};

/** A path that cannot be read. */
export class FileError extends Failed {
  constructor(path, reason, words = WORDS[reason]) {
    super(`${path}: ${words}`);
    this.path = path;
    this.reason = reason;
  }

  /** More bytes than asked for. */
  static tooLarge(path, limit) {
    return new FileError(path, "too-large", `it is larger than ${limit} bytes`);
  }
}

let host;

/** Used by the generated entry, and by the testkit for the machine's own files. */
export function connectFiles(system) {
  host = system;
}

function system() {
  if (host === undefined) {
    throw new Error(
      "there are no files: plugin.yaml asks for none with `capabilities: {files: …}`; tests import @seawall/sdk/testkit",
    );
  }
  return host;
}

function readDir(path) {
  const byName = (a, b) => (a.name < b.name ? -1 : Number(a.name > b.name));
  return system().readDir(path).sort(byName);
}

export const files = {
  readDir,
  read: (path, limit) => system().read(path, limit),
  readText: (path, limit) => new TextDecoder().decode(files.read(path, limit)),
  metadata: (path) => system().metadata(path),
  *walk(path) {
    for (const { name, kind } of readDir(path)) {
      const below = `${path.replace(/\/+$/, "")}/${name}`;
      if (kind === "directory") {
        yield* files.walk(below);
      } else {
        yield { path: below, name, kind };
      }
    }
  },
};
