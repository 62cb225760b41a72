import type { Socket } from "node:net";
import type { UpstreamPool } from "./upstream-pool.ts";

/** The exchange that uses an upstream connection at the moment. */
export interface UpstreamUser {
  onUpstreamData(chunk: Buffer): void;
  onUpstreamEnd(): void;
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void;
  onUpstreamDrain(): void;
}

/** One connection to an app: lent to one exchange at a time, idle in its pool between two. */
export class UpstreamConnection {
  readonly socket: Socket;
  readonly #pool: UpstreamPool;
  #user: UpstreamUser | undefined;
  #error: NodeJS.ErrnoException | undefined;
  /** Whether an earlier exchange has used it. */
  reused = false;
  /** When it became idle and when it must not be used any more, in performance.now() milliseconds. */
  idleSince = 0;
  idleUntil = 0;

  constructor(socket: Socket, pool: UpstreamPool) {
    this.socket = socket;
    this.#pool = pool;
    socket.setNoDelay(true);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  lendTo(user: UpstreamUser): void {
    this.#user = user;
  }

  /** Back in the pool: whatever comes now is unasked for. */
  becomeIdle(now: number, idleMs: number): void {
    this.#user = undefined;
    this.reused = true;
    this.idleSince = now;
    this.idleUntil = now + idleMs;
    this.socket.resume();
  }

  destroy(): void {
    this.#user = undefined;
    this.socket.destroy();
  }

  /** Hands the socket over to a tunnel. */
  detach(): Socket {
    this.#user = undefined;
    this.socket.off("data", this.#onData);
    this.socket.off("end", this.#onEnd);
    this.socket.off("drain", this.#onDrain);
    this.socket.off("close", this.#onClose);
    return this.socket;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#user === undefined) this.#discard();
    else this.#user.onUpstreamData(chunk);
  };

  readonly #onEnd = (): void => {
    if (this.#user === undefined) this.#discard();
    else this.#user.onUpstreamEnd();
  };

  readonly #onDrain = (): void => {
    this.#user?.onUpstreamDrain();
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#error = error;
  };

  readonly #onClose = (): void => {
    this.#pool.forget(this);
    this.#user?.onUpstreamClose(this.#error);
  };

  /** Bytes that no request asked for, or the end of an idle connection. */
  #discard(): void {
    this.#pool.forget(this);
    this.socket.destroy();
  }
}
