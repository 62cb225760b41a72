import assert from "node:assert/strict";
import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";
import { steadyLoad } from "../support/steady-load.ts";

describe("under steady requests", function () {
  this.timeout(180_000);

  it("a deploy, a restart, scaling and a killed server lose none", async () => {
    const server = await LocalServer.start();
    const project = await Project.create(server, "crew", "procfile-web-worker");
    try {
      await project.deploy();
      const load = steadyLoad(server.addresses.httpPort, "crew.localhost");
      await project.commit({ "change.txt": "1" });
      await project.deploy();
      for (const command of ["ps:restart crew", "ps:scale crew web=3", "ps:scale crew web=1"]) {
        const { code, stderr } = await server.ssh(command);
        assert.equal(code, 0, stderr);
      }
      await server.crash();
      await server.run();
      const { requests, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(requests > 100, `only ${requests} requests`);
    } finally {
      await server.close();
      await project.remove();
    }
  });
});
