import { Socket, createConnection } from "node:net";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { LineSplitter } from "../lib/lines.ts";
import type { ContainerExit } from "../model/container.ts";

/** The container's first process, as the host sees it. */
export interface Init {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: string;
}

/** The container could not be made; the message is the failed step and its reason, such as "run foo: No such file or directory". */
export class StartError extends Error {
  override readonly name = "StartError";
}

const greeting = "slipway-monitor 1";

/** Rejects when no monitor listens in the container's directory. */
export async function connectToMonitor(directory: string): Promise<Socket> {
  const handle = await open(directory);
  try {
    // The path of a unix socket is limited to 107 bytes (unix(7)); the directory's may be longer.
    const socket = createConnection(join("/proc/self/fd", String(handle.fd), "control.sock"));
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return socket;
  } finally {
    await handle.close();
  }
}

/** A connection to a container's monitor. */
export class MonitorClient {
  /** Rejects with StartError. */
  readonly ready: Promise<Init>;
  /** How the container ended; null when the connection ended without word of it. Never rejects. */
  readonly ended: Promise<ContainerExit | null>;
  readonly #socket: Socket;
  #onReady!: (init: Init) => void;
  #onError!: (error: StartError) => void;
  #onEnd!: (exit: ContainerExit | null) => void;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onError = reject;
    });
    // Whoever only waits for the end does not care.
    this.ready.catch(() => {});
    this.ended = new Promise((resolve) => (this.#onEnd = resolve));
    const lines = new LineSplitter((line) => this.#take(line));
    socket.on("data", (chunk) => lines.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#onError(new StartError("the monitor went away"));
      this.#onEnd(null);
    });
  }

  /** Over the socket that a new monitor was started with. */
  static fromFd(fd: number): MonitorClient {
    return new MonitorClient(new Socket({ fd }));
  }

  /** To a monitor that an earlier server started. Rejects when none listens in the container's directory. */
  static async connect(directory: string): Promise<MonitorClient> {
    return new MonitorClient(await connectToMonitor(directory));
  }

  send(order: Buffer): void {
    this.#socket.write(order);
  }

  /** SIGTERM to the app, SIGKILL to the whole container after `graceMs`. */
  stop(graceMs: number): void {
    if (this.#socket.writable) this.#socket.write(`stop ${Math.round(graceMs)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    if (line === greeting) return;
    const [word = "", ...values] = line.split(" ");
    const exit = parseExit(line);
    if (word === "ready") this.#onReady({ pid: Number(values[0]), startTime: values[1] ?? "" });
    else if (word === "error") this.#onError(new StartError(values.slice(1).join(" ")));
    else if (exit !== null) this.#onEnd(exit);
    else this.#socket.destroy();
  }
}

/** Reads "exit <code|-> <signal|-> <out of memory 0/1> <unix ms>". Null when it is something else. */
export function parseExit(line: string): ContainerExit | null {
  const match = /^exit (\d+|-) (SIG\w+|-) ([01]) (\d+)\n?$/.exec(line);
  if (match === null) return null;
  const [, code, signal, oom, at] = match;
  return {
    code: code === "-" ? null : Number(code),
    signal: signal === "-" ? null : signal!,
    oomKilled: oom === "1",
    at: Number(at),
  };
}
