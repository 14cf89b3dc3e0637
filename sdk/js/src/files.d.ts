import { Failed } from "./failure.js";

/** What stands at a path. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** What is known of a file or directory. */
export interface Metadata {
  kind: FileKind;
  /** Bytes. */
  len: number;
  /** When it was last written, in milliseconds since 1970, where the file system says. */
  modified: number | undefined;
  /** The same for two paths that lead to one file, so that a walk can see a loop. No meaning beyond this run. */
  identity: string;
}

/**
 * Reads the directories that the host gives, such as a git checkout. The manifest asks with `capabilities.files`; paths
 * are as its `at` says, such as `/checkout/src/main.ts`. In tests, with `@seawall/sdk/testkit` imported, these are the
 * machine's files.
 */
export const files: {
  /** The names in a directory, sorted, so that two walks see the same order. Links are listed, not followed. */
  readDir(path: string): { name: string; kind: FileKind }[];
  /** A whole file, of at most `limit` bytes. Links are followed as far as they stay inside what was granted. */
  read(path: string, limit: number): Uint8Array;
  /** The same as text; what is not UTF-8 becomes U+FFFD. */
  readText(path: string, limit: number): string;
  /** What is known of a path. Links are followed as far as they stay inside what was granted. */
  metadata(path: string): Metadata;
  /** All that is below a directory but directories, in the order of `readDir`. Links are given, not followed. */
  walk(path: string): Generator<{ path: string; name: string; kind: FileKind }>;
};

/** A path that cannot be read. Not caught, it ends the call as `Failed`. */
export class FileError extends Failed {
  path: string;
  reason: "not-found" | "denied" | "loop" | "not-granted" | "too-large" | "other";
}
