import assert from "node:assert/strict";
import { lstat, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHostStack } from "../../server/image/host-stack.ts";
import type { Stack } from "../../server/model/image.ts";

describe("host stack", () => {
  let directory: string;
  let stack: Stack;
  let root: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-stack-"));
    stack = await openHostStack(directory);
    root = stack.layers[0]!;
  });

  after(async () => {
    await rm(directory, { recursive: true });
  });

  it("shows the machine's /usr read-only and nothing else of it", () => {
    assert.deepEqual(stack.mounts, [{ kind: "bind", source: "/usr", target: "/usr", readOnly: true }]);
    assert.equal(stack.layers.length, 1);
  });

  it("knows no person of the machine", async () => {
    const names = (await readFile(join(root, "etc/passwd"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(":")[0]);
    assert.deepEqual(names, ["root", "app", "nobody"]);
    for (const secret of ["shadow", "ssh", "hostname", "machine-id", "ssl/private"])
      await assert.rejects(lstat(join(root, "etc", secret)), { code: "ENOENT" });
    assert.deepEqual(await readdir(join(root, "root")), []);
    assert.deepEqual(await readdir(join(root, "home")), []);
  });

  it("has what programs need: certificates, libraries, alternatives, a place of the app's own", async () => {
    assert.match(
      await readFile(join(root, "etc/ssl/certs/ca-certificates.crt"), "utf8"),
      /-----BEGIN CERTIFICATE-----/,
    );
    assert.ok((await stat(join(root, "etc/ld.so.cache"))).size > 0);
    for (const name of await readdir(join(root, "etc/alternatives")))
      assert.ok((await lstat(join(root, "etc/alternatives", name))).isSymbolicLink(), name);
    assert.ok((await lstat(join(root, "bin"))).isSymbolicLink());
    const app = await stat(join(root, "app"));
    assert.deepEqual([app.uid, app.gid], [1000, 1000]);
    assert.equal((await stat(join(root, "tmp"))).mode & 0o7777, 0o1777);
  });

  it("is the same one as long as the machine is", async () => {
    assert.deepEqual(await openHostStack(directory), stack);
    assert.equal((await readdir(directory)).length, 1);
  });
});
