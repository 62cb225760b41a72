import assert from "node:assert/strict";
import express from "express";
import { createHttpServer, type HttpServer } from "../../server/http/server.ts";
import { UserError } from "../../server/model/error.ts";

describe("HTTP server", () => {
  let server: HttpServer;
  let url: string;

  beforeEach(async () => {
    const router = express.Router();
    router.get("/fine", (_request, response) => response.send("fine"));
    router.post("/body", (request, response) => response.send(String(request.body.text.length)));
    router.get("/greet/:name", (request, response) => response.send(request.params.name));
    router.get("/refused", () => {
      throw new UserError("Give the app another name");
    });
    router.get("/missing", async () => {
      throw new UserError("App blog does not exist", { exitCode: 20 });
    });
    router.get("/broken", () => {
      throw new Error("password is hunter2");
    });
    router.get("/stream", (_request, response) => {
      response.set("content-type", "text/event-stream").flushHeaders();
    });
    const errorPage = ({ status, message }: { status: number; message: string }) => `${status} ${message}`;
    server = createHttpServer({ address: "127.0.0.1", port: 0, router, errorPage });
    url = `http://127.0.0.1:${await server.listen()}`;
  });

  afterEach(() => server.close());

  it("sends the security headers with every answer and does not tell its framework", async () => {
    for (const path of ["/fine", "/refused", "/no-such-page"]) {
      const { headers } = await fetch(url + path);
      const policy = headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("referrer-policy"), "same-origin");
      assert.equal(headers.get("x-powered-by"), null);
    }
  });

  it("shows a person's mistake, and of a fault of ours only an id that the log has too", async () => {
    const answer = async (path: string) => (await fetch(url + path)).text();
    assert.equal(await answer("/refused"), "400 Give the app another name");
    assert.equal(await answer("/missing"), "404 App blog does not exist");
    assert.equal(await answer("/no-such-page"), "404 There is no such page");
    assert.equal(await answer("/greet/%zz"), "400 The request could not be understood");
    const { page, logged } = await withLog(() => answer("/broken"));
    assert.doesNotMatch(page, /hunter2/);
    const id = /look for (\w+)$/.exec(page)?.[1];
    assert.ok(id !== undefined && logged.includes(id) && logged.includes("hunter2"));
  });

  it("refuses a body that is too long", async () => {
    const post = (length: number) =>
      fetch(`${url}/body`, { method: "POST", body: new URLSearchParams({ text: "x".repeat(length) }) });
    assert.equal(await (await post(1000)).text(), "1000");
    assert.equal((await post(100_000)).status, 413);
  });

  it("ends open event streams when it closes", async () => {
    const stream = await fetch(`${url}/stream`);
    const ended = stream.text().catch(() => "cut");
    await server.close();
    await ended;
    await assert.rejects(fetch(`${url}/fine`));
  });
});

/** What the server's own log got while `action` ran. */
async function withLog(action: () => Promise<string>): Promise<{ page: string; logged: string }> {
  const write = process.stderr.write.bind(process.stderr);
  let logged = "";
  process.stderr.write = (text: string | Uint8Array) => {
    logged += String(text);
    return true;
  };
  try {
    const page = await action();
    return { page, logged };
  } finally {
    process.stderr.write = write;
  }
}
