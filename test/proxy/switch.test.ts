import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { createConnection, type Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { EchoApp, listenOn, RawServer, routeTo, TestProxy, upstreamAt } from "./support.ts";

const host = { host: "app.test" };

/** Status and body; rejects on anything that breaks the connection. */
async function fetchVia(
  port: number,
  agent: http.Agent | false,
  options: http.RequestOptions = {},
  body = "",
) {
  const request = http.request({ host: "127.0.0.1", port, agent, headers: host, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

describe("proxy: switching and draining", () => {
  let proxy: TestProxy;

  beforeEach(async () => {
    proxy = await TestProxy.start();
  });

  afterEach(async () => {
    await proxy.close();
  });

  it("loses no request of 2000 while the app is replaced again and again", async function () {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    let release = 0;
    let current: EchoApp | undefined;
    const retired = new Set<string>();
    const failures: string[] = [];
    let completed = 0;

    const deploy = async () => {
      release += 1;
      const app = await new EchoApp().listen();
      const old = current;
      proxy.publish(routeTo([upstreamAt(app.port, `r${release}`)], { release }));
      current = app;
      if (old === undefined) return;
      assert.equal(await proxy.plane.drain([`r${release - 1}`], 10_000), true);
      retired.add(`r${release - 1}`);
      // As hard as an app can end: a connection still in use would break.
      await old.close();
    };

    const client = async (number: number) => {
      for (let count = 0; count < 125; count += 1) {
        const method = ["GET", "POST", "PUT", "DELETE"][count % 4] as string;
        const body = method === "GET" ? "" : `${number}/${count}`;
        try {
          const { status, text } = await fetchVia(
            proxy.port,
            agent,
            { method, headers: { ...host, "content-length": body.length } },
            body,
          );
          if (status !== 200) failures.push(`${status} ${text}`);
          else if ((JSON.parse(text) as { body: string }).body !== body) failures.push(`wrong body ${text}`);
        } catch (error) {
          failures.push(String(error));
        }
        completed += 1;
        if (completed % 100 === 0) await deploy();
      }
    };

    await deploy();
    await Promise.all(Array.from({ length: 16 }, (_, number) => client(number)));
    agent.destroy();
    await current?.close();
    assert.deepEqual(failures, []);
    assert.equal(completed, 2000);
    assert.ok(retired.size >= 19);
  });

  it("drains: waits for the request under way, sends new ones elsewhere, closes idle connections", async () => {
    const slow = http.createServer();
    let finish: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      slow.once("request", (_: http.IncomingMessage, response: http.ServerResponse) => {
        finish = () => response.end("old");
        resolve();
      });
    });
    const next = await new EchoApp().listen();
    const port = await listenOn(slow);
    proxy.publish(routeTo([upstreamAt(port, "old")]));
    const pending = fetchVia(proxy.port, false);
    await arrived;
    assert.equal(proxy.plane.stats()["app"]?.inFlight, 1);
    proxy.publish(routeTo([upstreamAt(next.port, "new")], { release: 2 }));
    assert.equal(await proxy.plane.drain(["old"], 20), false);
    const drained = proxy.plane.drain(["old"], 60_000);
    assert.equal((await fetchVia(proxy.port, false)).status, 200);
    assert.equal(next.requests, 1);
    finish();
    assert.equal((await pending).text, "old");
    assert.equal(await drained, true);
    // No connection of ours is left, so that the server ends by itself.
    slow.close();
    await once(slow, "close");
    assert.equal(await proxy.plane.drain(["never heard of"], 1000), true);
    await next.close();
  });

  it("closes idle connections the moment that an upstream leaves the table", async () => {
    const app = await new EchoApp().listen();
    const connected = once(app.server, "connection");
    proxy.publish(routeTo([upstreamAt(app.port)]));
    await fetchVia(proxy.port, false);
    const [socket] = (await connected) as [Socket];
    const closed = once(socket, "close");
    proxy.publish();
    await closed;
    await app.close();
  });

  it("counts a WebSocket as in flight until it closes", async () => {
    const app = http.createServer();
    const sockets = new WebSocketServer({ server: app });
    const port = await listenOn(app);
    proxy.publish(routeTo([upstreamAt(port, "old")]));
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers: host });
    await once(socket, "open");
    proxy.publish(routeTo([], { stopped: true }));
    assert.equal(await proxy.plane.drain(["old"], 20), false);
    const drained = proxy.plane.drain(["old"], 60_000);
    socket.close();
    assert.equal(await drained, true);
    sockets.close();
    app.close();
  });

  it("prefers the upstream with fewer requests in flight, and spreads over equals", async () => {
    const apps = [await new EchoApp().listen(), await new EchoApp().listen()];
    const held: http.ServerResponse[] = [];
    const busy = http.createServer((_, response) => held.push(response));
    const busyPort = await listenOn(busy);
    proxy.publish(routeTo([upstreamAt(busyPort)]));
    const arrived = once(busy, "request");
    const pending = fetchVia(proxy.port, false);
    await arrived;
    proxy.publish(routeTo([upstreamAt(busyPort), ...apps.map((app) => upstreamAt(app.port))]));
    for (let count = 0; count < 10; count += 1) await fetchVia(proxy.port, false);
    assert.equal(held.length, 1);
    for (const app of apps) assert.ok(app.requests >= 3);
    held[0]?.end();
    await pending;
    for (const app of apps) await app.close();
    busy.close();
    busy.closeAllConnections();
  });

  it("goes on to the next upstream when one refuses, whatever the method", async () => {
    const gone = await new EchoApp().listen();
    await gone.close();
    const app = await new EchoApp().listen();
    proxy.publish(routeTo([upstreamAt(gone.port), upstreamAt(app.port)]));
    for (let count = 0; count < 4; count += 1) {
      const { status, text } = await fetchVia(proxy.port, false, { method: "POST" }, "once");
      assert.equal(status, 200);
      assert.equal((JSON.parse(text) as { body: string }).body, "once");
    }
    assert.equal(app.requests, 4);
    assert.equal(await proxy.plane.probe(upstreamAt(app.port)), true);
    assert.equal(await proxy.plane.probe(upstreamAt(gone.port)), false);
    await app.close();
  });

  it("counts nothing as in flight any more after clients and apps that break off anywhere", async () => {
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const request =
      "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    const app = await new RawServer((socket, connection) => {
      socket.once("data", () => {
        socket.write(answer.slice(0, (connection * 7) % (answer.length + 1)));
        if (connection % 3 === 0) socket.resetAndDestroy();
        else socket.end();
      });
    }).listen();
    proxy.publish(routeTo([upstreamAt(app.port, "old")]));
    const breakOff = async (number: number) => {
      const socket = createConnection(proxy.port, "127.0.0.1").resume();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => {});
      await once(socket, "connect");
      const sent = (number * 11) % (request.length + 1);
      socket.write(request.slice(0, sent));
      if (number % 2 === 0) socket.resetAndDestroy();
      else socket.end();
      await closed;
    };
    for (let number = 0; number < 300; number += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => breakOff(number + index)));
    }
    proxy.publish();
    assert.equal(await proxy.plane.drain(["old"], 60_000), true);
    await app.close();
  });

  it("says when an upstream is gone for good", async () => {
    const gone: string[] = [];
    const other = await TestProxy.start({ onUpstreamGone: ({ id }) => gone.push(id) });
    const app = await new EchoApp().listen();
    other.publish(routeTo([upstreamAt(app.port, "a")]));
    await fetchVia(other.port, false);
    other.publish(routeTo([upstreamAt(app.port, "b")]));
    assert.deepEqual(gone, ["a"]);
    await other.close();
    await app.close();
  });
});
