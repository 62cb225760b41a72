import assert from "node:assert/strict";
import { createConnection, type Socket } from "node:net";
import {
  converse,
  RawServer,
  readAll,
  readUntil,
  routeTo,
  statuses,
  TestProxy,
  upstreamAt,
} from "./support.ts";

const get = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";

/** What an upstream sends (and whether it closes then), and what a client that asked `request` gets. */
const answers: readonly [name: string, sent: string, closes: boolean, request: string, expected: RegExp][] = [
  [
    "length",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    false,
    get,
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\n[^]*\r\n\r\nok$/,
  ],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    false,
    get,
    /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/,
  ],
  [
    "chunks for HTTP/1.0",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    false,
    "GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n",
    /\r\nConnection: close\r\n[^]*\r\n\r\nok$/,
  ],
  [
    "body until close",
    "HTTP/1.0 200 OK\r\n\r\nok",
    true,
    get,
    /\r\nTransfer-Encoding: chunked\r\n[^]*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/,
  ],
  [
    "chunks and length: chunks win",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    false,
    get,
    /^(?![^]*Content-Length)[^]*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/,
  ],
  [
    "204 with a length",
    "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    false,
    get,
    /^(?![^]*Content-Length)HTTP\/1\.1 204 [^]*\r\n\r\n$/,
  ],
  [
    "304 keeps its length",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    false,
    get,
    /\r\nContent-Length: 7\r\n[^]*\r\n\r\n$/,
  ],
  [
    "HEAD, with a body nevertheless",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    false,
    get.replace("GET", "HEAD"),
    /\r\nContent-Length: 2\r\n[^]*\r\n\r\n$/,
  ],
  [
    "early hints",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    false,
    get,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  ],
  [
    "early hints for HTTP/1.0",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    false,
    "GET / HTTP/1.0\r\nHost: app.test\r\n\r\n",
    /^HTTP\/1\.1 200 OK\r\n/,
  ],
  [
    "hop-by-hop fields",
    "HTTP/1.1 200 OK\r\nConnection: x-int\r\nX-Int: 1\r\nKeep-Alive: timeout=5\r\nAlt-Svc: h3\r\nContent-Length: 0\r\n\r\n",
    false,
    get,
    /^(?![^]*(?:X-Int|Keep-Alive|Alt-Svc))HTTP\/1\.1 200 OK\r\n/,
  ],
  [
    "the app's own 503",
    "HTTP/1.1 503 Mine\r\nContent-Length: 4\r\n\r\nmine",
    false,
    get,
    /^HTTP\/1\.1 503 Mine\r\n[^]*\r\n\r\nmine$/,
  ],
];

