import assert from "node:assert/strict";
import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";
import { until } from "../support/until.ts";

const memoryHog = `import sys, time
time.sleep(1.5)
held = []
while True:
    held.append(bytearray(4 << 20))
`;

describe("limits of an app", function () {
  this.timeout(120_000);

  it("a process that takes too much memory is ended alone, and the event names it and its limit", async () => {
    const server = await LocalServer.start(["--memory", "96"]);
    const project = await Project.create(server, "crew", "procfile-web-worker");
    try {
      await project.commit({ "worker.py": memoryHog });
      await project.deploy();
      assert.equal((await server.ssh("ps:scale crew worker=1")).code, 0);
      await until(async () =>
        /worker\.1 ended \(killed: out of memory, its limit is 96 MiB\)/.test(
          (await server.ssh("events crew")).stdout,
        ),
      );
      assert.equal((await server.fetch("crew.localhost")).status, 200);
      assert.doesNotMatch((await server.ssh("events crew")).stdout, /web\.1 ended/);
    } finally {
      await server.close();
      await project.remove();
    }
  });
});
