import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../model/error.ts";
import { ControlClient, ControlConnection } from "./control-client.ts";
import { protocolVersion, type Hello } from "./control-protocol.ts";

const startupMs = 15_000;
const replacedGraceMs = 30_000;

export interface ProxyOptions {
  /** The compiled proxy-main.js. */
  readonly mainPath: string;
  /** TCP port for HTTP; 0 takes a free one. */
  readonly port: number;
  /** "::" for every interface, "127.0.0.1" for this machine only. */
  readonly address: string;
  readonly socketPath: string;
  readonly tablePath: string;
  /** Where the proxy's own output goes. */
  readonly logPath: string;
}

export interface RunningProxy {
  readonly client: ControlClient;
  /** The port that HTTP clients reach. */
  readonly port: number;
  readonly pid: number;
}

/**
 * Takes over the proxy that already runs at the socket, or starts one that outlives this process. A running proxy of
 * another version, or one that listens elsewhere, is replaced. When the proxy dies it is started again, on the same port.
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const signal = new AbortController().signal;
  const { connection, hello } = (await adopt(options)) ?? (await launch(options, signal));
  const again = { ...options, port: hello.port };
  const client = new ControlClient(connection, hello.tableVersion, async (stop) => {
    const running = await connectTo(options.socketPath);
    return running ?? (await launch(again, stop)).connection;
  });
  return { client, port: hello.port, pid: hello.pid };
}

interface Greeted {
  readonly connection: ControlConnection;
  readonly hello: Hello;
}

async function adopt(options: ProxyOptions): Promise<Greeted | undefined> {
  const connection = await connectTo(options.socketPath);
  if (connection === undefined) return undefined;
  const hello = await connection.hello();
  const { port, address } = hello.listen;
  const samePlace = (port === options.port || hello.port === options.port) && address === options.address;
  if (hello.protocol === protocolVersion && samePlace) return { connection, hello };
  // It answers when its port is free; what it has under way ends in its own time.
  await connection.call({ op: "shutdown", graceMs: replacedGraceMs });
  return undefined;
}

async function launch(options: ProxyOptions, stop: AbortSignal): Promise<Greeted> {
  const child = await spawnProxy(options);
  try {
    return await greet(child, options, stop);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Waits until a proxy that was just started answers. */
async function greet(child: ChildProcess, options: ProxyOptions, stop: AbortSignal): Promise<Greeted> {
  const failed = new AbortController();
  child.once("error", (error) => failed.abort(error));
  child.once("exit", (code, by) => {
    void whyEnded(options.logPath).then((reason) =>
      failed.abort(new UserError(`The router cannot start: ${reason ?? `it ended (${by ?? code})`}`)),
    );
  });
  const late = AbortSignal.timeout(startupMs);
  for (;;) {
    failed.signal.throwIfAborted();
    late.throwIfAborted();
    stop.throwIfAborted();
    const connection = await connectTo(options.socketPath);
    if (connection !== undefined) return { connection, hello: await connection.hello() };
    await sleep(20);
  }
}

/** What the proxy said last, if it said why. */
async function whyEnded(logPath: string): Promise<string | null> {
  const lines = (await readFile(logPath, "utf8").catch(() => "")).trim().split("\n");
  try {
    return (JSON.parse(lines.at(-1) ?? "") as { error?: string }).error ?? null;
  } catch {
    return null;
  }
}

async function spawnProxy(options: ProxyOptions): Promise<ChildProcess> {
  const logFile = await open(options.logPath, "a", 0o600);
  try {
    const { mainPath, port, address, socketPath, tablePath } = options;
    const listen = ["--listen", String(port), "--listen-address", address];
    const child = spawn(
      process.execPath,
      [mainPath, ...listen, "--socket", socketPath, "--table", tablePath],
      {
        cwd: "/",
        // Nothing of the control plane's environment, which may hold secrets, is needed.
        env: {},
        // A session of its own: neither a signal to our group nor our end reaches it.
        detached: true,
        stdio: ["ignore", logFile.fd, logFile.fd],
      },
    );
    child.unref();
    return child;
  } finally {
    await logFile.close();
  }
}

/** Returns undefined where nobody listens. */
async function connectTo(socketPath: string): Promise<ControlConnection | undefined> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, "connect");
    return new ControlConnection(socket);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw error;
  }
}
