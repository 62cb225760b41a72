import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { LineSplitter } from "../lib/lines.ts";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import type { Route, Router, RoutingTable, Upstream } from "../model/route.ts";
import type { ControlAnswer, ControlCall, Hello, ProxyStats } from "./control-protocol.ts";

const maxLine = 64 * 1024 * 1024;
/** How long a call waits for a proxy that has to be started again first. */
const patienceMs = 30_000;

/** One connection to the proxy's control socket. */
export class ControlConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  #lastId = 0;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;

  /** `socket` is connected. */
  constructor(socket: Socket) {
    this.#socket = socket;
    const lines = new LineSplitter((line) => this.#take(JSON.parse(line) as ControlAnswer), maxLine);
    socket.on("data", (chunk) => lines.push(chunk));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        for (const { reject } of this.#waiting.values()) reject(new ConnectionLost());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Rejects with ConnectionLost when the proxy goes away before it has answered. */
  call(call: ControlCall): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(new ConnectionLost());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, ...call })}\n`);
    });
  }

  hello(): Promise<Hello> {
    return this.call({ op: "hello" }) as Promise<Hello>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(answer: ControlAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.result);
    else waiting?.reject(new Error(`proxy: ${answer.error}`));
  }
}

export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";

  constructor() {
    super("the connection to the proxy was lost");
  }
}

/**
 * The Router that the control plane uses. Connects again when the proxy goes away, tells it the last routes, and repeats
 * the calls that were under way: each of them means the same when done twice.
 */
export class ControlClient implements Router {
  readonly #connect: (signal: AbortSignal) => Promise<ControlConnection>;
  readonly #stop = new AbortController();
  #connection: Promise<ControlConnection>;
  #version: number;
  #table: RoutingTable | undefined;

  /** `connect` finds or starts a proxy; it is called again each time the connection is lost. */
  constructor(
    first: ControlConnection,
    tableVersion: number,
    connect: (signal: AbortSignal) => Promise<ControlConnection>,
  ) {
    this.#connect = connect;
    this.#version = tableVersion;
    this.#connection = Promise.resolve(first);
    this.#watch(first);
  }

  async publish(routes: readonly Route[]): Promise<void> {
    this.#version += 1;
    const table = { version: this.#version, routes };
    this.#table = table;
    await this.#call({ op: "publish", table });
  }

  async drain(upstreamIds: readonly string[], timeoutMs: number): Promise<boolean> {
    return (await this.#call({ op: "drain", upstreamIds, timeoutMs }, patienceMs + timeoutMs)) as boolean;
  }

  async probe(upstream: Upstream): Promise<boolean> {
    return (await this.#call({ op: "probe", upstream })) as boolean;
  }

  async stats(): Promise<ProxyStats> {
    return (await this.#call({ op: "stats" })) as ProxyStats;
  }

  /** Lets go of the proxy, which goes on serving. */
  async close(): Promise<void> {
    this.#stop.abort();
    const connection = await this.#connection.catch(() => undefined);
    connection?.close();
    await connection?.closed;
  }

  /** Ends the proxy; resolves when it is gone. Answers under way get `graceMs`. */
  async shutdown(graceMs: number): Promise<void> {
    this.#stop.abort();
    const connection = await this.#connection.catch(() => undefined);
    // A proxy that is gone already is what was asked for.
    await connection?.call({ op: "shutdown", graceMs }).catch(() => {});
    await connection?.closed;
  }

  async #call(call: ControlCall, timeoutMs = patienceMs): Promise<unknown> {
    const late = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stop.signal]);
    for (;;) {
      const connection = await orAborted(this.#connection, late);
      try {
        return await orAborted(connection.call(call), late);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        // Lets #watch put the next connection in place.
        await connection.closed;
      }
    }
  }

  #watch(connection: ControlConnection): void {
    void connection.closed.then(() => {
      if (this.#stop.signal.aborted) return;
      this.#connection = this.#reconnect();
      this.#connection.catch(() => {});
    });
  }

  async #reconnect(): Promise<ControlConnection> {
    for (let pause = 50; ; pause = Math.min(pause * 2, 5000)) {
      this.#stop.signal.throwIfAborted();
      try {
        const connection = await this.#connect(this.#stop.signal);
        if (this.#table !== undefined) await connection.call({ op: "publish", table: this.#table });
        this.#watch(connection);
        return connection;
      } catch (error) {
        log("cannot reach the proxy", { error: messageOf(error) });
      }
      await sleep(pause, undefined, { signal: this.#stop.signal });
    }
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Error("the proxy does not answer", { cause: signal.reason }));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
