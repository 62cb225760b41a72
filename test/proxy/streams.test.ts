import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { createConnection } from "node:net";
import { finished } from "node:stream/promises";
import { WebSocket, WebSocketServer } from "ws";
import { listenOn, RawServer, readAll, readUntil, routeTo, TestProxy, upstreamAt } from "./support.ts";

describe("proxy: streams", () => {
  let app: http.Server;
  let proxy: TestProxy;
  let handle: http.RequestListener;

  beforeEach(async () => {
    app = http.createServer((request, response) => handle(request, response));
    const port = await listenOn(app);
    proxy = await TestProxy.start();
    proxy.publish(routeTo([upstreamAt(port)]));
  });

  afterEach(async () => {
    await proxy.close();
    app.closeAllConnections();
    app.close();
  });

  const ask = (options: http.RequestOptions) =>
    http.request({
      host: "127.0.0.1",
      port: proxy.port,
      headers: { host: "app.test" },
      agent: false,
      ...options,
    });

  it("passes each event on before the next one exists", async () => {
    let answer: http.ServerResponse | undefined;
    handle = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      answer = response;
    };
    const request = ask({}).end();
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    for (let event = 0; event < 5; event += 1) {
      answer?.write(`data: ${event}\n\n`);
      const [chunk] = (await once(response, "data")) as [Buffer];
      assert.equal(String(chunk), `data: ${event}\n\n`);
    }
    answer?.end();
    await finished(response.resume());
  });

  it("passes each piece of a request on before the next one exists", async () => {
    const pieces: string[] = [];
    handle = (request, response) => {
      response.flushHeaders();
      request.on("data", (chunk: Buffer) => {
        pieces.push(String(chunk));
        response.write(chunk);
      });
      request.on("end", () => response.end());
    };
    const request = ask({ method: "POST" });
    request.write("0");
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    for (let piece = 0; piece < 4; piece += 1) {
      const [chunk] = (await once(response, "data")) as [Buffer];
      assert.equal(String(chunk), String(piece));
      if (piece < 3) request.write(String(piece + 1));
    }
    request.end();
    await finished(response.resume());
    assert.deepEqual(pieces, ["0", "1", "2", "3"]);
  });

  for (const framing of ["length", "chunks"] as const) {
    it(`carries 10 MB both ways byte for byte (${framing})`, async () => {
      handle = (request, response) => {
        if (framing === "length")
          response.setHeader("content-length", request.headers["content-length"] ?? 0);
        request.pipe(response);
      };
      const sent = randomBytes(10 * 1024 * 1024);
      const headers = { host: "app.test", ...(framing === "length" && { "content-length": sent.length }) };
      const request = ask({ method: "PUT", headers });
      request.end(sent);
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      const hash = createHash("sha256");
      for await (const chunk of response) hash.update(chunk as Buffer);
      assert.equal(hash.digest("hex"), createHash("sha256").update(sent).digest("hex"));
    });
  }

  it("stops reading from an app whose client does not read", async () => {
    const stalled = new Promise<void>((resolve) => {
      handle = (_, response) => {
        const chunk = Buffer.alloc(1024 * 1024);
        const write = () => {
          // A proxy that buffers would take everything: 200 MB is far beyond what kernels hold.
          for (let count = 0; count < 200; count += 1) {
            if (response.write(chunk)) continue;
            response.once("drain", write);
            response.socket?.setTimeout(300, resolve);
            return;
          }
        };
        write();
      };
    });
    const client = createConnection(proxy.port, "127.0.0.1").pause();
    client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await stalled;
    client.destroy();
  });

  describe("WebSocket", () => {
    let sockets: WebSocketServer;

    beforeEach(() => {
      sockets = new WebSocketServer({ server: app, maxPayload: 64 * 1024 * 1024 });
    });

    const open = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/path`, { headers: { host: "app.test" } });
      await once(socket, "open");
      return socket;
    };

    it("carries messages small and large both ways, and the close code", async () => {
      sockets.on("connection", (socket) =>
        socket.on("message", (data, binary) => socket.send(data, { binary })),
      );
      const socket = await open();
      for (const size of [0, 1, 125, 126, 65_535, 65_536, 5 * 1024 * 1024]) {
        const message = randomBytes(size);
        socket.send(message);
        const [echo] = (await once(socket, "message")) as [Buffer];
        assert.ok(echo.equals(message), `${size} bytes`);
      }
      socket.close(4001, "bye");
      const [code] = (await once(socket, "close")) as [number];
      assert.equal(code, 4001);
    });

    it("carries what the app says first, together with its switch of protocols", async () => {
      sockets.on("connection", (socket) => socket.send("hello"));
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers: { host: "app.test" } });
      const [greeting] = (await once(socket, "message")) as [Buffer];
      assert.equal(String(greeting), "hello");
      socket.terminate();
    });

    it("passes a refusal on as an ordinary answer", async () => {
      sockets.options.verifyClient = () => false;
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers: { host: "app.test" } });
      const [error] = (await once(socket, "error")) as [Error];
      assert.match(error.message, /401/);
    });

    it("ends the app's side when the client goes, and the client's when the app goes", async () => {
      const atApp = once(sockets, "connection") as Promise<[WebSocket]>;
      const client = await open();
      const [app] = await atApp;
      client.terminate();
      await once(app, "close");

      const atAppAgain = once(sockets, "connection") as Promise<[WebSocket]>;
      const other = await open();
      const [appAgain] = await atAppAgain;
      appAgain.terminate();
      await once(other, "close");
    });
  });

  it("lets each side of a tunnel close on its own", async () => {
    const upstream = await new RawServer((socket) => {
      void (async () => {
        await readUntil(socket, "\r\n\r\n");
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n");
        socket.end((await readAll(socket)).toUpperCase());
      })();
    }).listen();
    proxy.publish(routeTo([upstreamAt(upstream.port)]));
    const client = createConnection({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    client.write(
      "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: raw\r\n\r\n",
    );
    await readUntil(client, "\r\n\r\n");
    client.end("first, then nothing more");
    let answer = "";
    for await (const chunk of client) answer += String(chunk);
    assert.equal(answer, "FIRST, THEN NOTHING MORE");
    await upstream.close();
  });
});
