import { watch } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import type { LogLine } from "../model/log-line.ts";
import { LogFollower } from "./log-follower.ts";
import { isWanted, listLogs, type LogSet } from "./log-name.ts";
import { parseLogLine } from "./log-tail.ts";

const mostFiles = 200;

export interface LogQuery {
  /** Folder of the app. */
  readonly dir: string;
  /** How many of the newest lines to begin with. */
  readonly lines: number;
  /** "web" or "web.1"; undefined for all. */
  readonly process?: string | undefined;
  /** Go on with lines as they are written, those of new containers too, until `signal` aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** What an app's processes wrote, merged by time, oldest first. Ends, without an error, when `signal` aborts. */
export async function* readLogs(query: LogQuery): AsyncGenerator<LogLine> {
  if (query.follow) await mkdir(query.dir, { recursive: true, mode: 0o700 });
  const changes = query.follow ? new Changes(query.dir, query.signal) : null;
  const followers = new Map<string, LogFollower>();
  try {
    yield* await readNewest(query, followers);
    while (changes !== null && !query.signal.aborted) {
      yield* await readNew(query, followers);
      await changes.next();
    }
  } finally {
    changes?.close();
    for (const follower of followers.values()) await follower.close();
  }
}

/** Removes the oldest files until the rest fits; each process keeps its newest. */
export async function pruneLogs(dir: string, maxBytes: number): Promise<void> {
  const sets = await listLogs(dir);
  const files = await Promise.all(
    sets.flatMap(({ process, paths }) =>
      paths.map(async (path) => {
        const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
        return { path, process, size, mtimeMs };
      }),
    ),
  );
  files.sort((a, b) => b.mtimeMs - a.mtimeMs);
  const kept = new Set<string>();
  let bytes = 0;
  let count = 0;
  for (const { path, process, size } of files) {
    bytes += size;
    count += 1;
    if (kept.has(process) && (bytes > maxBytes || count > mostFiles)) await rm(path, { force: true });
    kept.add(process);
  }
}

async function wantedLogs({ dir, process }: LogQuery): Promise<LogSet[]> {
  return (await listLogs(dir)).filter((set) => isWanted(set.process, process));
}

async function readNewest(query: LogQuery, followers: Map<string, LogFollower>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const { process, containerId, paths } of await wantedLogs(query)) {
    const follower = new LogFollower();
    followers.set(containerId, follower);
    lines.push(...parse(process, await follower.begin(paths, query.lines)));
  }
  return query.lines === 0 ? [] : byTime(lines).slice(-query.lines);
}

async function readNew(query: LogQuery, followers: Map<string, LogFollower>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const { process, containerId, paths } of await wantedLogs(query)) {
    const follower = followers.get(containerId) ?? new LogFollower();
    followers.set(containerId, follower);
    lines.push(...parse(process, await follower.read(paths)));
  }
  return byTime(lines);
}

function parse(process: string, lines: readonly string[]): LogLine[] {
  return lines.map((line) => parseLogLine(process, line)).filter((line) => line !== null);
}

function byTime(lines: LogLine[]): LogLine[] {
  return lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Tells of changes in a folder, those between two calls of `next` included. */
class Changes {
  readonly #watcher;
  readonly #signal: AbortSignal;
  readonly #onChange = () => this.#wake();
  #changed = false;
  #waiting: (() => void) | null = null;

  constructor(dir: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#watcher = watch(dir, this.#onChange);
    this.#watcher.on("error", this.#onChange);
    signal.addEventListener("abort", this.#onChange);
  }

  async next(): Promise<void> {
    if (!this.#changed && !this.#signal.aborted)
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    this.#changed = false;
  }

  close(): void {
    this.#watcher.close();
    this.#signal.removeEventListener("abort", this.#onChange);
  }

  #wake(): void {
    this.#changed = true;
    this.#waiting?.();
    this.#waiting = null;
  }
}
