import { once } from "node:events";
import type { Writable } from "node:stream";

/** How much may wait for a client that does not read: beyond it lines are dropped, so that no client can fill our memory. */
const mostWaiting = 4 * 1024 * 1024;

/** Writes lines to a client that may be slow or gone; never throws. */
export class Output {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  write(text: string): void {
    if (!this.#stream.writable || this.#stream.writableEnded) return;
    if (this.#stream.writableLength < mostWaiting) this.#stream.write(text);
  }

  /** Resolves when the client has room for more, or `signal` aborts because it is gone. */
  async drained(signal: AbortSignal): Promise<void> {
    if (!this.#stream.writableNeedDrain || signal.aborted) return;
    await once(this.#stream, "drain", { signal }).catch(() => {});
  }
}
