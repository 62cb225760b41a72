import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import { errorAnswer, type ErrorPage } from "./error-answer.ts";
import { securityHeaders } from "./security-headers.ts";

/** Answers under way get this long when the server closes. */
const closingGraceMs = 2000;

export interface HttpServerOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly router: RequestHandler;
  readonly errorPage: ErrorPage;
}

export interface HttpServer {
  /** Resolves with the port once connections are accepted; rejects when it is taken. */
  listen(): Promise<number>;
  /** Ends event streams, lets other answers finish for a moment, and resolves when every connection is closed. */
  close(): Promise<void>;
}

export function createHttpServer({ address, port, router, errorPage }: HttpServerOptions): HttpServer {
  const app = express();
  app.disable("x-powered-by");
  // Behind a proxy on this machine the client's address and scheme are in X-Forwarded-*.
  app.set("trust proxy", "loopback");
  app.use(securityHeaders);
  app.use(express.urlencoded({ extended: false, limit: "64kb" }));
  app.use(router);
  app.use((_request, response) => {
    response.status(404).send(errorPage({ status: 404, message: "There is no such page" }));
  });
  app.use(errorAnswer(errorPage));

  const server = createServer({ headersTimeout: 15_000, requestTimeout: 30_000 }, app);
  const answers = new Set<ServerResponse>();
  server.on("request", (_request, response) => {
    answers.add(response);
    response.once("close", () => answers.delete(response));
  });

  return {
    async listen() {
      server.listen(port, address);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    close: () => close(server, answers),
  };
}

async function close(server: Server, answers: ReadonlySet<ServerResponse>): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  for (const answer of answers) if (isEventStream(answer)) answer.destroy();
  const deadline = setTimeout(() => server.closeAllConnections(), closingGraceMs);
  await closed;
  clearTimeout(deadline);
}

function isEventStream(response: ServerResponse): boolean {
  return String(response.getHeader("content-type")).startsWith("text/event-stream");
}
