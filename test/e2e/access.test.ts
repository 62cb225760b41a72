import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { LocalServer } from "../../deploy/local-server.ts";
import { Project } from "../support/project.ts";

describe("a key of role deploy", function () {
  this.timeout(120_000);
  let server: LocalServer;
  let project: Project;

  before(async () => {
    server = await LocalServer.start();
    const publicKey = await readFile(await server.createKey("eve"), "utf8");
    const added = await server.ssh("ssh-keys:add eve --role deploy", { input: publicKey });
    assert.equal(added.code, 0, added.stderr);
    project = await Project.create(server, "blog", "procfile-web-worker");
    assert.equal((await server.ssh("apps:create blog")).code, 0);
  });

  after(async () => {
    await server.close();
    await project.remove();
  });

  it("cannot push to, clone or see another's app", async () => {
    const pushed = await project.push("main", "eve");
    assert.notEqual(pushed.code, 0);
    assert.match(pushed.stderr, / !     App blog does not exist|Access denied/);
    assert.notEqual((await server.git("/tmp", ["ls-remote", server.gitUrl("blog")], "eve")).code, 0);
    assert.equal((await server.ssh("config:show blog", { key: "eve" })).code, 20);
    assert.doesNotMatch((await server.ssh("apps:list", { key: "eve" })).stdout, /blog/);
    assert.doesNotMatch((await server.ssh("releases:list blog")).stdout, /building|succeeded|failed/);
  });

  it("can push once the app was granted to it", async () => {
    const granted = await server.ssh("acl:add blog eve");
    assert.equal(granted.code, 0, granted.stderr);
    const pushed = await project.push("main", "eve");
    assert.equal(pushed.code, 0, pushed.stderr);
    assert.match((await server.ssh("releases:list blog")).stdout, /eve/);
  });

  it("is refused everything once it was removed", async () => {
    assert.equal((await server.ssh("ssh-keys:remove eve")).code, 0);
    assert.equal((await server.ssh("apps:list", { key: "eve" })).code, 255);
  });
});
