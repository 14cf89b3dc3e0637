// The machine's files, for an author's tests in Node.
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { FileError } from "./files.js";

const REASONS = { ENOENT: "not-found", EACCES: "denied", EPERM: "denied", ELOOP: "loop" };

export const nativeFiles = {
  readDir: (path) =>
    guarded(path, () => readdirSync(path, { withFileTypes: true })).map((entry) => ({
      name: entry.name,
      kind: kind(entry),
    })),
  read(path, limit) {
    const bytes = guarded(path, () => readFileSync(path));
    if (bytes.length > limit) {
      throw FileError.tooLarge(path, limit);
    }
    return new Uint8Array(bytes);
  },
  metadata(path) {
    return guarded(path, () => {
      const found = statSync(path);
      return { kind: kind(found), len: found.size, modified: Math.floor(found.mtimeMs), identity: realpathSync(path) };
    });
  },
};

function kind(entry) {
  if (entry.isFile()) {
    return "file";
  }
  if (entry.isDirectory()) {
    return "directory";
  }
  return entry.isSymbolicLink() ? "symlink" : "other";
}

function guarded(path, call) {
  try {
    return call();
  } catch (error) {
    if (error.code === undefined) {
      throw error;
    }
    throw REASONS[error.code] === undefined
      ? new FileError(path, "other", error.message)
      : new FileError(path, REASONS[error.code]);
  }
}
