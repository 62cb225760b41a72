import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ContainerRoom } from "../support/containers.ts";
import { until } from "../support/until.ts";

const cgroups = "/sys/fs/cgroup/slipway";
const mebibyte = 2 ** 20;

// Runs on a machine that has cgroup v2 alone; test/guest/run makes one.
describe("Limits under cgroup v2", function () {
  let room: ContainerRoom;

  before(async function () {
    if (!existsSync("/sys/fs/cgroup/cgroup.controllers")) this.skip();
    room = await ContainerRoom.open();
  });

  after(async () => room?.close());

  const limits = { memoryBytes: 64 * mebibyte, cpuShares: 1024, cpus: 0.5, pids: 20, openFiles: 256 };

  it("gives the container a group with the limits, which it sees and cannot change, and removes it", async () => {
    const script = `
      trap 'exit 0' TERM
      cd /sys/fs/cgroup
      cat memory.max memory.swap.max cpu.max cpu.weight pids.max /proc/self/cgroup
      echo max >memory.max || echo refused
      while :; do sleep 0.1; done`;
    const spec = room.spec(["/bin/sh", "-c", script], { limits });
    const logFile = join(room.directory, "app.log");
    const container = await room.runtime.start(spec, logFile);
    const group = join(cgroups, spec.id);
    await until(async () => (await readFile(logFile, "utf8").catch(() => "")).includes("refused"));
    assert.equal(await readFile(join(group, "memory.max"), "utf8"), `${64 * mebibyte}\n`);
    assert.equal((await container.stop(60_000)).code, 0);
    await room.runtime.tidy();
    assert.ok(!existsSync(group));
    const said = await readFile(logFile, "utf8");
    for (const line of [`${64 * mebibyte}`, "0", "50000 100000", "39", "20", "0::/"])
      assert.match(said, new RegExp(`^.* ${line}$`, "m"), said);
  });

  it("tells that a container was killed for want of memory", async () => {
    const exit = await room.run(["/usr/bin/python3", "-c", "b = bytearray(200 << 20)"], { limits });
    assert.equal(exit.oomKilled, true);
    assert.equal(exit.signal, "SIGKILL");
  });

  it("tells no such thing of a container that failed for its own reasons", async () => {
    const exit = await room.sh("exit 3", { limits });
    assert.deepEqual([exit.code, exit.oomKilled], [3, false]);
  });

  it("holds the number of processes", async () => {
    const script = "for i in $(seq 40); do sleep 100 & done; echo never";
    const exit = await room.sh(script, { limits });
    assert.notEqual(exit.code, 0);
    assert.match(exit.stderr, /fork/);
    assert.doesNotMatch(exit.stdout, /never/);
  });

  it("holds back a container that would use more processor time", async () => {
    const script = "until grep -q '^nr_throttled [1-9]' /sys/fs/cgroup/cpu.stat; do :; done; echo throttled";
    const exit = await room.sh(script, { limits: { ...limits, cpus: 0.1 } });
    assert.equal(exit.stdout, "throttled");
  });
});
