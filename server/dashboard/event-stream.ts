import { once } from "node:events";
import type { Response } from "express";

const heartbeatMs = 15_000;
/** How soon a browser connects again after the connection broke. */
const reconnectMs = 1000;

export interface ServerEvent {
  readonly event: string;
  /** What the browser sends back as Last-Event-ID when it connects again; one line. */
  readonly id?: string;
  readonly data: unknown;
}

/** A server-sent event stream (WHATWG HTML 9.2). `signal` aborts when the browser is gone or the stream was closed. */
export class EventStream {
  readonly signal: AbortSignal;
  readonly #response: Response;

  constructor(response: Response) {
    const gone = new AbortController();
    this.signal = gone.signal;
    this.#response = response;
    response.set({ "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" });
    response.write(`retry: ${reconnectMs}\n\n`);
    // A comment now and then keeps idle connections open and finds out about dead ones.
    const heartbeat = setInterval(() => response.write(":\n\n"), heartbeatMs);
    response.once("close", () => {
      clearInterval(heartbeat);
      gone.abort();
    });
  }

  /** Resolves when the browser has room for more; does nothing once the stream is closed. */
  async send({ event, id, data }: ServerEvent): Promise<void> {
    if (this.signal.aborted) return;
    const idLine = id === undefined ? "" : `id: ${id}\n`;
    // JSON keeps line breaks, which would end the event, out of the data.
    const hasRoom = this.#response.write(`event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`);
    if (!hasRoom) await once(this.#response, "drain", { signal: this.signal }).catch(() => {});
  }

  close(): void {
    this.#response.end();
  }
}
