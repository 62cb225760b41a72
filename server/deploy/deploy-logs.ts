import { EventEmitter, once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { log } from "../lib/log.ts";
import type { Release } from "../model/release.ts";

/** The lines of each deploy, one file a release; a running one can be followed live from its first line. */
export class DeployLogs {
  readonly #root: string;
  readonly #open = new Map<number, DeployLog>();

  constructor(root: string) {
    this.#root = root;
  }

  async open(release: Release): Promise<DeployLog> {
    await mkdir(join(this.#root, String(release.appId)), { recursive: true, mode: 0o700 });
    const opened = new DeployLog(createWriteStream(this.#path(release), { mode: 0o600 }));
    this.#open.set(release.id, opened);
    opened.once("end", () => this.#open.delete(release.id));
    return opened;
  }

  async *follow(release: Release, signal: AbortSignal): AsyncGenerator<string> {
    const running = this.#open.get(release.id);
    if (running !== undefined) return yield* running.follow(signal);
    const text = await readFile(this.#path(release), "utf8").catch(() => "");
    yield* text.split("\n").slice(0, -1);
  }

  async removeAll(appId: number): Promise<void> {
    await rm(join(this.#root, String(appId)), { recursive: true, force: true });
  }

  #path(release: Release): string {
    return join(this.#root, String(release.appId), `${release.version}.log`);
  }
}

/** The log of a deploy that runs. Emits "line" and, once, "end". */
export class DeployLog extends EventEmitter {
  readonly #lines: string[] = [];
  readonly #file: WriteStream;
  #ended = false;

  constructor(file: WriteStream) {
    super();
    this.setMaxListeners(0);
    this.#file = file;
    file.on("error", (error) => log("deploy log not written", { error: error.message }));
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#file.write(`${line}\n`);
    this.emit("line");
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#file.end();
    if (!this.#file.closed) await once(this.#file, "close");
    this.emit("line");
    this.emit("end");
  }

  async *follow(signal: AbortSignal): AsyncGenerator<string> {
    for (let next = 0; !signal.aborted;) {
      while (next < this.#lines.length) yield this.#lines[next++] ?? "";
      if (this.#ended) return;
      await once(this, "line", { signal }).catch(() => {});
    }
  }
}
