import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPlugins, type PluginHost } from "../../server/plugins/host.ts";

describe("plugin host", () => {
  let pluginsDir: string;
  let logged: Record<string, unknown>[];
  const heard: unknown[] = [];
  const payload = { app: "blog", version: 3, actor: "ada", reason: "no Procfile" };

  beforeEach(async () => {
    pluginsDir = await mkdtemp(join(tmpdir(), "slipway-plugins-"));
    logged = [];
    heard.length = 0;
    Object.assign(globalThis, { heard });
  });
  afterEach(async () => {
    Reflect.deleteProperty(globalThis, "heard");
    await rm(pluginsDir, { recursive: true });
  });

  async function addPlugin(name: string, hookSource: string, manifest: object = {}): Promise<void> {
    const folder = join(pluginsDir, name);
    await mkdir(folder);
    const json = { name, description: "for a test", hooks: ["deployFailed"], ...manifest };
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "plugin.json"), JSON.stringify(json));
    await writeFile(
      join(folder, "index.js"),
      `export default ({ log }) => ({ deployFailed: ${hookSource} });`,
    );
  }

  function load(hookTimeoutMs = 10_000): Promise<PluginHost> {
    const log = (message: string, fields = {}) => void logged.push({ message, ...fields });
    return loadPlugins({ pluginsDir, dataDir: pluginsDir, log, hookTimeoutMs });
  }

  it("tells plugins in the order of their names and the calls in the order they were made", async () => {
    await addPlugin("b", "({ version }) => { heard.push(`b ${version}`); }");
    await addPlugin(
      "a",
      "async ({ version }) => { await new Promise(setImmediate); heard.push(`a ${version}`); }",
    );
    const host = await load();
    await Promise.all([
      host.emit("deployFailed", payload),
      host.emit("deployFailed", { ...payload, version: 4 }),
    ]);
    assert.deepEqual(heard, ["a 3", "b 3", "a 4", "b 4"]);
    assert.deepEqual(
      host.plugins.map(({ name }) => name),
      ["a", "b"],
    );
  });

  it("logs a hook that throws and goes on with the next plugin", async () => {
    await addPlugin("a", "() => { throw new Error('full disk'); }");
    await addPlugin("b", "({ app, reason }, signal) => { heard.push(app, reason, signal.aborted); }");
    await (await load()).emit("deployFailed", payload);
    assert.deepEqual(heard, ["blog", "no Procfile", false]);
    assert.deepEqual(logged, [
      { message: "plugin hook failed", plugin: "a", hook: "deployFailed", error: "full disk" },
    ]);
  });

  it("stops waiting for a hook that hangs and aborts its signal", async () => {
    await addPlugin(
      "a",
      "(_, signal) => new Promise(() => signal.addEventListener('abort', () => heard.push('aborted')))",
    );
    await addPlugin("b", "() => { heard.push('b'); }");
    await (await load(20)).emit("deployFailed", payload);
    assert.deepEqual(heard, ["aborted", "b"]);
    assert.match(String(logged[0]?.["error"]), /not done after 20 ms/);
  });

  it("leaves out a plugin whose manifest or code is wrong, and loads the others", async () => {
    await addPlugin("bad-hook", "() => {}", { hooks: ["deployExploded"] });
    await addPlugin("bad-name", "() => {}", { name: "other" });
    await addPlugin("not-json", "() => {}");
    await writeFile(join(pluginsDir, "not-json", "plugin.json"), "{");
    await addPlugin("syntax", "(((");
    await addPlugin("undeclared", "() => {}", { hooks: [] });
    await addPlugin("good", "({ app }) => { heard.push(app); }");
    await (await load()).emit("deployFailed", payload);
    assert.deepEqual(heard, ["blog"]);
    assert.deepEqual(
      logged.map(({ plugin }) => plugin),
      ["bad-hook", "bad-name", "not-json", "syntax", "undeclared"],
    );
    assert.match(String(logged[0]?.["error"]), /must be a list of deploySucceeded, deployFailed/);
    assert.match(String(logged[4]?.["error"]), /declares the hooks "", its code has "deployFailed"/);
  });
});
