import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import { Exchange, type ExchangeClient, type ExchangeContext } from "./exchange.ts";
import { HeadCollector, MalformedMessage } from "./message-head.ts";
import { page } from "./page.ts";
import { checkPartialRequest, parseRequest } from "./request.ts";

const maxHeadBytes = 32_768;
/** How much of the next requests is read while one is being answered. */
const maxBacklog = 65_536;
const maxEmptyLines = 2;
const nothing = Buffer.alloc(0);

/** One connection of a client: reads requests and has them answered one after the other. */
export class ClientConnection implements ExchangeClient {
  readonly socket: Socket;
  readonly peer: string;
  readonly #context: ExchangeContext;
  readonly #onClosed: (connection: ClientConnection) => void;
  readonly #heads = new HeadCollector(maxHeadBytes);
  #emptyLines = 0;
  #exchange: Exchange | undefined;
  /** Bytes behind the request that is being answered. */
  #backlog: Buffer = nothing;
  #clientEnded = false;
  /** We are shutting down. */
  #lastRequest = false;
  /** The last answer is written: whatever still comes is thrown away. */
  #closing = false;
  /** In performance.now() milliseconds. */
  #deadline = 0;

  constructor(socket: Socket, context: ExchangeContext, onClosed: (connection: ClientConnection) => void) {
    this.socket = socket;
    this.peer = (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
    this.#context = context;
    this.#onClosed = onClosed;
    this.expectWithin(context.timeouts.requestHead);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    // "close" follows and says all that matters.
    socket.on("error", () => {});
    socket.on("close", this.#onClose);
  }

  expectWithin(ms: number): void {
    const limit = this.#clientEnded ? Math.min(ms, this.#context.timeouts.halfClosed) : ms;
    this.#deadline = performance.now() + limit;
  }

  /** Called now and then; acts when the time for what is expected has run out. */
  checkDeadline(now: number): void {
    if (now < this.#deadline) return;
    if (this.#exchange !== undefined && this.#clientEnded) this.abort();
    else if (this.#exchange !== undefined) this.#exchange.onTimeout();
    else if (this.#heads.pending && !this.#closing) this.#refuse(408);
    else this.socket.destroy();
  }

  finish(keepAlive: boolean): void {
    this.#exchange = undefined;
    if (!keepAlive || this.#lastRequest) return this.#close();
    if (this.#clientEnded && this.#backlog.length === 0) return this.#close();
    this.expectWithin(this.#context.timeouts.keepAlive);
    if (this.socket.isPaused()) this.socket.resume();
    if (this.#backlog.length > 0) process.nextTick(this.#readBacklog);
  }

  abort(): void {
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.socket.resetAndDestroy();
  }

  /** No more requests: closes at once when idle, after the present answer otherwise. */
  closeWhenIdle(): void {
    if (this.#exchange === undefined) this.socket.destroy();
    else this.#lastRequest = true;
  }

  detach(): Buffer {
    this.#exchange = undefined;
    this.#deadline = Infinity;
    this.socket.off("data", this.#onData);
    this.socket.off("end", this.#onEnd);
    this.socket.off("drain", this.#onDrain);
    return this.#backlog;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#guard(() => this.#take(chunk));
  };

  readonly #onEnd = (): void => {
    this.#clientEnded = true;
    if (this.#closing) return;
    if (this.#exchange === undefined) this.socket.end();
    else if (this.#exchange.requestDone) this.expectWithin(this.#context.timeouts.responseHead);
    else this.abort();
  };

  readonly #onDrain = (): void => {
    this.#exchange?.onClientDrain();
  };

  readonly #onClose = (): void => {
    this.#exchange?.cancel();
    this.#exchange = undefined;
    this.#onClosed(this);
  };

  readonly #readBacklog = (): void => {
    const bytes = this.#backlog;
    this.#backlog = nothing;
    if (bytes.length > 0) this.#guard(() => this.#take(bytes));
  };

  /** A fault of ours ends this connection only. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) {
        log("proxy fault", { error: messageOf(error), stack: error instanceof Error ? error.stack : "" });
        this.abort();
      } else if (this.#exchange !== undefined) this.#exchange.refuse(error);
      else this.#refuse(error.status);
    }
  }

  #take(chunk: Buffer): void {
    if (this.#closing) return;
    if (this.#exchange === undefined && this.#backlog.length === 0) return this.#readHead(chunk);
    const exchange = this.#exchange;
    const used = exchange === undefined || exchange.requestDone ? 0 : exchange.pushRequestBody(chunk);
    if (used < chunk.length) this.#keep(chunk.subarray(used));
  }

  #keep(bytes: Buffer): void {
    this.#backlog = this.#backlog.length === 0 ? bytes : Buffer.concat([this.#backlog, bytes]);
    if (this.#backlog.length > maxBacklog) this.socket.pause();
  }

  #readHead(chunk: Buffer): void {
    const bytes = this.#skipEmptyLines(chunk);
    if (bytes.length === 0) return;
    if (!this.#heads.pending) this.expectWithin(this.#context.timeouts.requestHead);
    const head = this.#heads.push(bytes);
    if (head === undefined) return checkPartialRequest(this.#heads.partial);
    this.#emptyLines = 0;
    const exchange = new Exchange(this, parseRequest(head.text), this.#context);
    this.#exchange = exchange;
    const used = exchange.requestDone ? 0 : exchange.pushRequestBody(head.rest);
    if (used < head.rest.length) this.#keep(head.rest.subarray(used));
    exchange.start();
  }

  /** Old clients send an empty line behind a body (RFC 9112 section 2.2). */
  #skipEmptyLines(chunk: Buffer): Buffer {
    let at = 0;
    if (this.#heads.pending) return chunk;
    while (this.#emptyLines < maxEmptyLines && chunk[at] === 0x0d && chunk[at + 1] === 0x0a) {
      at += 2;
      this.#emptyLines += 1;
    }
    return at === 0 ? chunk : chunk.subarray(at);
  }

  /** Answers something that is not a request, and ends the connection. */
  #refuse(status: number): void {
    this.socket.write(page(status, { method: "GET", accept: "", id: randomUUID() }, "close"));
    this.#close();
  }

  /**
   * Closes our side and waits for the client to close its own: closing at once with unread bytes would send a reset, which
   * can destroy the answer before the client reads it (RFC 9112 section 9.6).
   */
  #close(): void {
    this.#closing = true;
    this.#backlog = nothing;
    this.expectWithin(this.#context.timeouts.keepAlive);
    this.socket.end(() => this.expectWithin(this.#context.timeouts.linger));
    this.socket.resume();
  }
}
