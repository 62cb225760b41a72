import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** What one container wrote: its current file and the rotated ones, oldest first. */
export interface LogSet {
  /** Such as "web.1". */
  readonly process: string;
  readonly containerId: string;
  readonly paths: readonly string[];
}

const pattern = /^(.+)\.([a-z0-9-]{1,48})\.log(?:\.(\d{1,3}))?$/;

/** The log files of an app's folder: <process>.<container id>.log, and rotated .log.1, .log.2 ... */
export async function listLogs(dir: string): Promise<LogSet[]> {
  const sets = new Map<
    string,
    { process: string; containerId: string; files: { age: number; path: string }[] }
  >();
  for (const name of await readdir(dir).catch(() => [])) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const [, process = "", containerId = "", age = "0"] = match;
    const set = sets.get(containerId) ?? { process, containerId, files: [] };
    sets.set(containerId, set);
    set.files.push({ age: Number(age), path: join(dir, name) });
  }
  return [...sets.values()].map(({ files, ...set }) => ({
    ...set,
    paths: files.sort((a, b) => b.age - a.age).map(({ path }) => path),
  }));
}

/** Whether `wanted` ("web", or "web.1", or undefined for all) means this process. */
export function isWanted(process: string, wanted: string | undefined): boolean {
  return wanted === undefined || process === wanted || process.startsWith(`${wanted}.`);
}
