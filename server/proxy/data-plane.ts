import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { log } from "../lib/log.ts";
import type { RoutingTable, Upstream } from "../model/route.ts";
import { ClientConnection } from "./client-connection.ts";
import { connect, type Dial } from "./dial.ts";
import { Routing, type AppCounters } from "./routing.ts";
import { defaultTimeouts, type Timeouts } from "./timeouts.ts";

export interface DataPlaneOptions {
  readonly dial: Dial;
  /** Called when an upstream is in use no more: it left the table and its last request ended, or it was only probed. */
  readonly onUpstreamGone?: (upstream: Upstream) => void;
  readonly timeouts?: Partial<Timeouts>;
}

/** Accepts HTTP clients and passes their requests to upstreams as the routing table says. */
export class DataPlane {
  readonly #dial: Dial;
  readonly #onUpstreamGone: (upstream: Upstream) => void;
  readonly #timeouts: Timeouts;
  readonly #routing: Routing;
  readonly #connections = new Set<ClientConnection>();
  #server: Server | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: DataPlaneOptions) {
    this.#dial = options.dial;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.#onUpstreamGone = options.onUpstreamGone ?? (() => {});
    this.#routing = new Routing(this.#onUpstreamGone);
  }

  get tableVersion(): number {
    return this.#routing.version;
  }

  /** Starts to accept clients; port 0 takes a free one, address "::" every interface. Returns the port. */
  async listen(port: number, address: string): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    this.#server = server;
    // Without a host Node takes IPv4 and IPv6, or IPv4 alone on a machine that lacks the other.
    server.listen({ port, backlog: 4096, ...(address !== "::" && { host: address }) });
    await once(server, "listening");
    const actual = (server.address() as AddressInfo).port;
    const context = { routing: this.#routing, dial: this.#dial, timeouts: this.#timeouts, port: actual };
    server.on("error", (error) => log("cannot accept clients", { error: error.message }));
    server.on("connection", (socket: Socket) => {
      this.#connections.add(
        new ClientConnection(socket, context, (closed) => this.#connections.delete(closed)),
      );
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepInterval(this.#timeouts));
    return actual;
  }

  /** From here on every request uses `table`. Throws, and changes nothing, when it contradicts itself. */
  publish(table: RoutingTable): void {
    this.#routing.apply(table);
  }

  drain(upstreamIds: readonly string[], timeoutMs: number): Promise<boolean> {
    return this.#routing.drain(upstreamIds, timeoutMs);
  }

  async probe(upstream: Upstream): Promise<boolean> {
    try {
      const socket = await connect(this.#dial, upstream, this.#timeouts.connect);
      socket.destroy();
      return true;
    } catch {
      return false;
    } finally {
      // A candidate that never makes it into the table would otherwise be remembered for ever.
      if (!this.#routing.uses(upstream)) this.#onUpstreamGone(upstream);
    }
  }

  stats(): Record<string, AppCounters & { inFlight: number }> {
    return this.#routing.stats();
  }

  /** Accepts no more clients and waits up to `graceMs` for answers under way, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of this.#connections) connection.closeWhenIdle();
    const cut = setTimeout(() => {
      for (const connection of this.#connections) connection.socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(cut);
    clearInterval(this.#sweeper);
    this.#routing.closeIdle();
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.checkDeadline(now);
    this.#routing.closeExpired(now);
  }
}

/** Often enough that the shortest limit is kept to within a quarter, once a second for the usual ones. */
function sweepInterval(timeouts: Timeouts): number {
  return Math.min(1000, ...Object.values(timeouts).map((limit: number) => limit / 4));
}
