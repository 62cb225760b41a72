import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerSpec, RunningContainer } from "../../server/model/container.ts";
import { packageRoot } from "../../server/paths.ts";
import { processStartTime } from "../../server/runtime/process-identity.ts";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";

describe("adopting containers of a server that was killed", () => {
  let room: ContainerRoom;
  before(async () => {
    room = await ContainerRoom.open();
  });
  after(() => room.close());

  /** Starts a container from another process, and kills that. */
  async function startAndLose(spec: ContainerSpec, logFile: string): Promise<number> {
    const server: ChildProcess = spawn(
      process.execPath,
      [
        join(packageRoot, "dist/test/runtime/start-and-wait.js"),
        room.directory,
        JSON.stringify(spec),
        logFile,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [pid] = (await once(server.stdout!, "data")) as [Buffer];
    server.kill("SIGKILL");
    await once(server, "exit");
    return Number(pid);
  }

  /** Its app says what is in the file "say" of its mount whenever that changes, until it is told to end. */
  async function talker(
    name: string,
  ): Promise<{ spec: ContainerSpec; say: (word: string) => Promise<void>; logFile: string }> {
    const directory = join(room.directory, name);
    await mkdir(directory);
    await writeFile(join(directory, "say"), "hello\n");
    const script =
      "tail -n +1 -f /data/say | while read word; do [ $word = end ] && kill -TERM 1 && exit 0; echo $word; done";
    const spec = room.spec(["/bin/sh", "-c", `trap 'exit 9' TERM; ${script} & wait`], {
      mounts: [...room.spec([]).mounts, { kind: "bind", source: directory, target: "/data", readOnly: true }],
      user: { uid: 0, gid: 0 },
      network: true,
    });
    const say = (word: string) => appendFile(join(directory, "say"), `${word}\n`);
    return { spec, say, logFile: join(room.directory, "logs", `${name}.log`) };
  }

  const logged = (file: string, word: string) =>
    until(async () => existsSync(file) && (await readFile(file, "utf8")).includes(` o ${word}\n`));

  it("finds it running, with its log going on, and learns how it ends", async () => {
    const { spec, say, logFile } = await talker("running");
    const pid = await startAndLose(spec, logFile);
    await say("while-no-server-ran");
    await logged(logFile, "while-no-server-ran");
    const container = (await room.runtime.adopt(spec.id)) as RunningContainer;
    assert.deepEqual([container.id, container.pid], [spec.id, pid]);
    assert.equal(container.pidStartTime, processStartTime(pid));
    await say("after-adoption");
    await logged(logFile, "after-adoption");
    await say("end");
    const exit = await container.exited;
    assert.deepEqual([exit.code, exit.signal, exit.oomKilled], [9, null, false]);
    await room.runtime.tidy();
    assert.deepEqual(await readdir(room.containersDir), []);
  });

  it("stops it like its own", async () => {
    const { spec, logFile } = await talker("stopped");
    await startAndLose(spec, logFile);
    const container = (await room.runtime.adopt(spec.id)) as RunningContainer;
    assert.equal((await container.stop(60_000)).code, 9);
  });

  it("learns how one ended while no server ran, once", async () => {
    const { spec, say, logFile } = await talker("ended");
    const pid = await startAndLose(spec, logFile);
    await say("end");
    await until(async () => processStartTime(pid) === null);
    await until(async () => existsSync(join(room.containersDir, spec.id, "exit")));
    const exit = await room.runtime.adopt(spec.id);
    assert.ok(exit !== null && !("stop" in exit));
    assert.deepEqual([exit.code, exit.signal], [9, null]);
    await room.runtime.tidy();
    assert.equal(await room.runtime.adopt(spec.id), null);
  });

  it("removes those that nobody asks for", async () => {
    const { spec, logFile } = await talker("forgotten");
    const pid = await startAndLose(spec, logFile);
    await room.runtime.removeAllBut(new Set());
    await room.runtime.tidy();
    assert.equal(processStartTime(pid), null);
    assert.deepEqual(await readdir(room.containersDir), []);
  });

  it("a container whose server is killed in the middle of a one-off run is gone too", async () => {
    const code = `
      import { createRuntime } from "${packageRoot}/dist/server/runtime/runtime.js";
      import { openNetwork } from "${packageRoot}/dist/server/runtime/network.js";
      const [directory, spec] = process.argv.slice(1);
      const runtime = createRuntime({ containersDir: directory + "/containers", network: await openNetwork(directory) });
      runtime.run(JSON.parse(spec), { onLine: (line) => console.log(line.text), signal: new AbortController().signal, timeoutMs: 60000 });`;
    const spec = room.spec(["/bin/sh", "-c", "echo up; sleep 1000"]);
    const server = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      code,
      room.directory,
      JSON.stringify(spec),
    ]);
    await once(server.stdout, "data");
    const cgroup = ["/sys/fs/cgroup/memory/slipway", "/sys/fs/cgroup/slipway"]
      .map((path) => join(path, spec.id))
      .find(existsSync)!;
    server.kill("SIGKILL");
    await until(async () => !existsSync(cgroup));
  });

  it("a monitor that is killed takes its container along, and that is noticed", async () => {
    const container = await room.runtime.start(
      room.spec(["sleep", "1000"]),
      join(room.directory, "logs/m.log"),
    );
    const status = await readFile(`/proc/${container.pid}/status`, "utf8");
    process.kill(Number(/^PPid:\s+(\d+)$/m.exec(status)![1]), "SIGKILL");
    const exit = await container.exited;
    assert.deepEqual([exit.code, exit.signal], [null, "SIGKILL"]);
    assert.equal(processStartTime(container.pid), null);
    const cgroups = ["/sys/fs/cgroup/memory/slipway", "/sys/fs/cgroup/slipway"].map((path) =>
      join(path, container.id),
    );
    assert.deepEqual(cgroups.filter(existsSync), []);
  });
});
