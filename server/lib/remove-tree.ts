import { rm } from "node:fs/promises";
import { exec } from "./exec.ts";

/**
 * Removes files and folders that an app may have made, if they are there. Node's own rm() fails on a tree that is deeper
 * than the longest path (PATH_MAX); rm(1) does not, but costs a process.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG") throw error;
    await exec(["rm", "-rf", "--", path]);
  }
}
