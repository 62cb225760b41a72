import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";

const mostBytes = 1024 * 1024;

/**
 * Reads a file that an app or its build wrote: never through a link in the last part of `path`, never a pipe or a device,
 * at most 1 MiB. Null when there is no such file. `path`'s folders must be checked with `listFolder` or be our own.
 */
export async function readUntrusted(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => null);
  if (stats?.isFile() !== true || stats.size > mostBytes) return null;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Whether there is a folder at `path`, not a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null);
  return stats?.isDirectory() === true;
}

/** Names in the folder, sorted; none when there is no folder or only a link to one. */
export async function listFolder(path: string): Promise<string[]> {
  return (await isFolder(path)) ? (await readdir(path)).sort() : [];
}
