import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../lib/atomic-file.ts";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import type { RoutingTable } from "../model/route.ts";
import { parseRoutingTable } from "./control-protocol.ts";

/** The last routing table on disk, so that the proxy can serve before the control plane has spoken to it. */
export class SavedTable {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();
  #next: RoutingTable | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns undefined, and says why in the log, where there is no table or it is damaged. */
  async load(): Promise<RoutingTable | undefined> {
    try {
      return parseRoutingTable(JSON.parse(await readFile(this.#path, "utf8")));
    } catch (error) {
      log("no saved routing table", { path: this.#path, reason: messageOf(error) });
      return undefined;
    }
  }

  /** Resolves when `table`, or a later one, is on disk. Of several waiting tables only the last is written. */
  save(table: RoutingTable): Promise<void> {
    this.#next = table;
    const written = this.#writing.then(() => this.#write());
    this.#writing = written.catch(() => {});
    return written;
  }

  async #write(): Promise<void> {
    const table = this.#next;
    if (table === undefined) return;
    this.#next = undefined;
    await writeFileAtomic(this.#path, JSON.stringify(table));
  }
}
