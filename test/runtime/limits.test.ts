import assert from "node:assert/strict";
import { describeExit } from "../../server/model/container.ts";
import { ContainerRoom } from "../support/containers.ts";

describe("limits of a container", () => {
  let room: ContainerRoom;
  before(async () => {
    room = await ContainerRoom.open();
  });
  after(() => room.close());

  const limited = (change: object) => ({ limits: { ...room.spec([]).limits, ...change } });

  it("tells that an app was killed for want of memory", async () => {
    const hog = await room.run(["python3", "-c", "b'x' * (200 << 20)"], limited({ memoryBytes: 64 << 20 }));
    assert.equal(describeExit(hog), "killed: out of memory");
    const modest = await room.run(["python3", "-c", "b'x' * (20 << 20)"], limited({ memoryBytes: 64 << 20 }));
    assert.equal(describeExit(modest), "exit status 0");
  });

  it("tells it also when a shell was between", async () => {
    const hog = await room.sh(
      "python3 -c \"b'x' * (200 << 20)\"; exit $?",
      limited({ memoryBytes: 64 << 20 }),
    );
    assert.equal(hog.oomKilled, true);
  });

  it("stops a fork bomb at the number of processes", async () => {
    const code = `
import errno, os, time
started = 0
try:
    while True:
        if os.fork() == 0: time.sleep(1000)
        started += 1
except OSError as error: print(started < 20, error.errno == errno.EAGAIN)`;
    const result = await room.run(["python3", "-c", code], limited({ pids: 20 }));
    assert.equal(result.stdout, "True True");
  });

  it("limits open files", async () => {
    const result = await room.sh("ulimit -n; ulimit -Hn", limited({ openFiles: 100 }));
    assert.equal(result.stdout, "100\n100");
  });

  it("gives no more processor time than its quota", async () => {
    const code =
      "import time\nt, used = time.monotonic(), time.process_time()\nwhile time.process_time() - used < 0.3: pass\nprint((time.monotonic() - t) > 0.3 * 1.5)";
    const result = await room.run(["python3", "-c", code], limited({ cpus: 0.5 }));
    assert.equal(result.stdout, "True");
  });
});
