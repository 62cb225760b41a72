import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { converse, EchoApp, routeTo, statuses, TestProxy, upstreamAt, type Echo } from "./support.ts";

const head = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n";
const post = "POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;

/** Bytes of a client that must be refused with a status, and must never reach an app. */
const refused: readonly [name: string, status: number, bytes: string][] = [
  [
    "Content-Length and Transfer-Encoding",
    400,
    `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["two different Content-Length", 400, `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  ["two equal Content-Length", 400, `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`],
  ["a list as Content-Length", 400, `${post}Content-Length: 3, 3\r\n\r\nabc`],
  ["signed Content-Length", 400, `${post}Content-Length: +3\r\n\r\nabc`],
  ["negative Content-Length", 400, `${post}Content-Length: -1\r\n\r\n`],
  ["hexadecimal Content-Length", 400, `${post}Content-Length: 0x3\r\n\r\nabc`],
  ["empty Content-Length", 400, `${post}Content-Length:\r\n\r\n`],
  ["Content-Length above 2^64", 400, `${post}Content-Length: 18446744073709551618\r\n\r\nab`],
  ["unknown transfer coding", 400, `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ["identity transfer coding", 400, `${post}Transfer-Encoding: identity\r\n\r\n`],
  ["control character in a transfer coding", 400, `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
  [
    "two Transfer-Encoding",
    400,
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["compressed transfer coding", 501, `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [
    "Transfer-Encoding in HTTP/1.0",
    400,
    "POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["space before the colon", 400, `${head}X-A : b\r\n\r\n`],
  ["space before the first name", 400, "GET / HTTP/1.1\r\n Host: app.test\r\n\r\n"],
  ["empty field name", 400, `${head}: b\r\n\r\n`],
  ["field name with a control character", 400, `${head}X\x01A: b\r\n\r\n`],
  ["folded line", 400, `${head}X-A: b\r\n c\r\n\r\n`],
  ["line without a colon", 400, `${head}foo\r\n\r\n`],
  ["lines that end in LF", 400, "GET / HTTP/1.1\nHost: app.test\n\n"],
  ["one line that ends in LF", 400, `${head}X-A: b\nX-B: c\r\n\r\n`],
  ["bare CR in a value", 400, `${head}X-A: b\rc\r\n\r\n`],
  ["NUL in a value", 400, `${head}X-A: b\0c\r\n\r\n`],
  ["chunk size with 0x", 400, `${chunked}0x2\r\nab\r\n0\r\n\r\n`],
  ["negative chunk size", 400, `${chunked}-1\r\nab\r\n0\r\n\r\n`],
  ["chunk size of 17 digits", 400, `${chunked}00000000000000002\r\nab\r\n0\r\n\r\n`],
  ["space after a chunk size", 400, `${chunked}2 \r\nab\r\n0\r\n\r\n`],
  ["empty chunk size", 400, `${chunked}\r\nab\r\n0\r\n\r\n`],
  ["chunk longer than its size", 400, `${chunked}2\r\nabc\r\n0\r\n\r\n`],
  ["chunk lines that end in LF", 400, `${chunked}2\nab\n0\n\n`],
  ["LF in a chunk extension", 400, `${chunked}2;a\nab\r\n0\r\n\r\n`],
  ["endless chunk extension", 400, `${chunked}2;${"a".repeat(5000)}`],
  ["HTTP/0.9", 400, "GET /\r\n"],
  ["HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: app.test\r\n\r\n"],
  ["HTTP/2.0 as text", 505, "GET / HTTP/2.0\r\nHost: app.test\r\n\r\n"],
  ["prior-knowledge HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["lower-case protocol", 400, "GET / http/1.1\r\nHost: app.test\r\n\r\n"],
  ["TLS on the plain port", 400, "\x16\x03\x01\x02\x00\x01\x00"],
  ["two spaces in the request line", 400, "GET  / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["no Host", 400, "GET / HTTP/1.1\r\n\r\n"],
  ["two Host", 400, "GET / HTTP/1.1\r\nHost: app.test\r\nHost: app.test\r\n\r\n"],
  ["Host with user", 400, "GET / HTTP/1.1\r\nHost: x@app.test\r\n\r\n"],
  ["Host with path", 400, "GET / HTTP/1.1\r\nHost: app.test/x\r\n\r\n"],
  ["Host with a bad port", 400, "GET / HTTP/1.1\r\nHost: app.test:x\r\n\r\n"],
  ["target of another host", 400, "GET http://evil.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["authority as target", 400, "GET app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["CONNECT", 501, "CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["fragment in the target", 400, "GET /#x HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["raw byte above 0x7f in the target", 400, "GET /\xe9 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["long target", 414, `GET /${"a".repeat(17_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`],
  ["long head", 431, `${head}X-A: ${"a".repeat(33_000)}\r\n\r\n`],
  ["many lines", 431, `${head}${"X-A: b\r\n".repeat(200)}\r\n`],
  ["unknown expectation", 417, `${post}Expect: tea\r\n\r\n`],
  ["unknown host", 404, "GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n"],
  ["apex of a wildcard", 404, "GET / HTTP/1.1\r\nHost: wild.test\r\nConnection: close\r\n\r\n"],
  ["HTTP/1.0 without Host", 404, "GET / HTTP/1.0\r\n\r\n"],
  ["stopped app", 503, "GET / HTTP/1.1\r\nHost: stopped.test\r\nConnection: close\r\n\r\n"],
  ["app with nothing up", 502, "GET / HTTP/1.1\r\nHost: down.test\r\nConnection: close\r\n\r\n"],
];

/** Bytes of a client that must reach the app, and what the app must see. */
const accepted: readonly [name: string, bytes: string, check: (echo: Echo) => void][] = [
  ["plain GET", `${head}\r\n`, (echo) => assert.equal(echo.method, "GET")],
  [
    "path bytes untouched",
    head.replace("/", "/a/../b/%2e%2e/%2F;x//?q=%zz") + "\r\n",
    (echo) => assert.equal(echo.url, "/a/../b/%2e%2e/%2F;x//?q=%zz"),
  ],
  [
    "host in other case, with port and dot",
    "GET / HTTP/1.1\r\nHost: APP.test.:80\r\nConnection: close\r\n\r\n",
    (echo) => assert.equal(valueOf(echo, "host"), "APP.test.:80"),
  ],
  [
    "wildcard host, several labels",
    "GET / HTTP/1.1\r\nHost: a.b.wild.test\r\nConnection: close\r\n\r\n",
    () => {},
  ],
  [
    "absolute target",
    "GET http://app.test?x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
    (echo) => assert.equal(echo.url, "/?x"),
  ],
  [
    "OPTIONS *",
    "OPTIONS * HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
    (echo) => assert.equal(echo.url, "*"),
  ],
  ["empty lines in front", `\r\n\r\n${head}\r\n`, () => {}],
  ["GET with a body", `${head}Content-Length: 3\r\n\r\nabc`, (echo) => assert.equal(echo.body, "abc")],
  [
    "DELETE with a body",
    `${head.replace("GET", "DELETE")}Content-Length: 3\r\n\r\nabc`,
    (echo) => assert.equal(echo.body, "abc"),
  ],
  [
    "bytes behind the last request",
    `${post}Content-Length: 3\r\n\r\nabcGET /evil HTTP/1.1\r\n\r\n`,
    (echo) => assert.equal(echo.body, "abc"),
  ],
  [
    "chunks with extension and trailers",
    `${chunked}2;a=b\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 9\r\nContent-Length: 9\r\n\r\n`,
    (echo) => {
      assert.equal(echo.body, "abc");
      assert.deepEqual(echo.trailers, { "x-sum": "9" });
    },
  ],
  [
    "hop-by-hop fields",
    `${head}Connection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nTE: gzip\r\n` +
      "Proxy-Authorization: b\r\nProxy: c\r\nUpgrade: h2c\r\nHTTP2-Settings: d\r\nX-Kept: e\r\n\r\n",
    (echo) => {
      for (const name of [
        "x-secret",
        "keep-alive",
        "proxy-connection",
        "te",
        "proxy-authorization",
        "proxy",
        "upgrade",
        "http2-settings",
      ]) {
        assert.equal(valueOf(echo, name), undefined, name);
      }
      assert.equal(valueOf(echo, "x-kept"), "e");
    },
  ],
  [
    "the dashboard's session cookie",
    `${head}Cookie: a=1; slipway-session=secret; b=2\r\nCookie: __Host-slipway-session=secret\r\nX-Empty:\r\n\r\n`,
    (echo) => {
      assert.equal(valueOf(echo, "cookie"), "a=1; b=2");
      assert.equal(valueOf(echo, "x-empty"), "");
    },
  ],
  [
    "forged forwarding fields",
    `${head}X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n` +
      "X-Forwarded-Ssl: on\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nConnection: x-forwarded-for\r\nX-Request-Id: bad id\r\n\r\n",
    (echo) => {
      assert.equal(valueOf(echo, "x-forwarded-for"), "127.0.0.1");
      assert.equal(valueOf(echo, "x-forwarded-proto"), "http");
      assert.equal(valueOf(echo, "x-forwarded-host"), "app.test");
      assert.match(valueOf(echo, "x-forwarded-port") ?? "", /^\d+$/);
      assert.match(valueOf(echo, "x-request-start") ?? "", /^t=\d{13}$/);
      assert.match(valueOf(echo, "x-request-id") ?? "", /^[0-9a-f-]{36}$/);
      assert.ok(!JSON.stringify(echo).includes("6.6.6.6"));
      assert.equal(valueOf(echo, "x-forwarded-ssl"), undefined);
    },
  ],
  [
    "harmless request id",
    `${head}X-Request-Id: abc-1.2_3\r\n\r\n`,
    (echo) => assert.equal(valueOf(echo, "x-request-id"), "abc-1.2_3"),
  ],
  [
    "bytes above 0x7f in a value",
    `${head}X-A: \xa0caf\xe9\r\n\r\n`,
    (echo) => assert.equal(valueOf(echo, "x-a"), "\xa0caf\xe9"),
  ],
  ["HTTP/1.0", "GET / HTTP/1.0\r\nHost: app.test\r\n\r\n", () => {}],
];

function valueOf(echo: Echo, name: string): string | undefined {
  const values = echo.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join("|");
}

describe("proxy: requests as bytes on the wire", () => {
  let app: EchoApp;
  let proxy: TestProxy;

  before(async () => {
    app = await new EchoApp().listen();
    proxy = await TestProxy.start();
    proxy.publish(
      routeTo([upstreamAt(app.port)], { hosts: ["app.test", "*.wild.test"] }),
      routeTo([], { app: "stopped", hosts: ["stopped.test"], stopped: true }),
      routeTo([], { app: "down", hosts: ["down.test"] }),
    );
  });

  after(async () => {
    await proxy.close();
    await app.close();
  });

  for (const how of ["whole", "bytewise"] as const) {
    for (const [name, status, bytes] of refused) {
      it(`refuses (${how}): ${name}`, async () => {
        const before = app.requests;
        assert.deepEqual(statuses(await converse(proxy.port, bytes, how)), [status]);
        assert.equal(app.requests, before);
      });
    }
    for (const [name, bytes, check] of accepted) {
      it(`accepts (${how}): ${name}`, async () => {
        const answer = await converse(proxy.port, bytes, how);
        assert.deepEqual(statuses(answer), [200], answer);
        check(JSON.parse(/\{.*\}/s.exec(answer)?.[0] ?? "") as Echo);
      });
    }
  }

  it("passes the app's fields on as they are, and says the request's id", async () => {
    const answer = await converse(proxy.port, `${head}X-Request-Id: here\r\n\r\n`);
    assert.match(answer, /\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Mixed-Case: kept\r\n/);
    assert.match(answer, /\r\nX-Request-Id: here\r\n/);
    assert.equal(answer.match(/\r\nDate: /g)?.length, 1);
  });

  it("answers pipelined requests in order, each once", async () => {
    const request = (path: string) => `POST ${path} HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1\r\n\r\n_`;
    const bytes = request("/1") + request("/2") + request("/3") + `${head}\r\n`;
    for (const how of ["whole", "bytewise"] as const) {
      const answer = await converse(proxy.port, bytes, how);
      assert.deepEqual(statuses(answer), [200, 200, 200, 200]);
      const urls = [...answer.matchAll(/"url":"([^"]*)"/g)].map((match) => match[1]);
      assert.deepEqual(urls, ["/1", "/2", "/3", "/"]);
    }
  });

  it("answers a client that closes its side after the request", async () => {
    const socket = createConnection({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    assert.deepEqual(statuses(answer), [200]);
  });

  it("shows browsers a page and everything else plain text", async () => {
    const bytes = "GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n";
    const html = await converse(proxy.port, `${bytes}Accept: text/html\r\nX-Request-Id: r-1\r\n\r\n`);
    assert.match(html, /Content-Type: text\/html; charset=utf-8[^]*<h1>404 Not Found<\/h1>[^]*r-1/);
    const text = await converse(proxy.port, `${bytes}Accept: application/json\r\n\r\n`);
    assert.match(text, /Content-Type: text\/plain; charset=utf-8[^]*\r\n\r\n404 Not Found\n/);
    const noBody = await converse(proxy.port, `${bytes.replace("GET", "HEAD")}\r\n`);
    assert.match(noBody, /\r\nContent-Length: [1-9]\d*\r\n[^]*\r\n\r\n$/);
  });

  it("refuses a table in which two apps claim one host, and keeps the one before", async () => {
    assert.throws(
      () =>
        proxy.publish(
          routeTo([], { app: "a", hosts: ["app.test"] }),
          routeTo([], { app: "b", hosts: ["app.test"] }),
        ),
      /belongs to both a and b/,
    );
    assert.deepEqual(statuses(await converse(proxy.port, `${head}\r\n`)), [200]);
  });
});
