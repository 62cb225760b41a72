import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../server/paths.ts";
import { startProxy, type ProxyOptions, type RunningProxy } from "../../server/proxy/launch.ts";
import { processStartTime } from "../../server/runtime/process-identity.ts";
import { until } from "../support/until.ts";
import { converse, EchoApp, routeTo, statuses, upstreamAt } from "./support.ts";

const get = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";

/** Network namespaces that a process keeps open, its own apart. */
async function namespacesHeld(pid: number): Promise<number> {
  const own = await readlink(`/proc/${pid}/ns/net`);
  const fds = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target.startsWith("net:[") && target !== own).length;
}

describe("proxy: a process of its own", () => {
  let directory: string;
  let options: ProxyOptions;
  let app: EchoApp;
  let proxy: RunningProxy;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-proxy-"));
    options = {
      mainPath: join(packageRoot, "dist/server/proxy-main.js"),
      port: 0,
      address: "127.0.0.1",
      socketPath: join(directory, "proxy.sock"),
      tablePath: join(directory, "routes.json"),
      logPath: join(directory, "proxy.log"),
    };
    app = await new EchoApp().listen();
    proxy = await startProxy(options);
  });

  afterEach(async () => {
    await proxy.client.shutdown(0);
    await app.close();
    await rm(directory, { recursive: true });
  });

  const ask = async () => statuses(await converse(proxy.port, get))[0];

  it("serves what is published, and tells what it served", async () => {
    assert.equal(await ask(), 404);
    await proxy.client.publish([routeTo([upstreamAt(app.port)])]);
    assert.equal(await ask(), 200);
    await proxy.client.publish([routeTo([])]);
    assert.equal(await ask(), 502);
    assert.deepEqual(await proxy.client.stats(), { app: { requests: 2, errors: 1, inFlight: 0 } });
    assert.equal(await proxy.client.probe(upstreamAt(app.port)), true);
    assert.equal(await proxy.client.drain(["anything"], 1000), true);
    await assert.rejects(
      proxy.client.publish([routeTo([]), routeTo([], { app: "thief" })]),
      /host app.test belongs to both app and thief/,
    );
    assert.equal((await stat(options.socketPath)).mode & 0o777, 0o600);
  });

  it("goes on serving without a control plane, and is adopted by the next one", async () => {
    await proxy.client.publish([routeTo([upstreamAt(app.port)])]);
    await proxy.client.close();
    assert.equal(await ask(), 200);
    const adopted = await startProxy(options);
    assert.equal(adopted.pid, proxy.pid);
    assert.equal(adopted.port, proxy.port);
    proxy = adopted;
    await proxy.client.publish([routeTo([], { stopped: true })]);
    assert.equal(await ask(), 503);
    const saved = JSON.parse(await readFile(options.tablePath, "utf8")) as { version: number };
    assert.equal(saved.version, 2);
  });

  it("serves from the saved table when it starts without a control plane", async () => {
    await proxy.client.publish([routeTo([upstreamAt(app.port)])]);
    await proxy.client.shutdown(0);
    proxy = await startProxy(options);
    assert.equal(await ask(), 200);
  });

  it("is started again when it dies, on the same port and with the same routes", async () => {
    await proxy.client.publish([routeTo([upstreamAt(app.port)])]);
    await rm(options.tablePath);
    process.kill(proxy.pid, "SIGKILL");
    await until(async () => (await ask().catch(() => undefined)) === 200);
    // A call that comes in the meantime waits.
    await proxy.client.publish([routeTo([], { stopped: true })]);
    assert.equal(await ask(), 503);
  });

  it("is replaced when it listens elsewhere than wanted; what is under way ends well", async () => {
    await proxy.client.publish([routeTo([upstreamAt(app.port)])]);
    await proxy.client.close();
    const client = createConnection(proxy.port, "127.0.0.1");
    const answer = (async () => {
      let text = "";
      for await (const chunk of client) text += String(chunk);
      return text;
    })();
    const arrived = once(app.server, "request");
    client.write("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n\r\n");
    await arrived;
    const replaced = await startProxy({ ...options, address: "127.0.0.2" });
    assert.notEqual(replaced.pid, proxy.pid);
    client.write("ok");
    assert.match(await answer, /^HTTP\/1\.1 200 OK/);
    proxy = replaced;
  });

  it("reaches an app on the loopback interface of another network namespace, and lets go of it", async () => {
    const code = `require("http").createServer((_, response) => response.end("inside")).listen(8000, "127.0.0.1", () => console.log("up"))`;
    const script = `ip link set lo up && exec "$0" -e '${code}'`;
    const inside = spawn("unshare", ["--net", "sh", "-c", script, process.execPath], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(inside.stdout, "data");
      const pid = inside.pid as number;
      const upstream = { id: "inside", pid, pidStartTime: processStartTime(pid) ?? "", port: 8000 };
      assert.equal(await proxy.client.probe(upstream), true);
      assert.equal(await proxy.client.probe({ ...upstream, port: 8001 }), false);
      assert.equal(await proxy.client.probe({ ...upstream, pidStartTime: "1" }), false);
      assert.equal(await namespacesHeld(proxy.pid), 0);
      await proxy.client.publish([routeTo([upstream])]);
      assert.match(await converse(proxy.port, get), /inside/);
      assert.equal(await namespacesHeld(proxy.pid), 1);
      await proxy.client.publish([]);
      assert.equal(await namespacesHeld(proxy.pid), 0);
    } finally {
      const exited = once(inside, "exit");
      inside.kill("SIGKILL");
      await exited;
    }
  });

  it("says why it cannot start", async () => {
    const other = { ...options, port: app.port, socketPath: join(directory, "other.sock") };
    await assert.rejects(startProxy(other), /The router cannot start: .*EADDRINUSE/);
    assert.match(await readFile(options.logPath, "utf8"), /EADDRINUSE/);
  });
});
