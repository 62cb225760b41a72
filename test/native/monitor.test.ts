import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { reap, spawnMonitor } from "../../native/index.ts";
import { connectToMonitor, MonitorClient } from "../../server/runtime/monitor-client.ts";
import { encodeExecOrder, encodeOrder } from "../../server/runtime/order.ts";
import { UserError } from "../../server/model/error.ts";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";
import { buildSanitized } from "./sanitized-build.ts";

describe("the monitor, built with sanitizers", () => {
  let scratch: string;
  let reports: string;
  let monitor: string;
  let room: ContainerRoom;

  before(async function () {
    const binaries = await buildSanitized(this, "slipway-monitor");
    scratch = await mkdtemp(join(tmpdir(), "slipway-sanitized-"));
    reports = join(scratch, "reports");
    await mkdir(reports);
    // The server gives a monitor no environment: a script says where reports go.
    monitor = join(scratch, "monitor");
    const options = `log_path=${reports}/report:exitcode=99`;
    await writeFile(
      monitor,
      `#!/bin/sh\nexport ASAN_OPTIONS=${options}:detect_leaks=1 UBSAN_OPTIONS=${options}:print_stacktrace=1\nexec ${binaries}/slipway-monitor\n`,
      { mode: 0o755 },
    );
    room = await ContainerRoom.open({ monitor });
  });

  after(async () => {
    await room?.close();
    if (scratch !== undefined) await rm(scratch, { recursive: true });
  });

  // A report inside the container, where the file cannot be opened, shows in the container's output or its exit.
  afterEach(async () => assert.deepEqual(await takeReports(), []));

  async function takeReports(): Promise<string[]> {
    await room.runtime.tidy(); // monitors have ended
    const files = (await readdir(reports)).map((name) => join(reports, name));
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
    await Promise.all(files.map((file) => rm(file)));
    return texts;
  }

  it("runs a container with network, mounts and files to its end", async () => {
    const directory = join(scratch, "data");
    const writable = join(scratch, "writable");
    await Promise.all([mkdir(directory), mkdir(writable)]);
    const result = await room.sh("echo out; echo err >&2; touch /data/made /over/made; exit 7", {
      network: true,
      user: { uid: 0, gid: 0 },
      mounts: [
        ...room.spec([]).mounts,
        { kind: "bind", source: directory, target: "/data", readOnly: false },
        { kind: "overlay", layers: [directory], writable, target: "/over" },
      ],
    });
    assert.deepEqual([result.code, result.signal, result.stdout, result.stderr], [7, null, "out", "err"]);
    assert.deepEqual(await readdir(directory), ["made"]);
  });

  it("keeps a log, is adopted, stops the app and tells how it ended", async () => {
    const logFile = join(scratch, "log");
    const spec = room.spec([
      "/bin/sh",
      "-c",
      "trap 'echo bye; exit 3' TERM; head -c 100000 /dev/zero | tr '\\0' x; echo; echo up; while :; do sleep 0.1; done",
    ]);
    const container = await room.runtime.start(spec, logFile);
    await until(async () => (await readFile(logFile, "utf8")).includes(" up\n"));
    const adopted = await room.runtime.adopt(spec.id);
    assert.ok(adopted !== null && "stop" in adopted);
    const exit = await adopted.stop(60_000);
    assert.deepEqual([exit.code, exit.signal], [3, null]);
    assert.deepEqual(await container.exited, exit);
    const lines = (await readFile(logFile, "utf8")).trimEnd().split("\n");
    assert.equal(lines.filter((line) => / o x+$/.test(line)).length, 7);
    assert.match(lines.at(-1)!, / o bye$/);
  });

  it("runs commands, and drops a client whose frames make no sense", async () => {
    const spec = room.spec(["/bin/sleep", "1000"]);
    const container = await room.runtime.start(spec, join(scratch, "commands"));
    const { signal } = new AbortController();
    const copy = await container.exec({ argv: ["cat"] }, { signal });
    copy.stdin.end(Buffer.alloc(200_000, "x"));
    assert.equal((await text(copy.stdout)).length, 200_000);
    assert.equal((await copy.exited).code, 0);
    const terminal = { columns: 80, rows: 24 };
    const shell = await container.exec({ argv: ["sh"], env: { PS1: "> " } }, { signal, terminal });
    shell.resize({ columns: 90, rows: 30 });
    shell.stdin.end("stty size\n");
    assert.match(await text(shell.stdout), /30 90/);
    await assert.rejects(container.exec({ argv: ["no-such-program"] }, { signal, terminal }), UserError);
    await container.execDetached({ argv: ["sleep", "1000"] });

    const order = encodeExecOrder({ command: { argv: ["sleep", "1000"] }, terminal: null, detached: false });
    for (const sent of [
      "exec 99999999\n",
      "exec 3\nabc",
      "exec 10\nversion",
      Buffer.concat([order, Buffer.from("i\xff\xff\xff\xff", "latin1")]),
      Buffer.concat([order, Buffer.from("w\0\0\0\x01xs\0\0\0\x01\x09")]),
      Buffer.concat([order, Buffer.from("?\0\0\0\0")]),
      order.subarray(0, -1),
      order,
    ]) {
      const socket = await connectToMonitor(join(room.containersDir, spec.id));
      socket.on("error", () => {});
      socket.resume().end(sent);
      await new Promise((resolve) => socket.once("close", resolve));
    }
    assert.equal((await container.stop(0)).signal, "SIGKILL");
  });

  it("kills an app that does not stop", async () => {
    const spec = room.spec(["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]);
    const container = await room.runtime.start(spec, join(scratch, "stubborn"));
    await until(async () => (await readFile(join(scratch, "stubborn"), "utf8")).includes(" up\n"));
    assert.equal((await container.stop(1)).signal, "SIGKILL");
  });

  it("ends with the server when its container is tied to it", async () => {
    const spec = room.spec(["/bin/sleep", "1000"]);
    const directory = join(scratch, "tied");
    await mkdir(directory);
    const { pid, control } = spawnMonitor(monitor, false);
    const client = MonitorClient.fromFd(control);
    client.send(encodeOrder({ spec, directory, output: { kind: "tied" }, attachment: null, files: {} }));
    const init = await client.ready;
    client.close();
    await reap(pid);
    assert.equal(existsSync(`/proc/${init.pid}`), false);
  });

  it("takes a stop that comes right behind its order", async () => {
    const abort = new AbortController();
    const options = { onLine: () => {}, signal: abort.signal, timeoutMs: 100_000 };
    const ended = room.runtime.run(room.spec(["/bin/sleep", "1000"]), options);
    abort.abort();
    await assert.rejects(ended, { name: "AbortError" });
  });

  it("says why a container cannot be made", async () => {
    await assert.rejects(
      room.run(["no-such-program"]),
      new UserError("Cannot run no-such-program: No such file or directory"),
    );
    await assert.rejects(
      room.run(["/bin/true"], { cwd: "not/absolute" }),
      /specification refused: cwd: not an absolute path/,
    );
    await assert.rejects(room.run(["/bin/true"], { layers: ["/nowhere"] }), /open \/nowhere: No such file/);
  });

  const badOrders: Record<string, [string, RegExp]> = {
    "is empty": ["spec 0\n", /^error 22 specification refused: nothing given\n$/],
    "has no end": ["spec 9\nversion=1", /^error 22 specification refused: the last record has no end\n$/],
    "is of another version": ["spec 10\nversion=x\0", /^error 22 specification refused: version: not 1/],
    "is cut off": ["spec 10\nversion", /^$/],
    "is too large": ["spec 99999999999\n", /^$/],
    "is something else": ["GET / HTTP/1.1\r\n\r\n", /^$/],
  };
  for (const [what, [order, answer]] of Object.entries(badOrders)) {
    it(`ends when its order ${what}`, async () => {
      const { pid, control } = spawnMonitor(monitor, false);
      const socket = new Socket({ fd: control, allowHalfOpen: true });
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("error", () => {}); // it does not read what it does not want
      socket.end(order);
      await new Promise((resolve) => socket.once("close", resolve));
      await reap(pid);
      assert.match(text, answer);
    });
  }

  it("would be found out: a fault ends in a report, and the container with it", async () => {
    const spec = room.spec(["/bin/sleep", "1000"]);
    const container = await room.runtime.start(spec, join(scratch, "fault"));
    const status = await readFile(`/proc/${container.pid}/status`, "utf8");
    process.kill(Number(/^PPid:\s+(\d+)$/m.exec(status)![1]), "SIGSEGV");
    assert.equal((await container.exited).signal, "SIGKILL");
    const found = await takeReports();
    assert.equal(found.length, 1);
    assert.match(found[0]!, /AddressSanitizer: SEGV/);
  });
});
