import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface LoadResult {
  readonly requests: number;
  /** What went wrong, one text a failed request. */
  readonly failures: readonly string[];
}

const clients = 8;
/** Between two requests of a client, so that the load is steady and bounded. */
const pauseMs = 5;

/** Sends GET and POST requests over kept-alive connections to the router on loopback until stopped. */
export function steadyLoad(port: number, host: string): { stop(): Promise<LoadResult> } {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const failures: string[] = [];
  let requests = 0;
  let running = true;

  const ask = (method: "GET" | "POST") =>
    new Promise<void>((resolve) => {
      const failed = (reason: string) => {
        failures.push(`${method}: ${reason}`);
        resolve();
      };
      const asked = request(
        { host: "127.0.0.1", port, method, headers: { host, "content-type": "text/plain" }, agent },
        (response) => {
          response.once("error", (error) => failed(error.message));
          response.once("end", () =>
            response.statusCode === 200 ? resolve() : failed(`status ${response.statusCode}`),
          );
          response.resume();
        },
      );
      asked.once("error", (error) => failed(error.message));
      asked.end(method === "POST" ? "a body" : undefined);
    });

  const client = async () => {
    for (let turn = 0; running; turn++) {
      requests += 1;
      await ask(turn % 4 === 0 ? "POST" : "GET");
      await delay(pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));

  return {
    async stop() {
      running = false;
      await all;
      agent.destroy();
      return { requests, failures };
    },
  };
}
