import { once } from "node:events";
import http from "node:http";
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { processStartTime } from "../../server/runtime/process-identity.ts";
import type { Route, Upstream } from "../../server/model/route.ts";
import { DataPlane, type DataPlaneOptions } from "../../server/proxy/data-plane.ts";

/** Dials the upstream's port on our own loopback. */
export function dialLoopback({ port }: Upstream): Socket {
  return createConnection({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
}

const ownStartTime = processStartTime(process.pid) ?? "";

/** An upstream in our own network namespace, which is dialled as a container's would be. */
export function upstreamAt(port: number, id = `u${port}`): Upstream {
  return { id, pid: process.pid, pidStartTime: ownStartTime, port };
}

export function routeTo(upstreams: readonly Upstream[], more: Partial<Route> = {}): Route {
  return { app: "app", hosts: ["app.test"], upstreams, stopped: false, release: 1, ...more };
}

/** A data plane in this process, on a free port. */
export class TestProxy {
  readonly plane: DataPlane;
  readonly port: number;
  #version = 0;

  private constructor(plane: DataPlane, port: number) {
    this.plane = plane;
    this.port = port;
  }

  static async start(options: Partial<DataPlaneOptions> = {}): Promise<TestProxy> {
    const plane = new DataPlane({ dial: dialLoopback, ...options });
    return new TestProxy(plane, await plane.listen(0, "127.0.0.1"));
  }

  publish(...routes: Route[]): void {
    this.#version += 1;
    this.plane.publish({ version: this.#version, routes });
  }

  async close(): Promise<void> {
    await this.plane.close(0);
  }
}

export async function listenOn(server: Server | http.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A server that answers each connection as `script` says, in raw bytes. */
export class RawServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;
  port = 0;

  constructor(script: (socket: Socket, connection: number) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      this.connections += 1;
      socket.on("error", () => {});
      script(socket, this.connections);
    });
  }

  async listen(): Promise<this> {
    this.port = await listenOn(this.#server);
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: [name: string, value: string][];
  readonly body: string;
  readonly trailers: Record<string, string | undefined>;
}

/** An app that answers with what it was asked, as JSON. */
export class EchoApp {
  readonly server: http.Server;
  /** Requests that reached the app whole. */
  requests = 0;
  port = 0;

  constructor() {
    this.server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.requests += 1;
        const { method, url, rawHeaders, trailers } = request;
        const body = Buffer.concat(chunks).toString("latin1");
        const echo = { method, url, headers: pairs(rawHeaders), body, trailers };
        response.setHeader("Set-Cookie", ["a=1", "b=2"]);
        response.setHeader("X-Mixed-Case", "kept");
        response.end(JSON.stringify(echo), "latin1");
      });
    });
  }

  async listen(): Promise<this> {
    this.port = await listenOn(this.server);
    return this;
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, "close");
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : []));
}

/** All that the server says until it closes, for bytes sent whole or one at a time. A reset rejects. */
export async function converse(
  port: number,
  bytes: string,
  how: "whole" | "bytewise" = "whole",
): Promise<string> {
  const socket = createConnection(port, "127.0.0.1");
  socket.setNoDelay(true);
  const answer = readAll(socket);
  if (how === "whole") socket.write(bytes, "latin1");
  else for (const byte of Buffer.from(bytes, "latin1")) socket.write(Buffer.of(byte));
  return answer;
}

export async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  await new Promise<void>((resolve, reject) => {
    socket.once("end", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without an end")));
  });
  return text;
}

/** Resolves when the bytes received so far contain `text`; returns them. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let seen = "";
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      seen += chunk.toString("latin1");
      if (!seen.includes(text)) return;
      socket.off("data", take);
      resolve(seen);
    };
    socket.on("data", take);
    socket.once("error", reject);
    socket.once("close", () =>
      reject(new Error(`closed before ${JSON.stringify(text)}: ${JSON.stringify(seen)}`)),
    );
  });
}

/** Status codes of the answers in a raw conversation, in order. */
export function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
