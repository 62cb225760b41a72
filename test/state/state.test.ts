import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../server/paths.ts";
import { openState, type State } from "../../server/state/state.ts";

describe("state", () => {
  let directory: string;
  let state: State;
  const open = () =>
    openState({
      database: join(directory, "slipway.db"),
      secretKey: join(directory, "secret.key"),
      migrations: join(packageRoot, "server/state/migrations"),
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "slipway-state-"));
    state = await open();
  });

  afterEach(async () => {
    state.close();
    await rm(directory, { recursive: true });
  });

  it("keeps everything over a restart and migrates only once", async () => {
    const app = state.apps.create("blog");
    state.configVars.set(app.id, new Map([["A", "1"]]));
    state.close();
    state = await open();
    assert.deepEqual(state.apps.get("blog"), app);
    assert.deepEqual([...state.configVars.get(app.id)], [["A", "1"]]);
  });

  it("refuses a second server in the same data directory", async () => {
    state.apps.create("blog");
    await assert.rejects(open(), /Another Slipway is using/);
  });

  it("encrypts config values at rest with a key that only root can read", async () => {
    const secret = "correct horse battery staple";
    const app = state.apps.create("blog");
    state.configVars.set(app.id, new Map([["PASSWORD", secret]]));
    state.close();
    const files = await Promise.all(
      ["slipway.db", "slipway.db-wal"].map((name) =>
        readFile(join(directory, name)).catch(() => Buffer.alloc(0)),
      ),
    );
    assert.ok(!Buffer.concat(files).includes(secret));
    assert.equal((await stat(join(directory, "secret.key"))).mode & 0o777, 0o600);
    await writeFile(join(directory, "secret.key"), Buffer.alloc(32, 7));
    state = await open();
    assert.throws(() => state.configVars.get(app.id));
  });

  it("lets an app's config override the global one", () => {
    const app = state.apps.create("blog");
    state.configVars.set(
      null,
      new Map([
        ["A", "global"],
        ["B", "global"],
      ]),
    );
    state.configVars.set(app.id, new Map([["A", "app"]]));
    assert.deepEqual(Object.fromEntries(state.configVars.merged(app.id)), { A: "app", B: "global" });
    state.configVars.unset(app.id, ["A"]);
    assert.equal(state.configVars.merged(app.id).get("A"), "global");
  });

  it("gives every app host ids of its own and reuses those of a destroyed one", () => {
    const apps = ["a", "b", "c"].map((name) => state.apps.create(name));
    const bases = apps.map(({ idBase }) => idBase);
    assert.equal(new Set(bases).size, 3);
    assert.ok(bases.every((base) => base % 65_536 === 0));
    state.apps.delete(apps[1]?.id ?? 0);
    assert.equal(state.apps.create("d").idBase, bases[1]);
  });

  it("numbers releases per app and makes a succeeded one current", () => {
    const [blog, shop] = [state.apps.create("blog"), state.apps.create("shop")];
    const make = (appId: number) =>
      state.releases.create({ appId, source: "push", author: "ada", commit: "c", imageDigest: null });
    make(blog.id);
    const second = make(blog.id);
    assert.equal(second.version, 2);
    assert.equal(make(shop.id).version, 1);
    assert.equal(state.releases.unfinished().length, 3);
    state.releases.setImage(second.id, "sha256:00");
    state.releases.succeed(second.id);
    assert.equal(state.apps.get("blog").currentReleaseId, second.id);
    assert.equal(state.releases.byId(second.id)?.status, "succeeded");
  });

  it("keeps a domain to one app", () => {
    const [blog, shop] = [state.apps.create("blog"), state.apps.create("shop")];
    assert.equal(state.domains.add(blog.id, "example.com"), true);
    assert.equal(state.domains.add(blog.id, "example.com"), false);
    assert.throws(() => state.domains.add(shop.id, "example.com"), /already in use by another app/);
    state.apps.delete(blog.id);
    assert.equal(state.domains.add(shop.id, "example.com"), true);
  });

  it("lets a sign-in link be used once", () => {
    const key = state.keys.add({
      name: "ada",
      publicKey: "ssh-ed25519 AAAA",
      fingerprint: "SHA256:x",
      role: "admin",
    });
    const link = state.sessions.createLink(key.id, 60_000);
    const session = state.sessions.redeemLink(link, 60_000);
    assert.equal(state.sessions.keyOf(session ?? ""), key.id);
    assert.equal(state.sessions.redeemLink(link, 60_000), null);
    assert.equal(state.sessions.redeemLink(state.sessions.createLink(key.id, -1), 60_000), null);
    state.keys.remove(key.id);
    assert.equal(state.sessions.keyOf(session ?? ""), null);
  });
});
