import type { Upstream } from "../model/route.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const maxIdle = 128;
/** Below the 5 s after which Node and others close an idle connection by default. */
const defaultIdleMs = 4000;
/** No known server closes a connection this soon: good enough for requests that must not be sent twice. */
const safeReuseMs = 1000;

/** The connections to one upstream and the count of requests in flight to it. */
export class UpstreamPool {
  readonly upstream: Upstream;
  readonly #onUnused: (pool: UpstreamPool) => void;
  #idle: UpstreamConnection[] = [];
  #inFlight = 0;
  #retired = false;

  /** `onUnused` is called each time that the last request in flight ends. */
  constructor(upstream: Upstream, onUnused: (pool: UpstreamPool) => void) {
    this.upstream = upstream;
    this.#onUnused = onUnused;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** True once the upstream has left the routing table: no new request comes here. */
  get retired(): boolean {
    return this.#retired;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#onUnused(this);
  }

  /** The idle connection used last, if any. `replayable`: whether the request may be sent again should it turn out dead. */
  take(now: number, replayable: boolean): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      const fresh = replayable ? now < connection.idleUntil : now - connection.idleSince < safeReuseMs;
      if (fresh && connection.socket.writable) return connection;
      connection.destroy();
    }
  }

  /** Takes a connection back after an exchange that left it in order. `idleSeconds` is what the app announced. */
  put(connection: UpstreamConnection, now: number, idleSeconds: number | undefined): void {
    const idleMs = idleSeconds === undefined ? defaultIdleMs : Math.min(60, idleSeconds - 1) * 1000;
    if (this.#retired || this.#idle.length >= maxIdle || idleMs <= 0) return connection.destroy();
    connection.becomeIdle(now, idleMs);
    this.#idle.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  closeExpired(now: number): void {
    const expired = this.#idle.filter((connection) => connection.idleUntil <= now);
    if (expired.length === 0) return;
    this.#idle = this.#idle.filter((connection) => connection.idleUntil > now);
    for (const connection of expired) connection.destroy();
  }

  /** No connection stays idle from here on; requests in flight go on. */
  retire(): void {
    this.#retired = true;
    this.closeIdle();
  }

  closeIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const connection of idle) connection.destroy();
  }
}