/** What an upstream sends that no client may see as an answer. */
const invalid: readonly [name: string, sent: string, closes: boolean][] = [
  ["garbage", "hello\r\n\r\n", false],
  ["garbage without an end", "hello", false],
  ["HTTP/0.9 body", "<html>", true],
  ["lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", false],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk", false],
  ["malformed length", "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok", false],
  ["unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", true],
  ["folded line", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n", true],
  ["head too large", `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`, true],
  ["endless interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40), false],
  ["unasked switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", false],
  ["end inside the head", "HTTP/1.1 200 OK\r\nContent-", true],
  ["end before the head", "", true],
];

/** Answers that break off: the client must see a broken connection, never a complete answer. */
const truncated: readonly [name: string, sent: string][] = [
  ["length not reached", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"],
  ["chunk not complete", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"],
  ["last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
  ["malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx\r\n"],
];

describe("proxy: answers as bytes on the wire", () => {
  let upstream: RawServer;
  let proxy: TestProxy;
  let script: (socket: Socket, connection: number) => void = () => {};

  // Each case begins without idle connections of the one before.
  beforeEach(async () => {
    upstream = await new RawServer((socket, connection) => script(socket, connection)).listen();
    proxy = await TestProxy.start({ timeouts: { responseHead: 200 } });
    proxy.publish(routeTo([upstreamAt(upstream.port)]));
  });

  afterEach(async () => {
    await proxy.close();
    await upstream.close();
  });

  const answerWith = (sent: string, closes: boolean) => {
    script = (socket) => {
      socket.on("data", () => {
        socket.write(sent, "latin1");
        if (closes) socket.end();
      });
    };
  };

  for (const [name, sent, closes, request, expected] of answers) {
    it(`passes on: ${name}`, async () => {
      answerWith(sent, closes);
      assert.match(await converse(proxy.port, request), expected);
    });
  }

  for (const [name, sent, closes] of invalid) {
    it(`answers 502 for: ${name}`, async () => {
      answerWith(sent, closes);
      const answer = await converse(proxy.port, get);
      assert.deepEqual(
        statuses(answer).filter((status) => status !== 103),
        [502],
      );
    });
  }

  for (const [name, sent] of truncated) {
    it(`breaks the client's connection: ${name}`, async () => {
      for (const version of ["1.0", "1.1"]) {
        answerWith(sent, true);
        await assert.rejects(converse(proxy.port, `GET / HTTP/${version}\r\nHost: app.test\r\n\r\n`));
      }
    });
  }

  it("uses one connection to the upstream for one request after the other", async () => {
    script = (socket) =>
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    for (let count = 0; count < 5; count += 1)
      assert.deepEqual(statuses(await converse(proxy.port, get)), [200]);
    assert.equal(upstream.connections, 1);
  });

  it("answers 408 to a client that does not finish its request", async () => {
    script = (socket) => socket.resume();
    const hasty = await TestProxy.start({ timeouts: { requestHead: 100, idleBody: 100 } });
    hasty.publish(routeTo([upstreamAt(upstream.port)]));
    assert.deepEqual(statuses(await converse(hasty.port, "GET / HTTP/1.1\r\nHost: app.te")), [408]);
    const unfinished = "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 9\r\n\r\nabc";
    assert.deepEqual(statuses(await converse(hasty.port, unfinished)), [408]);
    await hasty.close();
  });

  it("answers 504 when the upstream says nothing", async () => {
    script = (socket) => socket.resume();
    assert.deepEqual(statuses(await converse(proxy.port, get)), [504]);
  });

  it("answers 502 when nobody listens, also to a POST with a body", async () => {
    const gone = await new RawServer(() => {}).listen();
    await gone.close();
    const other = await TestProxy.start();
    other.publish(routeTo([upstreamAt(gone.port)]));
    const post = get.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nok");
    assert.deepEqual(statuses(await converse(other.port, post)), [502]);
    await other.close();
  });

  it("never uses a connection again that said more than the answer", async () => {
    script = (socket, connection) => {
      socket.on("data", () =>
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nc${String(connection).padStart(3, "0")}HTTP/1.1 200 EVIL\r\n\r\n`,
        ),
      );
    };
    const client = createConnection(proxy.port, "127.0.0.1");
    const first = readUntil(client, "\r\n\r\nc");
    client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await first;
    const second = readAll(client);
    client.write(get);
    assert.doesNotMatch((await first) + (await second), /EVIL/);
    assert.notEqual(/c\d{3}/.exec(await first)?.[0], /c\d{3}/.exec(await second)?.[0]);
  });

  it("passes 100 Continue on, and the body after it", async () => {
    script = (socket) => {
      void (async () => {
        const head = await readUntil(socket, "\r\n\r\n");
        assert.match(head, /\r\nExpect: 100-continue\r\n/);
        socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        const body = await readUntil(socket, "hello");
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${body}`);
      })();
    };
    const client = createConnection(proxy.port, "127.0.0.1");
    client.write(
      "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
    );
    assert.equal(await readUntil(client, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    const answer = readAll(client);
    client.write("hello");
    assert.match(await answer, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/);
  });

  it("passes on an answer that comes before the request is complete, then closes", async () => {
    script = (socket) =>
      socket.once("data", () => socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
    const client = createConnection(proxy.port, "127.0.0.1");
    const answer = readAll(client);
    client.write("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\nabc");
    assert.match(await answer, /^HTTP\/1\.1 413 Too Large\r\n[^]*\r\nConnection: close\r\n[^]*\r\n\r\nno$/);
  });

  it("lets go of the upstream when the client resets its connection", async () => {
    const client = createConnection(proxy.port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => {
      script = (socket) => {
        socket.once("data", () => client.resetAndDestroy());
        socket.once("end", resolve);
      };
    });
    client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await closed;
  });

  it("lets go of the upstream when the client leaves without a reset", async () => {
    const patient = await TestProxy.start({ timeouts: { halfClosed: 100 } });
    patient.publish(routeTo([upstreamAt(upstream.port)]));
    const client = createConnection(patient.port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => {
      script = (socket) => {
        socket.once("data", () => client.destroy());
        socket.once("end", resolve);
      };
    });
    client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    await closed;
    await patient.close();
  });

  describe("when an idle connection turns out to be dead", () => {
    /** Answers the first request on each connection; the first connection dies at the second. */
    const dieOnReuse = (received: string[]) => {
      script = (socket, connection) => {
        let requests = 0;
        socket.on("data", (chunk: Buffer) => {
          requests += 1;
          received.push(`${connection}:${String(chunk).slice(0, 4).trim()}`);
          if (requests === 2) socket.destroy();
          else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
      };
    };

    const twice = async (second: string): Promise<string> => {
      const fresh = await TestProxy.start();
      fresh.publish(routeTo([upstreamAt(upstream.port)]));
      const client = createConnection(fresh.port, "127.0.0.1");
      client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
      await readUntil(client, "ok");
      const answer = readAll(client);
      client.write(second);
      const text = await answer;
      await fresh.close();
      return text;
    };

    it("sends a GET again on a new connection", async () => {
      const received: string[] = [];
      dieOnReuse(received);
      assert.deepEqual(statuses(await twice(get)), [200]);
      assert.equal(received.length, 3);
      assert.deepEqual(
        received.map((line) => line.split(":")[1]),
        ["GET", "GET", "GET"],
      );
    });

    it("never sends a POST twice", async () => {
      const received: string[] = [];
      dieOnReuse(received);
      const post = get.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nab");
      assert.deepEqual(statuses(await twice(post)), [502]);
      assert.deepEqual(
        received.map((line) => line.split(":")[1]),
        ["GET", "POST"],
      );
    });
  });
});
