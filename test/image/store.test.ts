import assert from "node:assert/strict";
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exportLayout } from "../../server/image/export.ts";
import { ImageStore } from "../../server/image/store.ts";
import { exec } from "../../server/lib/exec.ts";
import { UserError } from "../../server/model/error.ts";

const day = 24 * 60 * 60 * 1000;
const web = { web: { argv: ["node", "server.js"], env: { PATH: "/usr/bin" }, cwd: "/app" } };

describe("image store", () => {
  let directory: string;
  let root: string;
  let trees = 0;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-store-"));
    root = join(directory, "images");
  });

  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  /** A directory with these files, written in this order. */
  async function tree(files: Readonly<Record<string, string>>): Promise<string> {
    const path = join(directory, `tree-${trees++}`);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
    return path;
  }

  async function digestOf(
    store: ImageStore,
    files: Record<string, string>,
    change: (path: string) => Promise<unknown> = async () => {},
  ) {
    const path = await tree(files);
    await change(path);
    return await store.addLayer(path);
  }

  it("gives equal trees one digest and keeps one of them", async () => {
    const store = await ImageStore.open(root);
    const first = await digestOf(store, { "app/a": "1", "app/b/c": "2" });
    const second = await digestOf(store, { "app/b/c": "2", "app/a": "1" }, async (path) => {
      await utimes(join(path, "app/a"), 1, 1);
    });
    assert.equal(second, first);
    assert.deepEqual(await readdir(join(root, "layers/sha256")), [first.slice("sha256:".length)]);
    assert.equal(await readFile(join(store.layerPath(first), "app/b/c"), "utf8"), "2");
    assert.deepEqual(await readdir(join(root, "tmp")), []);
  });

  it("gives every difference that a container could see another digest", async () => {
    const store = await ImageStore.open(root);
    const files = { a: "same", b: "same" };
    const digests = await Promise.all([
      digestOf(store, files),
      digestOf(store, { ...files, b: "else" }),
      digestOf(store, { ...files, c: "same" }),
      digestOf(store, files, (path) => chmod(join(path, "a"), 0o755)),
      digestOf(store, files, (path) => symlink("a", join(path, "c"))),
      digestOf(store, files, (path) => symlink("b", join(path, "c"))),
      digestOf(store, files, (path) => link(join(path, "a"), join(path, "c"))),
      digestOf(store, files, (path) => mkdir(join(path, "c"))),
    ]);
    assert.equal(new Set(digests).size, digests.length);
  });

  it("takes the same layer from several builds at once", async () => {
    const store = await ImageStore.open(root);
    const digests = await Promise.all(Array.from({ length: 4 }, () => digestOf(store, { a: "1" })));
    assert.equal(new Set(digests).size, 1);
    assert.deepEqual(await readdir(join(root, "tmp")), []);
  });

  it("drops set-user-id bits and refuses what is no file, folder or link", async () => {
    const store = await ImageStore.open(root);
    const digest = await digestOf(store, { program: "#!/bin/sh" }, (path) =>
      chmod(join(path, "program"), 0o4755),
    );
    assert.equal((await lstat(join(store.layerPath(digest), "program"))).mode & 0o7777, 0o755);
    const pipe = digestOf(store, { a: "1" }, (path) => exec(["mkfifo", join(path, "p")]));
    await assert.rejects(
      pipe,
      (error: Error) => error instanceof UserError && /p is a device, socket or pipe/.test(error.message),
    );
  });

  it("gives back what was stored, after it was opened again", async () => {
    const store = await ImageStore.open(root);
    const layer = await digestOf(store, { a: "1" });
    const image = await store.addImage({ stack: "host", layers: [layer], processes: web });
    const again = await ImageStore.open(root);
    assert.deepEqual(await again.getImage(image.digest), image);
    assert.equal(await readFile(join(again.layerPath(layer), "a"), "utf8"), "1");
    assert.equal(
      (await store.addImage({ stack: "host", layers: [layer], processes: web })).digest,
      image.digest,
    );
    await assert.rejects(again.getImage(`sha256:${"0".repeat(64)}`));
    assert.throws(() => again.layerPath("sha256:../../etc"));
  });

  it("removes what a crash left behind", async () => {
    const store = await ImageStore.open(root);
    const kept = await digestOf(store, { a: "1" });
    const image = await store.addImage({ stack: "host", layers: [kept], processes: web });
    const cutShort = await digestOf(store, { b: "2" });
    await truncate(join(store.layerPath(cutShort), "b"), 0);
    await mkdir(join(root, "tmp/half-a-layer/diff"), { recursive: true });
    const again = await ImageStore.open(root);
    assert.deepEqual(await readdir(join(root, "tmp")), []);
    assert.equal(again.claimLayer(cutShort), false);
    assert.equal(again.claimLayer(kept), true);
    assert.deepEqual((await again.getImage(image.digest)).layers, [kept]);
  });

  it("removes unused images and the layers that only they had", async () => {
    const store = await ImageStore.open(root, 0);
    const [shared, old, current] = await Promise.all([
      digestOf(store, { shared: "1" }),
      digestOf(store, { app: "old" }),
      digestOf(store, { app: "current" }),
    ]);
    const first = await store.addImage({ stack: "host", layers: [shared, old], processes: web });
    const second = await store.addImage({ stack: "host", layers: [shared, current], processes: web });
    await store.removeUnused([second.digest]);
    await assert.rejects(store.getImage(first.digest));
    assert.equal(store.claimLayer(old), false);
    assert.deepEqual((await store.getImage(second.digest)).layers, [shared, current]);
    assert.ok(store.claimLayer(shared) && store.claimLayer(current));
    assert.equal((await readdir(join(root, "blobs/sha256"))).length, 2);
  });

  it("leaves alone what a build has just found or made", async () => {
    const store = await ImageStore.open(root, day);
    const [found, unused] = await Promise.all([
      digestOf(store, { a: "found" }),
      digestOf(store, { a: "unused" }),
    ]);
    const image = await store.addImage({ stack: "host", layers: [found, unused], processes: web });
    const longAgo = new Date(Date.now() - 2 * day);
    for (const folder of ["layers/sha256", "blobs/sha256"]) {
      for (const name of await readdir(join(root, folder)))
        await utimes(join(root, folder, name), longAgo, longAgo);
    }
    const made = await digestOf(store, { a: "made" });
    assert.ok(store.claimLayer(found));
    await store.removeUnused([]);
    await assert.rejects(store.getImage(image.digest));
    assert.ok(store.claimLayer(found) && store.claimLayer(made));
    assert.equal(store.claimLayer(unused), false);
  });

  it("exports a layout that skopeo reads, with the files in it", async () => {
    const store = await ImageStore.open(root);
    const deep = `deep/${"long-name/".repeat(20)}file`;
    const layers = [
      await digestOf(store, { "layers/x/tool": "binary", [deep]: "x" }, async (path) => {
        await link(join(path, "layers/x/tool"), join(path, "layers/x/twin"));
        await symlink("tool", join(path, "layers/x/link"));
      }),
      await digestOf(store, { "app/big": "0123456789".repeat(300_000) }),
    ];
    const { digest } = await store.addImage({ stack: "host", layers, processes: web });
    const layout = join(directory, "layout");
    await exportLayout(store, digest, layout);
    const copy = join(directory, "copy");
    await exec(["skopeo", "--insecure-policy", "copy", "--quiet", `oci:${layout}`, `dir:${copy}`]);
    const manifest = JSON.parse(await readFile(join(copy, "manifest.json"), "utf8")) as {
      layers: { digest: string; size: number }[];
    };
    assert.deepEqual(
      manifest.layers.map((layer) => layer.digest),
      layers,
    );
    for (const layer of layers) {
      const unpacked = await mkdtemp(join(directory, "unpacked-"));
      await exec(["tar", "-xf", join(copy, layer.slice("sha256:".length)), "-C", unpacked]);
      assert.equal(await store.addLayer(unpacked), layer);
    }
    const config = JSON.parse(await exec(["skopeo", "inspect", "--config", `oci:${layout}`])) as {
      config: Record<string, unknown>;
    };
    assert.deepEqual(config.config["Entrypoint"], web.web.argv);
    assert.equal(config.config["User"], "1000:1000");
  });

  it("does not export a layer that was changed", async () => {
    const store = await ImageStore.open(root);
    const layer = await digestOf(store, { a: "1" });
    const { digest } = await store.addImage({ stack: "host", layers: [layer], processes: web });
    await writeFile(join(store.layerPath(layer), "a"), "2");
    await assert.rejects(exportLayout(store, digest, join(directory, "layout")), /was changed/);
  });
});
