import { exec } from "./exec.ts";

/**
 * Removes files and folders that an app may have made, if they are there. Node's own rm() fails on a tree that is deeper
 * than the longest path (PATH_MAX); rm(1) does not.
 */
export async function removeTree(path: string): Promise<void> {
  await exec(["rm", "-rf", "--", path]);
}
