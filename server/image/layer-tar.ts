import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack, type Header, type Pack } from "tar-stream";
import { UserError } from "../model/error.ts";
import type { Digest } from "../model/image.ts";

/** Buildpacks' convention for reproducible layers: the time says nothing, so it is the same in all of them. */
const mtime = new Date("1980-01-01T00:00:01Z");
/** Larger files are streamed, smaller ones read ahead of their turn. */
const wholeFileBytes = 1024 * 1024;
const readAhead = 16;
/** A little below Linux' PATH_MAX in bytes, most of which are characters. */
const longestPath = 4000;

interface Entry {
  readonly path: string;
  readonly header: Partial<Header> & Pick<Header, "name" | "type">;
}

export interface LayerTar {
  readonly digest: Digest;
  readonly bytes: number;
}

/**
 * Writes a directory tree as the uncompressed tar of an image layer (image-spec, layer.md) to `write`, and returns its
 * digest. The same names, modes, owners, links and contents give the same tar; times and the order on disk do not matter.
 * Drops set-user-id bits on disk. Throws a UserError for what a layer cannot hold: devices, sockets, pipes.
 */
export async function layerTar(
  root: string,
  write: (chunk: Buffer) => Promise<void> | void = () => {},
): Promise<LayerTar> {
  const tar = pack();
  const hash = createHash("sha256");
  let bytes = 0;
  const drain = async () => {
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      await write(chunk);
    }
  };
  await Promise.all([drain(), fill(tar, root)]);
  return { digest: `sha256:${hash.digest("hex")}`, bytes };
}

async function fill(tar: Pack, root: string): Promise<void> {
  try {
    const upcoming: Promise<() => Promise<void>>[] = [];
    for await (const entry of entries(root, "", new Map())) {
      const prepared = prepare(tar, entry);
      // Awaited in its turn below; a failure before that is not unhandled.
      prepared.catch(() => {});
      upcoming.push(prepared);
      if (upcoming.length >= readAhead) await (await upcoming.shift()!)();
    }
    for (const prepared of upcoming) await (await prepared)();
    tar.finalize();
  } catch (error) {
    tar.destroy(error as Error);
    throw error;
  }
}

/** Parents before children, children by name; the second name of a hard-linked file refers to the first. */
async function* entries(root: string, directory: string, seen: Map<string, string>): AsyncGenerator<Entry> {
  for (const child of (await readdir(join(root, directory))).sort()) {
    const name = directory === "" ? child : `${directory}/${child}`;
    if (child.includes("\uFFFD")) throw new UserError(`The file name ${name} is not valid UTF-8`);
    const path = join(root, name);
    if (path.length > longestPath) throw new UserError(`The path ${name.slice(0, 60)}… is too long`);
    const stats = await lstat(path);
    const common = { mode: await safeMode(path, stats), uid: stats.uid, gid: stats.gid, mtime };
    const owned = { ...common, uname: "", gname: "" };
    if (stats.isDirectory()) {
      yield { path, header: { ...owned, name: `${name}/`, type: "directory" } };
      yield* entries(root, name, seen);
    } else if (stats.isSymbolicLink()) {
      yield { path, header: { ...owned, name, type: "symlink", linkname: await readlink(path) } };
    } else if (stats.isFile()) {
      const first = stats.nlink > 1 ? seen.get(`${stats.dev}:${stats.ino}`) : undefined;
      if (first !== undefined) yield { path, header: { ...owned, name, type: "link", linkname: first } };
      else yield { path, header: { ...owned, name, type: "file", size: stats.size } };
      if (stats.nlink > 1) seen.set(`${stats.dev}:${stats.ino}`, first ?? name);
    } else {
      throw new UserError(`${name} is a device, socket or pipe, which an image cannot hold`);
    }
  }
}

async function safeMode(path: string, stats: Stats): Promise<number> {
  const mode = stats.mode & 0o1777;
  const privileged = (stats.mode & 0o6000) !== 0 && !stats.isSymbolicLink();
  if (privileged) await chmod(path, mode);
  return mode;
}

/** Reads what can be read early; the returned function adds the entry and must be called in order. */
async function prepare(tar: Pack, { path, header }: Entry): Promise<() => Promise<void>> {
  if (header.type !== "file") return () => add(tar, header);
  if (header.size! > wholeFileBytes) return () => addLarge(tar, header, path);
  const content = await readContent(path);
  return () => add(tar, header, content);
}

async function readContent(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function add(tar: Pack, header: Entry["header"], content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content ?? "", (error) => (error ? reject(error) : resolve()));
  });
}

async function addLarge(tar: Pack, header: Entry["header"], path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  await pipeline(file.createReadStream({ highWaterMark: wholeFileBytes }), tar.entry(header));
}
