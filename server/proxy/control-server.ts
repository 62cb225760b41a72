import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { LineSplitter } from "../lib/lines.ts";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import {
  parseRoutingTable,
  parseUpstream,
  type ControlAnswer,
  type ControlRequest,
  type Hello,
} from "./control-protocol.ts";
import type { DataPlane } from "./data-plane.ts";
import type { SavedTable } from "./saved-table.ts";

const maxLine = 64 * 1024 * 1024;

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly dataPlane: DataPlane;
  readonly savedTable: SavedTable;
  readonly hello: Omit<Hello, "tableVersion">;
  /** Called for "shutdown"; the answer follows when it returns, the connection ends with `close`. */
  readonly onShutdown: (graceMs: number) => void;
}

/** Takes orders from the control plane on a unix socket; see control-protocol.ts. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #clients = new Set<Socket>();
  readonly #server: Server;

  constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Fails when another proxy answers at the path. The process's umask decides who may connect. */
  async listen(): Promise<void> {
    const { socketPath } = this.#options;
    if (await isAnswering(socketPath)) throw new Error(`another proxy is running at ${socketPath}`);
    await rm(socketPath, { force: true });
    this.#server.listen(socketPath);
    await once(this.#server, "listening");
  }

  /** Frees the path for the next proxy; connections stay. */
  stopListening(): void {
    this.#server.close();
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket);
    const lines = new LineSplitter((line) => void this.#answerLine(socket, line), maxLine);
    socket.on("data", (chunk) => lines.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#clients.delete(socket));
  }

  async #answerLine(socket: Socket, line: string): Promise<void> {
    let request: ControlRequest;
    try {
      request = JSON.parse(line) as ControlRequest;
    } catch {
      socket.destroy();
      return;
    }
    socket.write(`${JSON.stringify(await this.#answer(request))}\n`);
  }

  async #answer(request: ControlRequest): Promise<ControlAnswer> {
    try {
      return { id: request.id, ok: true, result: await this.#perform(request) };
    } catch (error) {
      return { id: request.id, ok: false, error: messageOf(error) };
    }
  }

  async #perform(request: ControlRequest): Promise<unknown> {
    const { dataPlane, hello } = this.#options;
    switch (request.op) {
      case "hello":
        return { ...hello, tableVersion: dataPlane.tableVersion } satisfies Hello;
      case "publish":
        return this.#publish(request.table);
      case "drain":
        return dataPlane.drain(request.upstreamIds, request.timeoutMs);
      case "probe":
        return dataPlane.probe(parseUpstream(request.upstream));
      case "stats":
        return dataPlane.stats();
      case "shutdown":
        this.#options.onShutdown(request.graceMs);
        return null;
      default:
        throw new Error("unknown operation");
    }
  }

  async #publish(value: unknown): Promise<null> {
    const table = parseRoutingTable(value);
    this.#options.dataPlane.publish(table);
    try {
      await this.#options.savedTable.save(table);
    } catch (error) {
      // Requests use the table already; only a restart of the proxy without the control plane would miss it.
      log("cannot save the routing table", { error: messageOf(error) });
    }
    return null;
  }
}

async function isAnswering(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
