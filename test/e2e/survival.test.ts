import assert from "node:assert/strict";
import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";
import { until } from "../support/until.ts";

describe("a server killed with SIGKILL", function () {
  this.timeout(180_000);
  let server: LocalServer;
  let project: Project;

  before(async () => {
    server = await LocalServer.start();
    project = await Project.create(server, "crew", "procfile-web-worker");
    await project.deploy();
    assert.equal((await server.ssh("ps:scale crew worker=1")).code, 0);
  });

  after(async () => {
    await server.close();
    await project.remove();
  });

  const processIds = async (): Promise<string[]> => {
    const { stdout } = await server.ssh("ps:report crew");
    return [...stdout.matchAll(/Status .* running \(CID: (\S+)\)/g)].map(([, id]) => id ?? "").sort();
  };

  it("leaves its apps running, and the next one adopts them with logs, routes and status right", async () => {
    const before = await processIds();
    assert.equal(before.length, 2);
    await server.crash();
    assert.equal((await server.fetch("crew.localhost")).status, 200);

    await server.run();
    assert.deepEqual(await processIds(), before);
    assert.equal((await server.fetch("crew.localhost")).status, 200);
    // A line written after the new server came shows that the log still flows.
    const seen = (await server.ssh("logs crew -n 1000")).stdout.split("\n").length;
    await server.fetch("crew.localhost");
    await until(async () => (await server.ssh("logs crew -n 2000")).stdout.split("\n").length > seen);
  });

  it("does not leave a push half done: it is told as failed, the old release goes on, and a new push works", async () => {
    await project.commit({ "slow.txt": "x" });
    const pushing = project.push();
    await until(async () => /building|deploying/.test((await server.ssh("releases:list crew")).stdout));
    await server.crash();
    assert.notEqual((await pushing).code, 0);
    assert.equal((await server.fetch("crew.localhost")).status, 200);
    await server.run();
    const { stdout } = await server.ssh("releases:list crew");
    assert.doesNotMatch(stdout, /building|deploying/);
    assert.equal((await processIds()).length, 2);
    await project.deploy();
    assert.equal((await server.fetch("crew.localhost")).status, 200);
  });

  it("starts a process again that ended while no server looked", async () => {
    const before = await processIds();
    await server.crash();
    await server.fetch("crew.localhost", "/exit").catch(() => {});
    await server.run();
    const after = await until(async () => {
      const ids = await processIds();
      return ids.length === 2 && ids.join() !== before.join() ? ids : null;
    });
    assert.equal(after.filter((id) => before.includes(id)).length, 1);
    await until(async () => (await server.fetch("crew.localhost")).status === 200);
  });
});
