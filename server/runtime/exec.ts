import type { Socket } from "node:net";
import { constants } from "node:os";
import { Readable, Writable } from "node:stream";
import type { ContainerExit, ExecCommand, ExecOptions, Execution, TerminalSize } from "../model/container.ts";
import { UserError } from "../model/error.ts";
import { connectToMonitor, parseExit } from "./monitor-client.ts";
import { encodeExecOrder, type ExecOrder } from "./order.ts";

/** Most bytes of input that the monitor keeps for a command (native/monitor/execution.h). */
const window = 16 * 1024;
const headerBytes = 5;

/** Runs a command in the container whose directory that is. */
export async function exec(
  directory: string,
  command: ExecCommand,
  { terminal, signal }: ExecOptions,
): Promise<Execution> {
  signal.throwIfAborted();
  const connection = await open(directory, { command, terminal: terminal ?? null, detached: false });
  const abort = () => connection.hangUp();
  signal.addEventListener("abort", abort);
  void connection.exited.finally(() => signal.removeEventListener("abort", abort));
  await connection.started;
  return connection;
}

export async function execDetached(directory: string, command: ExecCommand): Promise<void> {
  const connection = await open(directory, { command, terminal: null, detached: true });
  await connection.started;
}

async function open(directory: string, order: ExecOrder): Promise<ExecConnection> {
  const encoded = encodeExecOrder(order);
  const socket = await connectToMonitor(directory).catch((error: unknown) => {
    throw new UserError("Cannot run a command: the container is not running", { cause: error });
  });
  socket.write(encoded);
  return new ExecConnection(socket);
}

/** The frames of one command, as native/monitor/execution.h describes them. */
class ExecConnection implements Execution {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ContainerExit>;
  /** Rejects with UserError. */
  readonly started: Promise<void>;
  readonly #socket: Socket;
  #greeted = false;
  #received: Buffer = Buffer.alloc(0);
  /** How much input the monitor has room for. */
  #room = window;
  #onRoom: (() => void) | null = null;
  #full = new Set<Readable>();
  #onStarted!: () => void;
  #onFailed!: (error: UserError) => void;
  #onExit!: (exit: ContainerExit) => void;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.stdout = this.#output();
    this.stderr = this.#output();
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, callback) => this.#sendInput(chunk, callback),
      final: (callback) => {
        this.#send("c", Buffer.alloc(0));
        callback();
      },
    });
    this.exited = new Promise((resolve) => (this.#onExit = resolve));
    this.started = new Promise((resolve, reject) => {
      this.#onStarted = resolve;
      this.#onFailed = reject;
    });
    this.started.catch(() => {});
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#end({ code: null, signal: "SIGKILL", oomKilled: false, at: Date.now() }));
  }

  resize({ columns, rows }: TerminalSize): void {
    const size = Buffer.alloc(4);
    size.writeUInt16BE(columns, 0);
    size.writeUInt16BE(rows, 2);
    this.#send("w", size);
  }

  kill(signal: NodeJS.Signals): void {
    this.#send("s", Buffer.from([constants.signals[signal]]));
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  #output(): Readable {
    const stream: Readable = new Readable({
      read: () => {
        this.#full.delete(stream);
        if (this.#full.size === 0) this.#socket.resume();
      },
    });
    return stream;
  }

  #push(stream: Readable, data: Buffer): void {
    if (stream.push(data)) return;
    this.#full.add(stream);
    this.#socket.pause();
  }

  #sendInput(chunk: Buffer, callback: () => void): void {
    const part = chunk.subarray(0, this.#room);
    if (part.length > 0) this.#send("i", part);
    this.#room -= part.length;
    if (part.length === chunk.length) return callback();
    this.#onRoom = () => this.#sendInput(chunk.subarray(part.length), callback);
  }

  #send(kind: string, payload: Buffer): void {
    if (!this.#socket.writable) return;
    const header = Buffer.alloc(headerBytes);
    header.write(kind, "latin1");
    header.writeUInt32BE(payload.length, 1);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#greeted && !this.#takeGreeting()) return;
    while (this.#received.length >= headerBytes) {
      const end = headerBytes + this.#received.readUInt32BE(1);
      if (this.#received.length < end) return;
      const kind = String.fromCharCode(this.#received[0]!);
      const payload = this.#received.subarray(headerBytes, end);
      this.#received = this.#received.subarray(end);
      this.#takeFrame(kind, payload);
    }
  }

  /** What every connection gets: two lines, of which the second says that the container runs, or how it ended. */
  #takeGreeting(): boolean {
    const first = this.#received.indexOf("\n");
    const second = this.#received.indexOf("\n", first + 1);
    if (first < 0 || second < 0) return false;
    if (
      !this.#received
        .subarray(first + 1)
        .toString("latin1")
        .startsWith("ready ")
    )
      this.hangUp();
    this.#received = this.#received.subarray(second + 1);
    this.#greeted = true;
    return true;
  }

  #takeFrame(kind: string, payload: Buffer): void {
    if (kind === "o") this.#push(this.stdout, payload);
    else if (kind === "e") this.#push(this.stderr, payload);
    else if (kind === "s") this.#onStarted();
    else if (kind === "t") {
      this.#room += payload.readUInt32BE(0);
      const onRoom = this.#onRoom;
      this.#onRoom = null;
      onRoom?.();
    } else this.#takeLast(payload.toString());
  }

  #takeLast(line: string): void {
    const exit = parseExit(line);
    if (exit !== null) return this.#end(exit);
    const reason = line.trimEnd().replace(/^error \d+ /, "");
    this.#onFailed(new UserError(`Cannot ${reason}`));
  }

  #end(exit: ContainerExit): void {
    this.#onFailed(
      new UserError("Cannot run a command: the container has ended, or an earlier release started it"),
    );
    this.#onExit(exit);
    this.#onRoom = null;
    for (const stream of [this.stdout, this.stderr]) if (!stream.readableEnded) stream.push(null);
    this.stdin.destroy();
    this.#socket.destroy();
  }
}
