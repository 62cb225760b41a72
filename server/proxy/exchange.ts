import type { Socket } from "node:net";
import type { Upstream } from "../model/route.ts";
import { messageOf } from "../model/error.ts";
import { throttledLog } from "./throttled-log.ts";
import { bodyReader, encodeChunks, lastChunk, type BodyReader } from "./body.ts";
import { connect, type Dial } from "./dial.ts";
import { MalformedMessage } from "./message-head.ts";
import { page } from "./page.ts";
import { upstreamRequestHead, type ClientRequest } from "./request.ts";
import { ResponseRelay } from "./response-relay.ts";
import type { AppRoute, Routing } from "./routing.ts";
import type { Timeouts } from "./timeouts.ts";
import { tunnel } from "./tunnel.ts";
import { UpstreamConnection, type UpstreamUser } from "./upstream-connection.ts";
import type { UpstreamPool } from "./upstream-pool.ts";
import { isSmall, writeParts } from "./write.ts";

/** What every exchange of a data plane shares. */
export interface ExchangeContext {
  readonly routing: Routing;
  readonly dial: Dial;
  readonly timeouts: Timeouts;
  /** The port that clients reach us at. */
  readonly port: number;
}

/** The client connection that an exchange answers on. */
export interface ExchangeClient {
  readonly socket: Socket;
  readonly peer: string;
  /** Sets how long nothing may happen before `onTimeout` is called. */
  expectWithin(ms: number): void;
  /** The answer is written. `keepAlive`: the next request may follow. */
  finish(keepAlive: boolean): void;
  /** Tears the connection down, so that the client sees the answer is not complete. */
  abort(): void;
  /** Gives the socket to a tunnel; returns bytes already read from it. */
  detach(): Buffer;
}

const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** One request and its answer: chooses an upstream, passes the request on, relays the answer. */
export class Exchange implements UpstreamUser {
  readonly #client: ExchangeClient;
  readonly #request: ClientRequest;
  readonly #context: ExchangeContext;
  readonly #requestBody: BodyReader;
  readonly #receivedAt = Date.now();
  readonly #failed = new Set<UpstreamPool>();
  #route: AppRoute | undefined;
  /** The upstream that this request counts against, from the choice to the end. */
  #pool: UpstreamPool | undefined;
  #connection: UpstreamConnection | undefined;
  #response: ResponseRelay | undefined;
  /** Body bytes read before an upstream was connected; kept for a second try. */
  readonly #held: (string | Buffer)[] = [];
  /** Whether body bytes went on that are not in #held: from then on there is no second try. */
  #forwarded = false;
  #retriedStale = false;
  #over = false;

  constructor(client: ExchangeClient, request: ClientRequest, context: ExchangeContext) {
    this.#client = client;
    this.#request = request;
    this.#context = context;
    this.#requestBody = bodyReader(request.framing);
  }

  /** Whether the request has been read to its end. */
  get requestDone(): boolean {
    return this.#requestBody.done;
  }

