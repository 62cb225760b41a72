import { randomBytes } from "node:crypto";
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { LineSplitter } from "../lib/lines.ts";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";

export interface RefUpdate {
  readonly old: string;
  readonly new: string;
  /** Such as "refs/heads/main". */
  readonly name: string;
}

/** A push as its pre-receive hook sees it (githooks(5)). */
export interface Push {
  readonly refs: readonly RefUpdate[];
  /** GIT_* variables that reach the quarantined objects. */
  readonly gitEnv: Readonly<Record<string, string>>;
  /** Shows one line to the pushing client; harmless when it has gone away. */
  readonly say: (line: string) => void;
}

/** Resolves true to accept the push, false to reject it. */
export type PushHandler = (push: Push) => Promise<boolean>;

const allowedVariables = new Set([
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_QUARANTINE_PATH",
]);

/**
 * Where the pre-receive program connects. It sends its token, `env NAME=value` and `ref <old> <new> <name>` lines and
 * `end`; it gets `out <text>` lines and at last `exit <status>`.
 */
export class HookServer {
  readonly #handlers = new Map<string, PushHandler>();
  readonly #path: string;
  readonly #server: Server;

  constructor(path: string) {
    this.#path = path;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<void> {
    await rm(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#path, resolve);
    });
    await chmod(this.#path, 0o600);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** A token for one push; `forget` it when git has ended. */
  expect(handler: PushHandler): string {
    const token = randomBytes(16).toString("hex");
    this.#handlers.set(token, handler);
    return token;
  }

  forget(token: string): void {
    this.#handlers.delete(token);
  }

  #serve(socket: Socket): void {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => {
      if (line !== "end") return void lines.push(line);
      void this.#answer(socket, lines);
    });
    socket.on("data", (chunk) => splitter.push(chunk));
    // A client that hangs up does not stop the deploy: its lines just have no reader any more.
    socket.on("error", () => socket.destroy());
  }

  async #answer(socket: Socket, lines: readonly string[]): Promise<void> {
    const [token = "", ...rest] = lines;
    const handler = this.#handlers.get(token);
    this.#handlers.delete(token);
    if (handler === undefined) return void socket.end("out  !     This push is not expected\nexit 1\n");
    const say = (line: string) => {
      if (socket.writable) socket.write(`out ${line.replaceAll("\n", " ")}\n`);
    };
    try {
      const accepted = await handler({ ...parse(rest), say });
      socket.end(`exit ${accepted ? 0 : 1}\n`);
    } catch (error) {
      log("push failed", { error: messageOf(error) });
      socket.end("out  !     Something went wrong in Slipway; its log has the detail\nexit 1\n");
    }
  }
}

function parse(lines: readonly string[]): Pick<Push, "refs" | "gitEnv"> {
  const refs: RefUpdate[] = [];
  const gitEnv: Record<string, string> = {};
  for (const line of lines) {
    const [kind = "", ...words] = line.split(" ");
    if (kind === "ref") {
      const [old = "", fresh = "", name = ""] = words;
      refs.push({ old, new: fresh, name });
    }
    if (kind === "env") {
      const [name = "", ...value] = words.join(" ").split("=");
      if (allowedVariables.has(name)) gitEnv[name] = value.join("=");
    }
  }
  return { refs, gitEnv };
}
