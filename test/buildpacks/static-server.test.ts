import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../server/paths.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe("file server of the static buildpack", () => {
  let directory: string;
  let server: ChildProcess;
  let port: number;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-static-"));
    const site = join(directory, "site");
    await mkdir(join(site, "docs"), { recursive: true });
    await mkdir(join(site, ".git"));
    await mkdir(join(site, ".well-known"));
    await mkdir(join(site, "empty"));
    const files = {
      "index.html": "home",
      "404.html": "missing page",
      "docs/index.html": "docs",
      "with space é.txt": "named",
      "digits.bin": "0123456789",
      "none.txt": "",
      ".git/config": "private",
      ".well-known/security.txt": "contact",
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(site, name), content);
    await writeFile(join(directory, "outside.txt"), "private");
    await symlink("../outside.txt", join(site, "leak.txt"));
    await symlink("index.html", join(site, "inside.html"));
    port = await freePort();
    server = spawn(process.execPath, [join(packageRoot, "buildpacks/static/lib/server.mjs"), site], {
      env: { PORT: String(port) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(server.stdout!, "data");
  });

  after(async () => {
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
    await rm(directory, { recursive: true });
  });

  /** Sends the path as it is, which fetch() would tidy up. */
  async function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
    const asked = request({ port, path, method, headers });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += chunk as string;
    return { status: response.statusCode!, headers: response.headers, body };
  }

  it("serves files, folders by their index.html, and names that are encoded", async () => {
    const home = await ask("/?query");
    assert.deepEqual([home.status, home.body], [200, "home"]);
    assert.equal(home.headers["content-type"], "text/html; charset=utf-8");
    assert.equal(home.headers["content-length"], "4");
    assert.equal((await ask("/docs/")).body, "docs");
    assert.equal((await ask("/with%20space%20%C3%A9.txt")).body, "named");
    assert.equal((await ask("/inside.html")).body, "home");
    assert.equal((await ask("/none.txt")).body, "");
    assert.equal((await ask("/.well-known/security.txt")).body, "contact");
  });

  it("sends a visitor of a folder to its path with a slash", async () => {
    const { status, headers } = await ask("/docs?a=b");
    assert.equal(status, 301);
    assert.equal(headers.location, "./docs/?a=b");
    assert.equal((await ask("//docs")).headers.location, "./docs/");
  });

  it("answers with the site's own page for what is not there, and 404", async () => {
    for (const path of ["/nothing", "/docs/nothing", "/empty", "/empty/", "/index.html/x"]) {
      const { status, body } = await ask(path);
      assert.deepEqual([status, body], [404, "missing page"], path);
    }
  });

  it("serves nothing outside of the site and no dot files", async () => {
    const paths = [
      "/../outside.txt",
      "/%2e%2e/outside.txt",
      "/docs/..%2f..%2foutside.txt",
      "/leak.txt",
      "/.git/config",
      "//../outside.txt",
    ];
    for (const path of paths) {
      const { status, body } = await ask(path);
      assert.deepEqual([status, body], [404, "missing page"], path);
    }
    for (const path of ["/%", "/%00", "*"]) assert.equal((await ask(path)).status, 400, path);
  });

  it("sends the head alone for HEAD, and refuses other methods", async () => {
    const { status, headers, body } = await ask("/digits.bin", {}, "HEAD");
    assert.deepEqual([status, headers["content-length"], body], [200, "10", ""]);
    const refused = await ask("/", {}, "POST");
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET, HEAD"]);
  });

  it("answers 304 to who has the file, and a new tag once it changed", async () => {
    const { headers } = await ask("/digits.bin");
    const etag = headers.etag!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { status, body } = await ask("/digits.bin", { "If-None-Match": known });
      assert.deepEqual([status, body], [304, ""], known);
    }
    assert.equal((await ask("/digits.bin", { "If-None-Match": '"other"' })).status, 200);
    assert.notEqual((await ask("/index.html")).headers.etag, etag);
  });

  it("sends the part that is asked for", async () => {
    const part = async (range: string, headers = {}) => {
      const { status, body, headers: received } = await ask("/digits.bin", { Range: range, ...headers });
      return [status, body, received["content-range"]];
    };
    assert.deepEqual(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
    assert.deepEqual(await part("bytes=8-"), [206, "89", "bytes 8-9/10"]);
    assert.deepEqual(await part("bytes=-3"), [206, "789", "bytes 7-9/10"]);
    assert.deepEqual(await part("bytes=5-100"), [206, "56789", "bytes 5-9/10"]);
    assert.deepEqual(await part("bytes=10-"), [416, "", "bytes */10"]);
    assert.deepEqual(await part("bytes=4-2"), [200, "0123456789", undefined]);
    assert.deepEqual(await part("bytes=0-1,3-4"), [200, "0123456789", undefined]);
    const { headers } = await ask("/digits.bin");
    assert.deepEqual(await part("bytes=0-0", { "If-Range": headers.etag! }), [206, "0", "bytes 0-0/10"]);
    assert.deepEqual(await part("bytes=0-0", { "If-Range": '"old"' }), [200, "0123456789", undefined]);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