  start(): void {
    this.#route = this.#context.routing.find(this.#request.host);
    if (this.#route === undefined) return this.#answer(404);
    this.#route.counters.requests += 1;
    this.#attempt();
  }

  /** Takes bytes of the request body; returns how many belong to this request. Throws MalformedMessage. */
  pushRequestBody(chunk: Buffer): number {
    const parts: Buffer[] = [];
    const used = this.#requestBody.read(chunk, parts);
    const chunked = this.#request.framing === "chunked";
    const output = chunked ? encodeChunks(parts) : parts;
    if (chunked && this.requestDone) output.push(lastChunk(this.#requestBody.trailers));
    if (this.#connection === undefined) {
      this.#held.push(...output);
      return used;
    }
    this.#forwarded = true;
    writeParts(this.#connection.socket, output);
    if (this.#connection.socket.writableNeedDrain) this.#client.socket.pause();
    this.#touch();
    return used;
  }

  /** The request turned out to be malformed after its head. */
  refuse(error: MalformedMessage): void {
    this.#fail(error.status);
  }

  onTimeout(): void {
    // A paused client is not the one who is slow.
    const clientIsSlow = !this.requestDone && !this.#client.socket.isPaused();
    this.#fail(clientIsSlow ? 408 : 504);
  }

  onClientDrain(): void {
    this.#connection?.socket.resume();
    this.#touch();
  }

  /** The client is gone: nobody needs the answer. */
  cancel(): void {
    this.#over = true;
    this.#release()?.destroy();
  }

  onUpstreamData(chunk: Buffer): void {
    const connection = this.#connection as UpstreamConnection;
    const response = this.#response as ResponseRelay;
    try {
      const progress = response.push(chunk, this.requestDone);
      if (progress === "done") return this.#complete();
      if (progress === "tunnel") return this.#openTunnel(response.rest as Buffer);
    } catch (error) {
      // Whatever an app can provoke ends its own exchange, never the proxy.
      const fault = !(error instanceof MalformedMessage) && error instanceof Error;
      return this.#fail(502, fault ? (error.stack ?? error.message) : messageOf(error));
    }
    if (this.#client.socket.writableNeedDrain) connection.socket.pause();
    this.#touch();
  }

  onUpstreamDrain(): void {
    this.#client.socket.resume();
    this.#touch();
  }

  onUpstreamEnd(): void {
    if (this.#response?.end() === true) return this.#complete();
    this.#lost(undefined);
  }

  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    this.#lost(error);
  }

  #attempt(): void {
    // The table may have changed since an earlier try.
    const route = this.#context.routing.find(this.#request.host);
    if (route === undefined) return this.#answer(404);
    const pool = this.#context.routing.choose(route, this.#failed);
    if (pool === undefined) return this.#answer(route.stopped ? 503 : 502);
    this.#pool = pool;
    pool.begin();
    const replayable = idempotent.has(this.#request.method);
    const idle = this.#retriedStale ? undefined : pool.take(performance.now(), replayable);
    if (idle !== undefined) return this.#send(idle);
    // Only now is there something to wait for: what the client sends meanwhile stays in the kernel.
    if (!this.requestDone) this.#client.socket.pause();
    this.#client.expectWithin(this.#context.timeouts.connect * 2);
    connect(this.#context.dial, pool.upstream, this.#context.timeouts.connect).then(
      (socket) => this.#onConnected(pool, socket),
      (error: unknown) => this.#onRefused(pool, error),
    );
  }

  #onConnected(pool: UpstreamPool, socket: Socket): void {
    const connection = new UpstreamConnection(socket, pool);
    if (this.#over) return connection.destroy();
    if (socket.destroyed) return this.#onRefused(pool, new Error("connection closed"));
    this.#send(connection);
    if (!connection.socket.writableNeedDrain) this.#client.socket.resume();
  }

  #onRefused(pool: UpstreamPool, error: unknown): void {
    if (this.#over) return;
    throttledLog("upstream refused a connection", { upstream: pool.upstream.id, error: messageOf(error) });
    this.#failed.add(pool);
    this.#release();
    this.#attempt();
  }

  #send(connection: UpstreamConnection): void {
    const { peer, socket } = this.#client;
    this.#connection = connection;
    this.#response = new ResponseRelay(socket, this.#request);
    connection.lendTo(this);
    const head = upstreamRequestHead(this.#request, peer, this.#context.port, this.#receivedAt);
    writeParts(connection.socket, [head, ...this.#held]);
    this.#touch();
  }

  #touch(): void {
    if (this.#over) return;
    const { responseHead, idleBody } = this.#context.timeouts;
    const waitsForHead = this.requestDone && this.#response?.status === undefined;
    this.#client.expectWithin(waitsForHead ? responseHead : idleBody);
  }

  /** The upstream's connection broke before the answer was complete. */
  #lost(error: NodeJS.ErrnoException | undefined): void {
    if (this.#over) return;
    if (!this.#mayRetry(error)) return this.#fail(502, error?.message ?? "connection closed");
    this.#retriedStale = true;
    this.#release()?.destroy();
    this.#attempt();
  }

  /**
   * A connection that was idle may have been closed by the app just as we used it. The request goes out again, on a new
   * connection, when doing so twice is harmless or when not a byte of it has left.
   */
  #mayRetry(error: NodeJS.ErrnoException | undefined): boolean {
    if (this.#connection?.reused !== true || this.#response?.received !== false || this.#forwarded)
      return false;
    return idempotent.has(this.#request.method) || (error?.syscall === "write" && isSmall(this.#held));
  }

  #complete(): void {
    const response = this.#response as ResponseRelay;
    this.#countError(response.status as number);
    this.#over = true;
    const pool = this.#pool as UpstreamPool;
    const connection = this.#connection as UpstreamConnection;
    const intact = response.upstreamKeepAlive && this.requestDone && connection.socket.writableLength === 0;
    // Back in the pool before the request stops counting, so that a drain finds it there.
    if (intact) pool.put(connection, performance.now(), response.keepAliveSeconds);
    else connection.destroy();
    this.#release();
    this.#client.finish(response.clientKeepAlive && this.requestDone);
  }

  #openTunnel(rest: Buffer): void {
    const pool = this.#pool as UpstreamPool;
    const upstream = (this.#connection as UpstreamConnection).detach();
    this.#over = true;
    const sentEarly = this.#client.detach();
    if (rest.length > 0) this.#client.socket.write(rest);
    if (sentEarly.length > 0) upstream.write(sentEarly);
    tunnel(this.#client.socket, upstream, () => pool.end());
  }

  /** Ends with an error page where the client has not seen a status yet, with a broken connection otherwise. */
  #fail(status: number, reason?: string): void {
    if (this.#over) return;
    const upstream: Upstream | undefined = this.#pool?.upstream;
    if (reason !== undefined) throttledLog("bad answer from upstream", { upstream: upstream?.id, reason });
    const begun = this.#response?.status !== undefined;
    this.#release()?.destroy();
    if (!begun) return this.#answer(status);
    this.#countError(502);
    this.#over = true;
    this.#client.abort();
  }

  #answer(status: number): void {
    this.#over = true;
    this.#countError(status);
    const keepAlive = this.#request.keepAlive && this.requestDone;
    this.#client.socket.write(page(status, this.#request, keepAlive ? "keep-alive" : "close"));
    this.#client.finish(keepAlive);
  }

  #countError(status: number): void {
    if (status >= 500 && this.#route !== undefined) this.#route.counters.errors += 1;
  }

  /** Stops counting against the upstream; returns the connection, which the caller disposes of. */
  #release(): UpstreamConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#pool?.end();
    this.#pool = undefined;
    return connection;
  }
}
