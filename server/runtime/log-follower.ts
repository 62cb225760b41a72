import { open, stat, type FileHandle } from "node:fs/promises";
import { lastLines, readLinesFrom } from "./log-tail.ts";

/** Follows what one container writes through the rotations of its log file. */
export class LogFollower {
  #file: FileHandle | null = null;
  #inode = 0;
  #position = 0;

  /** Begins behind what is there now, of which it returns the last `count` lines; `paths` are the container's files, oldest first. */
  async begin(paths: readonly string[], count: number): Promise<string[]> {
    let lines: string[] = [];
    for (const path of paths.toReversed()) {
      const file = await open(path).catch(() => null);
      if (file === null) continue; // rotated away in this moment
      const { size, ino } = await file.stat();
      lines = [...(await lastLines(file, size, count - lines.length)), ...lines];
      if (this.#file === null) {
        this.#file = file;
        this.#inode = ino;
        this.#position = size;
      } else {
        await file.close();
      }
      if (lines.length >= count) break;
    }
    return lines;
  }

  /** Lines that are new since the last time; `paths` are the container's files now, oldest first. */
  async read(paths: readonly string[]): Promise<string[]> {
    // The open file keeps its lines, whatever it is called now or even when it is gone.
    const lines = await this.#readOpen();
    for (const path of await this.#newer(paths)) {
      await this.#open(path);
      lines.push(...(await this.#readOpen()));
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #readOpen(): Promise<string[]> {
    const all: string[] = [];
    while (this.#file !== null) {
      const { lines, position } = await readLinesFrom(this.#file, this.#position);
      if (position === this.#position) break;
      this.#position = position;
      all.push(...lines);
    }
    return all;
  }

  /** Files younger than the open one; all of them when that is none of theirs any more. */
  async #newer(paths: readonly string[]): Promise<string[]> {
    const inodes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.ino));
    return paths.slice(inodes.indexOf(this.#inode) + 1);
  }

  async #open(path: string): Promise<void> {
    const file = await open(path).catch(() => null);
    if (file === null) return;
    await this.close();
    this.#file = file;
    this.#inode = (await file.stat()).ino;
    this.#position = 0;
  }
}
