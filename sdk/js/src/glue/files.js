import { FileError } from "../files.js";

/** What one call to the host reads at most. */
const CHUNK = 256n * 1024n;

const KINDS = { "regular-file": "file", directory: "directory", "symbolic-link": "symlink" };
const REASONS = { "no-entry": "not-found", access: "denied", "not-permitted": "denied", loop: "loop" };

/** The files of `wasi:filesystem`. `getDirectories` is that of its interface `preopens`. */
export function sandboxFiles(getDirectories) {
  const open = (path, flags) => {
    const { directory, below } = locate(getDirectories(), path);
    return guarded(path, () => directory.openAt({ symlinkFollow: true }, below, flags, { read: true }));
  };
  return {
    readDir(path) {
      const stream = guarded(path, () => open(path, { directory: true }).readDirectory());
      const entries = [];
      for (;;) {
        const entry = guarded(path, () => stream.readDirectoryEntry());
        if (entry === undefined || entry === null) {
          return entries;
        }
        entries.push({ name: entry.name, kind: KINDS[entry.type] ?? "other" });
      }
    },
    read(path, limit) {
      const file = open(path, {});
      if (guarded(path, () => file.stat()).size > limit) {
        throw FileError.tooLarge(path, limit);
      }
      const chunks = [];
      let length = 0;
      for (let end = false; !end; ) {
        const [chunk, last] = guarded(path, () => file.read(CHUNK, BigInt(length)));
        chunks.push(chunk);
        length += chunk.length;
        // The file may grow while it is read.
        if (length > limit) {
          throw FileError.tooLarge(path, limit);
        }
        end = last || chunk.length === 0;
      }
      const bytes = new Uint8Array(length);
      chunks.reduce((at, chunk) => {
        bytes.set(chunk, at);
        return at + chunk.length;
      }, 0);
      return bytes;
    },
    metadata(path) {
      const { directory, below } = locate(getDirectories(), path);
      const follow = { symlinkFollow: true };
      const { type, size, dataModificationTimestamp: time } = guarded(path, () => directory.statAt(follow, below));
      const { upper, lower } = guarded(path, () => directory.metadataHashAt(follow, below));
      return {
        kind: KINDS[type] ?? "other",
        len: Number(size),
        modified: time && Number(time.seconds) * 1000 + Math.floor(time.nanoseconds / 1e6),
        identity: `${upper}-${lower}`,
      };
    },
  };
}

/** The granted directory that holds a path, and the path below it. The deepest one, where they are nested. */
function locate(directories, path) {
  let found;
  for (const [directory, name] of directories) {
    const at = name.replace(/\/+$/, "");
    if ((path === at || path.startsWith(`${at}/`)) && !(found?.depth > at.length)) {
      found = { depth: at.length, directory, below: path.slice(at.length).replace(/^\/+|\/+$/g, "") || "." };
    }
  }
  if (found === undefined) {
    throw new FileError(path, "not-granted");
  }
  return found;
}

/** The bindings throw the WIT's error code, bare or as the payload of an error. */
function guarded(path, call) {
  try {
    return call();
  } catch (error) {
    const code = error?.payload ?? error;
    if (typeof code !== "string") {
      throw error;
    }
    throw REASONS[code] === undefined
      ? new FileError(path, "other", code.replaceAll("-", " "))
      : new FileError(path, REASONS[code]);
  }
}
